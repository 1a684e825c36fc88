"""Overrides as typed: what Hydra would drop, misread or answer with a lexer's message."""

import shlex
from collections.abc import Sequence
from typing import Any

from vqa.commands.configuration import GROUPS, UsageError, choices, quoted
from vqa.commands.settings import is_path, is_path_or_paths
from vqa.files import user_path

FOLDER_FLAGS = ("--config-dir", "-cd")
SWEEP_FLAGS = ("--multirun", "-m")
# Sections whose every setting the commands read; a constructor has defaults for the rest.
WHOLE_SECTIONS = ("paths", "loader", "features", "data")


def checked(arguments: Sequence[str]) -> list[str]:
    """Check the words of a command line and return them as Hydra should read them.

    A path is text, whatever it looks like: `run=2024` and `data.root=/films (1)` become quoted.

    Args:
        arguments: Overrides, and Hydra's own flags.

    Raises:
        UsageError: A key is given twice, a group gets something else than a name, a setting would
            be removed, or a path has to be quoted; in one line.
    """
    sweeps = bool({*SWEEP_FLAGS} & {*arguments})
    result: list[str] = []
    seen: dict[str, str] = {}
    for word in arguments:
        if result and result[-1] in FOLDER_FLAGS:
            result.append(str(user_path(word)))
        elif word.startswith("-"):
            flag, equals, value = word.partition("=")
            is_folder = equals and flag in FOLDER_FLAGS
            result.append(f"{flag}={user_path(value)}" if is_folder else word)
        else:
            _check_removal(word)
            key, equals, value = word.partition("=")
            name = key.lstrip("+")
            if equals and not key.startswith(("~", "hydra")):
                _check_repeated(seen, name, value)
                _check_group(name, value, sweeps)
                word = f"{key}={_path_as_text(name, value, sweeps)}"
            result.append(word)
    return result


def typed(key: str, value: str) -> str:
    """Return the word to type in a shell so that a value is taken literally."""
    word = f"{key}={quoted(value)}"
    return shlex.quote(word) if set(word) & set('"$`\\!') else f'"{word}"'


def value_of(word: str) -> Any:
    """Return the value that Hydra reads in an override, such as 0.4 in `model.weight=0.4`.

    Raises:
        UsageError: It is not of the form key=value.
    """
    key, equals, value = word.partition("=")
    if not equals:
        raise UsageError(f"{word}: expected key=value")
    try:
        return _parsed(key, value)
    except ValueError as error:
        raise UsageError(f"{word}: {' '.join(str(error).split())}") from error


def _check_repeated(seen: dict[str, str], key: str, value: str) -> None:
    if key in seen:
        raise UsageError(
            f"{key}= is given twice ({seen[key]} and {value}): expected one value; remove one, "
            f"or give a list, '{key}=[{seen[key]},{value}]', if {key} takes several"
        )
    seen[key] = value


def _check_removal(word: str) -> None:
    """Refuse `~key` of a setting that the commands read."""
    key = word.removeprefix("~").partition("=")[0]
    if word.startswith("~") and ("." not in key or key.split(".")[0] in WHOLE_SECTIONS):
        raise UsageError(f"{word}: expected key=value, found the removal of {key}; set it instead")


def _check_group(key: str, value: str, sweeps: bool) -> None:
    """Refuse anything but names for a group: Hydra ends in a traceback, or says nothing."""
    if key == "model_recipe" or key.startswith("model_recipe@"):
        raise UsageError(f"{key}={value}: it follows from model= and recipe=; set recipe= instead")
    if key not in GROUPS:
        return
    try:
        found = _parsed(key, value)
    except ValueError:
        return  # Hydra's own message names the choices
    names = found if isinstance(found, list) and key == "features" else [found]
    if not all(isinstance(name, str) for name in names) and not (sweeps and _sweeps(key, value)):
        raise UsageError(
            f"{key}={value}: expected one of {', '.join(choices(key))}"
            + (", or a list of them" if key == "features" else "")
        )


def _path_as_text(key: str, value: str, sweeps: bool) -> str:
    """Return the value of a path so that Hydra reads it as this very text.

    Raises:
        UsageError: It is not clear whether the value is a path or something of Hydra's grammar.
    """
    if not is_path_or_paths(key):
        return value
    try:
        found = _parsed(key, value)
    except ValueError:
        # An opening bracket or quote may begin a list or a quoted value that was not ended.
        if value.startswith(("[", "{", "'", '"')) or "${" in value:
            raise UsageError(_advice(key, value, "found Hydra's own signs")) from None
        return quoted(value)
    if _sweeps(key, value):
        if sweeps:
            return value
        raise UsageError(_advice(key, value, "found several values"))
    if isinstance(found, str):
        # Hydra drops spaces at the ends, and a backslash before its own signs.
        is_plain = found != value and not value.startswith(("'", '"'))
        return quoted(value) if is_plain else value
    if isinstance(found, list | dict):
        if is_path(key):
            raise UsageError(_advice(key, value, "found a list or section"))
        return value
    return value if found is None else quoted(value)


def _advice(key: str, value: str, found: str) -> str:
    plain = "; vqa score takes any path as it is" if key in ("run", "videos") else ""
    return f"{key}={value}: expected a path, {found}; type {typed(key, value)}{plain}"


def _parsed(key: str, value: str) -> Any:
    """Return what Hydra reads in a value.

    Raises:
        ValueError: Hydra's grammar does not take it.
    """
    from hydra.errors import HydraException

    try:
        return _override(key, value).value()
    except HydraException as error:
        raise ValueError(str(error)) from error


def _sweeps(key: str, value: str) -> bool:
    return bool(_override(key, value).is_sweep_override())


def _override(key: str, value: str) -> Any:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    return OverridesParser.create().parse_override(f"{key}={value}")
