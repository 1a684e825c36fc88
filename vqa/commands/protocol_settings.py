"""The settings of a protocol when a recipe brings some of another one.

Experiments and model files state settings for the protocol that they choose, such as the number of
folds. They are defaults: a protocol that the user chooses instead takes those that it knows. What
the user types is not: a setting that the chosen protocol does not take is refused.
"""

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omegaconf import DictConfig


def fit_protocol(config: "DictConfig", overrides: Sequence[str]) -> None:
    """Remove the settings from `protocol` that the chosen protocol does not take.

    Args:
        config: A composed configuration, changed in place; without a protocol it is left as it is.
        overrides: As typed.

    Raises:
        ValueError: A typed setting that the protocol does not take, or a protocol that does not
            exist.
    """
    from omegaconf import open_dict

    from vqa.commands.building import locate  # here, because it needs `configuration`

    section = config.get("protocol")
    target = section.get("_target_") if section else None
    if target is None:
        return
    parameters = inspect.signature(locate(target)).parameters.values()
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters):
        return
    taken = {one.name for one in parameters}
    words = {word.lstrip("+").partition("=")[0]: word.lstrip("+") for word in overrides}
    with open_dict(section):
        for name in [str(key) for key in section if str(key)[:1] != "_" and key not in taken]:
            if word := words.get(f"protocol.{name}"):
                known = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]
                raise ValueError(
                    f"{word}: expected a setting that {target} takes ({', '.join(known)}), found "
                    f"{name}; remove it, or choose another protocol="
                )
            del section[name]
