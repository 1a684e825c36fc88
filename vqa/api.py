"""The Python face: load a trained run, score videos, list the models."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vqa.commands.scoring.scorer import Scorer


def load(
    run: str | Path,
    *,
    cache: str | Path | None = None,
    device: str = "auto",
    damaged: str = "refuse",
    trust: Sequence[str] = (),
) -> "Scorer":
    """Load a trained run for scoring.

    Args:
        run: Folder of a finished run.
        cache: Folder of the feature cache, which makes scoring a file again almost free; None uses
            a temporary one.
        device: `cpu`, `cuda`, or `auto`: the GPU if there is one and the run was trained on one.
        damaged: `refuse`, or `score` to score damaged files by their good frames.
        trust: Packages besides vqa that the run's configuration may use.

    Raises:
        RunError: The folder is not a run, or was written by another version.
        FileNotFoundError: The run is not finished.
    """
    from vqa.commands.scoring.scorer import Scorer

    return Scorer(run, cache=cache, device=device, damaged=damaged, trust=trust)


def list_models() -> list[str]:
    """List the names of the models that can be trained.

    Examples:
        >>> import vqa
        >>> "vsfa" in vqa.list_models()
        True
    """
    from vqa.commands.models import models

    return [model.name for model in models()]
