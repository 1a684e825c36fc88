"""Make a run folder, or open an existing one: one folder for one configuration."""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from fnmatch import translate
from pathlib import Path
from typing import Any

from vqa import __version__
from vqa.files import user_path, write_atomically, write_json
from vqa.runs import hub
from vqa.runs.errors import RunError
from vqa.runs.run import Run
from vqa.runs.stored import read_settings, settings_text

# Patterns of the settings that may differ between two starts of a run: places, helpers, speed, and
# split_seed, which counts by the seed of the protocol.
INCIDENTAL = (
    "folder", "fresh", "paths", "logger", "engine", "threads", "decoders", "shard", "split_seed",
    "test_settings", "data.identity", "data.check",
    "loader.num_workers", "loader.memory_gb", "loader.device",
    "views.*.memory_gb", "views.*.device",
    "features.*.device", "features.*.workers", "features.*.batch_frames", "features.*.batch_masks",
    "features.*.batch_windows", "model.workers", "model.checkpoint_every",
)  # fmt: skip
# Patterns of settings that came later, with the value that changes nothing: it is as absent.
NEUTRAL = {"loader.store": None, "*trainer.num_nodes": 1}
_INCIDENTAL = re.compile("|".join(map(translate, INCIDENTAL)))
_NEUTRAL = [(re.compile(translate(pattern)), neutral) for pattern, neutral in NEUTRAL.items()]
RUN_KEYS = {"name", "seed", "model"}
SECTIONS = ("model", "features", "views", "data", "protocol", "trainer", "loader", "paths")
# Sections that a trained model is rebuilt from.
MODEL_SECTIONS = ("model", "features", "views")
PACKAGE = Path(__file__).parents[1]
EMBEDDED = PACKAGE / "embedded"


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
        if different := _different(stored, config):
            raise RunError(
                f"{folder} holds a run of another configuration ({', '.join(different)} differ); "
                "choose another folder=, or fresh=true to replace it"
            )
    elif folder.is_dir() and any(folder.iterdir()):
        raise RunError(f"{folder} is neither empty nor a run folder; choose another folder=")
    if not path.is_file():
        # `finish` adds the rest of the environment.
        write_json(folder / "environment.json", {"vqa": __version__})
        write_atomically(path, settings_text(config))
    return Run(folder, config)


def is_free(folder: Path, config: Mapping[str, Any]) -> bool:
    """Return whether a folder can hold a run of a configuration: it is new, or holds one."""
    path = folder / "config.yaml"
    return not path.is_file() or not _different(_read_config(path), config)


def load_run(folder: str | Path) -> Run:
    """Open a run folder or model folder as it is.

    Args:
        folder: The folder, or the name of a model inside the package (`embedded`); a folder of
            that name comes first. `hf://owner/name` is a model folder on the Hugging Face Hub.

    Raises:
        RunError: The folder is absent or is not a run folder, or cannot be downloaded.

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
    if hub.is_address(folder):
        folder = hub.download(hub.Address.parse(str(folder)))
    folder = user_path(folder)
    if not folder.exists():
        folder = embedded().get(str(folder), folder)
    path = folder / "config.yaml"
    if not path.is_file():
        missing = "has no config.yaml" if folder.is_dir() else "does not exist"
        inside = sorted(place.parent.name for place in folder.glob("*/config.yaml"))
        hint = f", for example {folder / inside[0]}" if inside else ""
        names = ", ".join(embedded())
        hint += f", or the name of an embedded model ({names})" if names else ""
        raise RunError(f"{folder} is no run folder: it {missing}; give the folder of a run{hint}")
    return Run(folder, _read_config(path))


def embedded() -> dict[str, Path]:
    """Return the model folders inside the package, by name."""
    return {path.parent.name: path.parent for path in sorted(EMBEDDED.glob("*/config.yaml"))}


def refuse_links(folder: Path, run_folder: Path) -> None:
    """Refuse symbolic links where results are to be written below a run folder.

    A run folder from elsewhere may hold links that lead anywhere.

    Raises:
        RunError: A link; the text names it.
    """
    places = [folder, *folder.parents]
    places = places[: places.index(run_folder)] + list(folder.rglob("*"))
    if link := next((place for place in places if place.is_symlink()), None):
        raise RunError(
            f"{link} is a symbolic link: expected files and folders of the run's own, because "
            "results are written there; remove it"
        )


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


def identity(config: Mapping[str, Any]) -> str:
    """Return a short hash of all settings that shape the numbers of a run."""
    text = json.dumps(shaping(config), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def shaping(settings: Mapping[str, Any], place: str = "") -> dict[str, Any]:
    """Return the settings that shape the numbers of a run: all but the `INCIDENTAL` ones.

    Examples:
        >>> from vqa.runs.opening import shaping
        >>> shaping({"loader": {"batch_size": 16, "num_workers": 4}, "threads": 1})
        {'loader': {'batch_size': 16}}
    """
    found = {}
    for name, value in settings.items():
        key = f"{place}{name}"
        is_neutral = any(named.match(key) and value == neutral for named, neutral in _NEUTRAL)
        if not is_neutral and not _INCIDENTAL.match(key):
            found[name] = shaping(value, f"{key}.") if isinstance(value, Mapping) else value
    return found


def _different(stored: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """Return the settings that shape the numbers and differ, in order."""
    earlier, now = shaping(stored), shaping(config)
    return sorted(key for key in {*earlier, *now} if earlier.get(key) != now.get(key))


def _read_config(path: Path) -> dict[str, Any]:
    """Read the configuration of a run.

    Raises:
        RunError: The file is damaged, or belongs to something else.
    """
    config = read_settings(path)
    if not config.keys() >= RUN_KEYS:
        raise RunError(
            f"{path} is not a run's configuration: expected {', '.join(sorted(RUN_KEYS))} among "
            "its keys; choose the folder of a run"
        )
    wrong = [key for key in SECTIONS if not isinstance(config.get(key, {}), dict)]
    wrong += [
        f"{key}.{name}"
        for key in {"features", "views"} - set(wrong)
        for name, settings in config.get(key, {}).items()
        if not isinstance(settings, dict | None)
    ]
    if wrong:
        raise RunError(
            f"{path}: expected settings below {', '.join(wrong)}, found something else; was it "
            "edited?"
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
