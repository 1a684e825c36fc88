"""No-reference video quality assessment: train, evaluate and apply models that predict the MOS.

    import vqa

    scorer = vqa.load("runs/gstvqa-demo-multiscale-1a2b3c4d")
    print(scorer("clip.mp4").value)

Importing this package imports neither torch nor Lightning; the first use does.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vqa.api import Scorer, list_models, load
    from vqa.commands.scoring.score import Score

__version__ = "0.2.0"
__all__ = ["Score", "Scorer", "__version__", "list_models", "load"]

_HOMES = {
    "list_models": "vqa.api",
    "load": "vqa.api",
    "Score": "vqa.commands.scoring.score",
    "Scorer": "vqa.api",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'vqa' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
