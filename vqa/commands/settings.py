"""The one place where the values of settings are checked, before any work."""

import os
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from types import MappingProxyType
from typing import Any

from vqa.commands.option_rules import OPTIONS
from vqa.commands.rules import Rule, shown_value
from vqa.commands.setting_rules import FOLDER_NAME, RULES
from vqa.files import user_path

# Settings that are paths: any text, with ~ for the home folder, or null.
PATHS = (
    "paths.*", "folder", "output", "init_from", "run", "verify", "predictions", "draw",
    "data.root", "data.read.root", "data.roots.*", "data.read.readers.*.root",
    "features.*.weights", "features.*.saliency_weights",
    "features.*.architecture", "model.start.weights", "protocol.path",
    "weights", "backbone_weights",
)  # fmt: skip
# Settings that are one path or a list of paths.
PATH_LISTS = (
    "runs", "videos", "data.labels", "data.read.labels", "data.read.readers.*.labels",
    "features.*.path",
)  # fmt: skip
# Paths and names that may not be null.
REQUIRED_TEXTS = ("paths.*", "features.*.weights", "features.*.architecture", "model.start.weights")
# Also the sentences themselves, so not only a path.
DESCRIPTIONS = "features.*.descriptions"
LONGEST_NAME = 255
NOTHING = "vqa.features.nothing.Nothing"


def checked(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Check the values of composed settings and return them, with home folders in place of `~`.

    Settings without a rule are those of your own code; they pass as they are.

    Raises:
        ValueError: A value that its setting cannot have, or values that contradict each other.
    """
    found = _checked(dict(settings), ())
    _check_together(found)
    return found


def is_path(key: str) -> bool:
    """Return whether a setting is one path, so that its value is text whatever it looks like."""
    return _matches(key, PATHS)


def is_path_or_paths(key: str) -> bool:
    """Return whether a setting is a path or a list of paths."""
    return is_path(key) or _matches(key, (*PATH_LISTS, DESCRIPTIONS))


def _checked(
    section: dict[str, Any],
    place: tuple[str, ...],
    around: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    options = OPTIONS.get(str(section.get("_target_")), {})
    result = {}
    # Sections first: the name of a run is made of the names in them.
    for name, value in sorted(section.items(), key=lambda item: not isinstance(item[1], dict)):
        key = ".".join((*place, str(name)))
        # What an extractor or reader takes is set in the section around it.
        is_taken = place[-1:] in (("extractor",), ("read",)) and name in around
        typed = ".".join((*place[:-1], str(name))) if is_taken else key
        if is_path_or_paths(key):
            value = _user_path(key, typed, value)
        for rule in (_rule_of(key), options.get(name)):
            if rule is FOLDER_NAME and type(value) is int:
                value = str(value)
            if rule is not None:
                rule.check(typed, value)
        inner = (*place, str(name))
        result[name] = _checked(value, inner, section) if isinstance(value, dict) else value
    return {name: result[name] for name in section}


@cache
def _rule_of(key: str) -> Rule | None:
    if key in RULES:
        return RULES[key]
    parts = key.split(".")
    for pattern, rule in RULES.items():
        wanted = pattern.split(".")
        if len(wanted) == len(parts) and all(map(fnmatchcase, parts, wanted)):
            return rule
    return None


@cache
def _matches(key: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def _user_path(key: str, typed: str, value: Any) -> Any:
    """Return a path, or a list of paths, as text with the home folder in place of `~`."""
    several = _matches(key, PATH_LISTS)
    if value is None and not _matches(key, REQUIRED_TEXTS):
        return None
    if isinstance(value, dict) and _matches(key, (DESCRIPTIONS,)):
        return value
    if several and isinstance(value, list) and value:
        return [_user_path("paths.one", typed, one) for one in value]
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # a name of digits in a YAML file
    if not isinstance(value, str) or not value or "\0" in value:
        expected = "a path or a list of paths" if several else "a path"
        raise ValueError(
            f"{typed}={shown_value(value)}: expected {expected}, found {shown_value(value)}; quote "
            f"a name that looks like something else: \"{typed}='...'\""
        )
    if any(len(os.fsencode(part)) > LONGEST_NAME for part in value.split("/")):
        raise ValueError(
            f"{typed}={shown_value(value)}: expected names of at most {LONGEST_NAME} bytes in a "
            "path, found a longer one"
        )
    return os.fspath(user_path(value)) if value.startswith("~") else value


def _check_together(settings: Mapping[str, Any]) -> None:
    """Refuse values that each are right, but contradict each other, and names of features."""
    for name in settings.get("features") or {}:
        FOLDER_NAME.check("features", name)
    for fault in _contradictions(settings):
        raise ValueError(fault)


def _contradictions(settings: Mapping[str, Any]) -> Iterator[str]:
    views, features = settings.get("views"), settings.get("features") or {}
    if views and views.get("features") is not None:
        real = [
            name for name, one in features.items()
            if one.get("extractor", {}).get("_target_") != NOTHING
        ]  # fmt: skip
        if len(real) < max(1, len(features)):
            found = ",".join(features) or "no features"
            yield (
                f"features={found}: expected features, because model={settings['model_name']} has "
                "a view of them; choose one with features=, for example features=vgg16"
            )
    for name, one in features.items():
        if one.get("frames") is not None and one.get("frame_rate_hz") is not None:
            yield (
                f"features.{name}.frames={one['frames']}: expected either frames or frame_rate_hz, "
                "found both; set one of them to null"
            )
    model, protocol = settings.get("model") or {}, settings.get("protocol") or {}
    if fault := _late_parts_fault(settings.get("trainer") or {}, model.get("module") or {}):
        yield fault
    draws = (settings.get("loader") or {}).get("store")
    if draws and (views is None or views.get("fragments") is None):
        yield (
            f"loader.store={draws}: expected a model with a view of fragments, such as "
            f"model=fastvqa, found model={settings.get('model_name')}; set loader.store=null"
        )
    if settings.get("alignment"):
        yield from _scale_faults(settings["alignment"], settings["data"])
    selects = model.get("selection") == "val_srocc" or model.get("patience")
    if selects and (found := without_validation(protocol)):
        setting = "selection" if model.get("selection") == "val_srocc" else "patience"
        yield (
            f"model.{setting}={model[setting]}: expected a validation part to select an epoch by, "
            f"found {found}, or "
            f"model.{setting}={'last' if setting == 'selection' else 'null'}"
        )


def _late_parts_fault(trainer: Mapping[str, Any], module: Mapping[str, Any]) -> str:
    """Say why DDP cannot train parts that start later, and a remedy; empty if it can."""
    strategy, frozen = str(trainer.get("strategy")), module.get("frozen_epochs") or {}
    late = [f"{name}={epochs}" for name, epochs in frozen.items() if epochs]
    if not late or not strategy.startswith("ddp") or strategy.endswith("parameters_true"):
        return ""
    return (
        f"model.module.frozen_epochs.{late[0]}: expected parts that all train from the start with "
        f"trainer.strategy={strategy}; set trainer.strategy=ddp_find_unused_parameters_true"
    )


def _scale_faults(alignment: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[str]:
    """What keeps an alignment from bringing the parts of a database to one scale."""
    parts, anchor = data.get("parts"), alignment.get("anchor")
    reader = str((data.get("read") or {}).get("_target_"))
    kind = str(alignment.get("_target_")).rpartition(".")[2]
    if kind == "unaligned" or not reader.startswith("vqa."):
        return
    if reader != "vqa.databases.combined.read":
        yield (
            f"alignment={kind.removeprefix('fit_')}: expected several databases, found "
            f"data={data['name']} with one scale; use data=combined or alignment=none"
        )
    elif anchor is not None and anchor not in (parts or ()):
        yield (
            f"alignment.anchor={shown_value(anchor)}: expected one of "
            f"data.parts={shown_value(parts)}, found another; set alignment.anchor"
        )


def without_validation(protocol: Mapping[str, Any]) -> str:
    """Say why the splits of a protocol have no validation part, and a remedy; empty if they may."""
    name = str(protocol.get("_target_")).rpartition(".")[2]
    if name in ("official", "imported"):  # they may bring their own
        return ""
    if str(protocol.get("_target_")) == "vqa.protocols.videval":
        return "protocol=videval, which has none; choose another protocol="
    if protocol.get("val_fraction") == 0:
        return "protocol.val_fraction=0; set protocol.val_fraction=0.2"
    return ""
