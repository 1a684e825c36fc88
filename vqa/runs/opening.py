"""Make a run folder, or open an existing one: one folder for one configuration."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from vqa import __version__
from vqa.files import user_path, write_atomically, write_json
from vqa.runs.errors import RunError
from vqa.runs.run import Run

# Settings that may differ between two starts of a run: places, helpers, and speed.
INCIDENTAL = ("folder", "fresh", "paths", "logger", "threads", "shard")
RUN_KEYS = {"name", "seed", "model"}
# Sections that a trained model is rebuilt from.
MODEL_SECTIONS = ("model", "features", "views")
PACKAGE = Path(__file__).parents[1]


def open_run(folder: Path, config: Mapping[str, Any], *, fresh: bool = False) -> Run:
    """Make a run folder, or open the one that an earlier start of the same command made.

    Args:
        folder: The run folder.
        config: The resolved configuration.
        fresh: Remove an existing run first.

    Raises:
        RunError: The folder holds a run of another configuration, or something else.
    """
    path = folder / "config.yaml"
    stored = _read_config(path) if path.is_file() else None
    if stored is not None and fresh:
        shutil.rmtree(folder)
    elif stored is not None:
        different = sorted(
            key
            for key in {*stored, *config} - set(INCIDENTAL)
            if stored.get(key) != config.get(key)
        )
        if different:
            raise RunError(
                f"{folder} holds a run of another configuration ({', '.join(different)} differ); "
                "choose another folder=, or fresh=true to replace it"
            )
    elif folder.is_dir() and any(folder.iterdir()):
        raise RunError(f"{folder} is neither empty nor a run folder; choose another folder=")
    if not path.is_file():
        # `finish` adds the rest of the environment.
        write_json(folder / "environment.json", {"vqa": __version__})
        write_atomically(path, yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))
    return Run(folder, config)


def load_run(folder: str | Path) -> Run:
    """Open a run folder as it is.

    Raises:
        RunError: The folder is absent or is not a run folder.

    Examples:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from vqa.runs.opening import load_run, open_run
        >>> with TemporaryDirectory() as folder:
        ...     run = open_run(Path(folder), {"name": "vsfa-demo", "seed": 0, "model": {}})
        ...     run.note("The MOS of the demo are simulated.")
        ...     load_run(folder).notes()
        ['The MOS of the demo are simulated.']
    """
    folder = user_path(folder)
    path = folder / "config.yaml"
    if not path.is_file():
        missing = "has no config.yaml" if folder.is_dir() else "does not exist"
        inside = sorted(place.parent.name for place in folder.glob("*/config.yaml"))
        hint = f", for example {folder / inside[0]}" if inside else ""
        raise RunError(f"{folder} is no run folder: it {missing}; give the folder of a run{hint}")
    return Run(folder, _read_config(path))


def check_usable(run: Run) -> None:
    """Check that this version of vqa has all the parts that the model of a run was made from.

    Only names are looked up; nothing is imported.

    Raises:
        RunError: A part is missing, because another version wrote the run.
    """
    sections = [run.config.get(name) for name in MODEL_SECTIONS]
    missing = sorted({target for target in _targets(sections) if not _exists(target)})
    if missing:
        raise RunError(
            f"{run.folder} was written by vqa {run.version}; its config.yaml names {missing[0]}, "
            f"which vqa {__version__} does not have: use the version that wrote it, or train again"
        )


def check_sections(run: Run) -> None:
    """Check that the configuration of a run has what a trained model is rebuilt from.

    Raises:
        RunError: A section is missing.
    """
    absent = [one for one in ("data", *MODEL_SECTIONS) if not isinstance(run.config.get(one), dict)]
    if absent or "reader" not in run.config["data"]:
        raise RunError(
            f"{run.folder / 'config.yaml'}: no section {', '.join(absent) or 'data with a reader'}"
            "; expected the configuration of a trained model, choose the folder of a run"
        )


def identity(config: Mapping[str, Any]) -> str:
    """Return a short hash of all settings that shape the numbers of a run."""
    parts = {key: value for key, value in config.items() if key not in INCIDENTAL}
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _read_config(path: Path) -> dict[str, Any]:
    """Read the configuration of a run.

    Raises:
        RunError: The file is damaged, or belongs to something else.
    """
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise RunError(f"{path}: not YAML ({reason}); was it edited or cut off?") from error
    if not isinstance(config, dict) or not config.keys() >= RUN_KEYS:
        raise RunError(
            f"{path} is not a run's configuration: expected {', '.join(sorted(RUN_KEYS))} among "
            "its keys; choose the folder of a run"
        )
    return config


def _targets(settings: Any) -> Iterator[str]:
    """Yield every `_target_` inside vqa that a configuration names."""
    if isinstance(settings, Mapping):
        target = settings.get("_target_")
        if isinstance(target, str) and target.startswith("vqa."):
            yield target
        settings = list(settings.values())
    if isinstance(settings, list):
        for value in settings:
            yield from _targets(value)


def _exists(target: str) -> bool:
    """Return whether the module of a target exists: `vqa.models.vsfa.VSFA` has models/vsfa.py."""
    place, names = PACKAGE, target.split(".")[1:]
    while names and (place / names[0]).is_dir():
        place /= names.pop(0)
    if names and (place / f"{names[0]}.py").is_file():
        return True
    # What is left is a name inside a package, such as vqa.protocols.holdout.
    return len(names) == 1 and place != PACKAGE
