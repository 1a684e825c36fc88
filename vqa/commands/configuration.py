"""Configuration: where it lies, what it offers, and how it becomes plain values.

Hydra is imported only to compose; help and scoring work without it.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from vqa.commands.recipe_settings import settle
from vqa.commands.settings import checked
from vqa.files import user_path

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from vqa.video import RawFormat

GROUPS = (
    "model", "data", "features", "protocol", "alignment", "recipe", "trainer", "logger", "engine",
    "experiment", "hparams_search",
)  # fmt: skip


class UsageError(ValueError):
    """A command that was used wrongly; the text says what was expected, found, and the remedy."""


def conf_folder() -> Path:
    """Return the folder of the configuration: in the installed package or in the checkout."""
    package = Path(__file__).parents[1]
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"


def choices(group: str, *more: Path) -> dict[str, Path]:
    """List what a group offers: the files of each choice by name, sorted by name.

    Args:
        group: A folder of the configuration, such as `model`.
        *more: Further configuration folders (`--config-dir`), which win over the package's own.
    """
    found: dict[str, Path] = {}
    for folder in (conf_folder(), *more):
        root = folder / group
        for path in sorted(root.rglob("*.yaml")):
            name = path.relative_to(root).with_suffix("").as_posix()
            if not path.name.startswith("_"):
                found[name] = path
    return dict(sorted(found.items()))


def head_comment(path: Path) -> list[str]:
    """Return the comment at the head of a YAML file, without the comment signs."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith("# @package"):
            lines.append(line.removeprefix("#").removeprefix(" "))
    return lines


def compose(
    name: str,
    overrides: Sequence[str],
    config_dir: str | None = None,
    *,
    with_hydra: bool = False,
) -> "DictConfig":
    """Compose a configuration outside of `hydra.main`, or inside a running command.

    Args:
        name: `train`, `evaluate`, ...
        overrides: As on the command line.
        config_dir: A further configuration folder, such as the user's own.
        with_hydra: Keep Hydra's own settings, in `hydra`.

    Raises:
        UsageError: An override that does not fit, in one line with near names.
        ValueError: A typed setting that the chosen protocol or features do not take.
    """
    config = _composed(name, list(overrides), config_dir, with_hydra)
    settle(config, overrides)
    return config


def _composed(
    name: str, overrides: list[str], config_dir: str | None, with_hydra: bool
) -> "DictConfig":
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    register_resolvers()
    try:
        if GlobalHydra.instance().is_initialized():
            return hydra_compose(name, overrides, return_hydra_config=with_hydra)
        extra = (
            [f"hydra.searchpath=[file://{user_path(config_dir).absolute()}]"] if config_dir else []
        )
        with initialize_config_dir(str(conf_folder()), version_base="1.3"):
            return hydra_compose(name, [*extra, *overrides], return_hydra_config=with_hydra)
    except (HydraException, OmegaConfBaseException) as error:
        raise UsageError(in_one_line(error)) from error


def resolved(config: "DictConfig") -> dict[str, Any]:
    """Return a composed configuration as plain, checked values, every reference resolved.

    Raises:
        UsageError: A value that must be given is missing, or a reference leads nowhere.
        ValueError: A value that its setting cannot have (`vqa.commands.settings`).
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    register_resolvers()
    try:
        values = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise UsageError(in_one_line(error)) from error
    return checked(cast("dict[str, Any]", values))


def register_resolvers() -> None:
    """Make the functions known that the YAML files call."""
    from omegaconf import OmegaConf

    OmegaConf.register_new_resolver("names", "-".join, replace=True)
    OmegaConf.register_new_resolver("standardised", _standardised, replace=True)


def raw_format(settings: Mapping[str, Any]) -> "RawFormat | None":
    """Return the format of raw video that a `raw` section gives; None without a size.

    Raises:
        ValueError: There is no such format.
    """
    from vqa.video import RawFormat

    keys = ("size", "pixel_format", "range", "frame_rate_hz")
    return RawFormat.parse(*(settings[key] for key in keys))


def check_names(config: Mapping[str, Any]) -> None:
    """Check the names in a configuration that become part of files' and folders' names.

    Raises:
        ValueError: A name that is a path, empty, or too long.
    """
    from vqa.files import plain_name

    names = {}
    if config.get("data"):
        names["data.name"] = config["data"].get("name")
    for key, settings in (config.get("features") or {}).items():
        names["features"] = key
        if isinstance(settings, Mapping) and "name" in settings:
            names[f"features.{key}.name"] = settings["name"]
    names |= {key: config[key] for key in ("model_name", "name") if key in config}
    for key, name in names.items():
        plain_name(key, name)


def in_one_line(error: BaseException) -> str:
    """Describe an error of Hydra or OmegaConf in one line, with near names if there are any."""
    from hydra.errors import OverrideParseException

    texts = [str(error)]
    if error.__cause__ is not None and str(error.__cause__) not in texts[0]:
        texts.append(str(error.__cause__))
    text = " ".join(" ".join(texts).split())
    for known in (_missing_choice, _unknown_key, _missing_value):
        if found := known(text):
            return found
    text = text.split(" See https://hydra.cc")[0]
    if isinstance(error, OverrideParseException):
        return (
            f"{error.override}: expected key=value ({text}); quote a value with spaces, commas or "
            f"brackets: \"key='a, b'\""
        )
    return text


def unknown_name(key: str, name: str, known: Sequence[str]) -> UsageError:
    """Make the error for a name that a setting does not offer, with the near ones."""
    near = get_close_matches(name, known, n=3) or sorted(known)
    return UsageError(f"{key}={name} does not exist; expected one of {', '.join(near)}")


def quoted(value: str) -> str:
    """Quote a value for Hydra, so that any path or text is taken literally."""
    text = re.sub(r"(\\*)'", r"\1\1\\'", value).replace("${", "\\${")
    return "'" + re.sub(r"(\\+)$", r"\1\1", text) + "'"


def add_user_code() -> None:
    """Make a package of the user's own in the current folder importable."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)


def _missing_choice(text: str) -> str | None:
    """`Could not find 'model/gstvqq'` as one line with near names."""
    found = re.search(r"Could not (?:find|load) '([^']+)'", text)
    if found is None:
        return None
    group, _, name = found[1].partition("/")
    known = list(choices(group)) if name else []
    return f"{unknown_name(group, name, known)}; --help lists all"


def _unknown_key(text: str) -> str | None:
    """`Could not override 'model.fou'. Key 'fou' is not in struct` as one line."""
    found = re.search(r"Could not override '([^']+)'.* is not in struct", text)
    if found is None:
        return None
    if found[1].startswith("engine."):
        return (
            f"{found[1]}: the chosen engine takes no such setting; choose engine=slurm or "
            "engine=ray, and --cfg job shows its settings"
        )
    return (
        f"there is no setting {found[1]}; --cfg job shows all settings, and +{found[1]}=... adds "
        "one that a constructor takes"
    )


def _missing_value(text: str) -> str | None:
    """`Missing mandatory value: train` as one line."""
    found = re.search(r"Missing mandatory value: (\S+)", text)
    return found and f"{found[1]}=... is missing: expected a value; --help shows the uses"


def _standardised(features: Mapping[str, Any]) -> bool:
    """Return whether any of the chosen features asks for standardisation."""
    return any(settings.get("standardise") for settings in (features or {}).values())
