"""A run's folder made anew, or opened again: one folder for one configuration."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from vqa.files import write_atomically
from vqa.runs import Run, RunError

# What may differ between two starts of one run: places, helpers, and how fast it goes.
INCIDENTAL = ("folder", "fresh", "paths", "logger", "threads", "shard")
RUN_KEYS = {"name", "seed", "model"}


def open_run(folder: Path, config: Mapping[str, Any], *, fresh: bool = False) -> Run:
    """Make a run folder, or open the one that an earlier start of the same command made.

    Args:
        folder: Where.
        config: The resolved configuration.
        fresh: Remove what is there first.

    Raises:
        RunError: The folder holds a run of another configuration, or is no run folder.
    """
    path = folder / "config.yaml"
    stored = yaml.safe_load(path.read_text()) if path.is_file() else None
    if stored is not None and not (isinstance(stored, dict) and stored.keys() >= RUN_KEYS):
        raise RunError(f"{path} is not a run's; choose another folder=")
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
        write_atomically(path, yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))
    return Run(folder, config)


def load_run(folder: str | Path) -> Run:
    """Open a run folder as it is.

    Raises:
        RunError: It is none.
    """
    folder = Path(folder)
    path = folder / "config.yaml"
    if not path.is_file():
        raise RunError(f"{folder} is no run folder: it has no config.yaml")
    return Run(folder, yaml.safe_load(path.read_text()))


def identity(config: Mapping[str, Any]) -> str:
    """Short hash of all that shapes a run's numbers."""
    parts = {key: value for key, value in config.items() if key not in INCIDENTAL}
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
