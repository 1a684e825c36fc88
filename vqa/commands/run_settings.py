"""The settings of a finished run, for another job with its model."""

import copy
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from vqa.commands.configuration import add_user_code
from vqa.commands.setting_rules import DEVICE
from vqa.commands.settings import checked
from vqa.commands.trust import check
from vqa.runs import Run
from vqa.runs.opening import MODEL_SECTIONS, check_usable
from vqa.runs.packing import with_own_files
from vqa.runs.stored import as_data

# What a score depends on besides the files of the splits.
RUN_FILES = ("config.yaml", "database.json", "notes.json", "features.json")


def settings_of(
    run: Run,
    *,
    data: Mapping[str, Any] | None,
    paths: Mapping[str, Any],
    device: str,
    trust: Sequence[str] | None,
    told: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return the settings of a finished run; arguments as for `Experiment.of_run`.

    Raises:
        RunError: The run is not finished, its files were changed, another version of vqa wrote
            it, or its configuration is damaged.
        ValueError: Its configuration uses what is not trusted or has a value that its setting
            cannot have, or an unknown device.
    """
    DEVICE.check("device", device)
    check_usable(run)
    if trust is not None:
        check(run.config, trust)
    run.check(*RUN_FILES)
    if trust:
        add_user_code()
    with as_data(run.folder / "config.yaml"):
        config = copy.deepcopy(dict(run.config))
        if device != "auto":
            config["trainer"]["accelerator"] = "cpu" if device == "cpu" else "gpu"
            for settings in config["features"].values():
                if "device" in settings.get("extractor", {}):
                    settings["extractor"]["device"] = device
        for section in MODEL_SECTIONS:
            config[section] = with_own_files(run, config[section])
        if data is not None:
            config["data"] = {"reader": config["data"]["reader"], **data}
        config |= {"paths": dict(paths), "folder": None}
        for key in ("logger", "engine", "decoders"):
            config.pop(key, None)
        for key, value in told.items():
            tell(config, key, value)
        return checked(config)


def tell(config: dict[str, Any], key: str, value: Any) -> None:
    """Set one of the settings that a trained model can still be told, in place.

    Raises:
        ValueError: The model cannot be told it; the text names what it can be told.
    """
    known = config.get("test_settings") or ()
    if key not in known:
        raise ValueError(
            f"settings.{key}: expected one of the settings that {config['name']} can be told when "
            f"it is tested ({', '.join(known) or 'none'}); anything else needs another training"
        )
    *place, name = key.split(".")
    section = config
    for part in place:
        section = section[part]
    section[name] = value
    if place[:1] == ["features"]:  # the extractor has a copy of it
        section["extractor"][name] = value
