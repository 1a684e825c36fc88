"""The settings that a recipe brings for a protocol or for features that were not chosen.

Experiments and model files state settings for the protocol and the features that they choose, such
as the number of folds. They are defaults: what the user chooses instead takes those that it knows.
What the user types is not: a setting that nothing takes is refused.
"""

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vqa.commands.option_rules import OPTIONS, PRECISION

if TYPE_CHECKING:
    from omegaconf import DictConfig


def settle(config: "DictConfig", overrides: Sequence[str]) -> None:
    """Remove the settings that the chosen protocol does not take, and those of other features.

    `precision=auto` of features becomes what this machine computes faster, so that a run says what
    its features are.

    Args:
        config: A composed configuration, changed in place.
        overrides: As typed.

    Raises:
        ValueError: A typed setting that nothing takes, or a protocol that does not exist.
    """
    typed = {word.lstrip("+").partition("=")[0]: word.lstrip("+") for word in overrides}
    _settle_protocol(config.get("protocol"), typed)
    _settle_features(config.get("features"), typed)
    _settle_precision(config.get("features"))


def _settle_protocol(section: Any, typed: dict[str, str]) -> None:
    from omegaconf import open_dict

    from vqa.commands.building import locate  # here, because it needs `configuration`

    target = section.get("_target_") if section else None
    if target is None:
        return
    parameters = inspect.signature(locate(target)).parameters.values()
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters):
        return
    taken = {one.name for one in parameters}
    with open_dict(section):
        for name in [str(key) for key in section if str(key)[:1] != "_" and key not in taken]:
            if word := typed.get(f"protocol.{name}"):
                known = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]
                raise ValueError(
                    f"{word}: expected a setting that {target} takes ({', '.join(known)}), found "
                    f"{name}; remove it, or choose another protocol="
                )
            del section[name]


def _settle_features(section: Any, typed: dict[str, str]) -> None:
    from omegaconf import open_dict

    # Every file of conf/features states a name, so a section without one has only a recipe's words.
    sections = {key: one for key, one in (section or {}).items() if hasattr(one, "keys")}
    foreign = [key for key, one in sections.items() if "name" not in one.keys()]  # noqa: SIM118
    for name in foreign:
        chosen = ",".join(key for key in section if key not in foreign)
        if word := next((typed[key] for key in typed if key.startswith(f"features.{name}.")), None):
            raise ValueError(
                f"{word}: expected a setting of the chosen features ({chosen}), found {name}; "
                "remove it, or choose other features="
            )
        with open_dict(section):
            del section[name]


def _settle_precision(section: Any) -> None:
    for settings in (section or {}).values():
        if not hasattr(settings, "get") or settings.get("precision") != "auto":
            continue
        target = (settings.get("extractor") or {}).get("_target_")
        if OPTIONS.get(str(target), {}).get("precision") is PRECISION:
            from vqa.models.pretrained.devices import fast_precision  # here, because it needs torch

            settings["precision"] = fast_precision(str(settings.get("device", "auto")))
