"""Objects from configuration: `_target_` names a function or class, `_partial_` defers the call.

This follows the conventions of Hydra's `instantiate` with three differences. A deferred target is
imported when it is called, so a model is scored without importing what only training needs. What a
constructor does not take is refused before the call, with the names it takes. And configuration
that comes with a run folder may only name what `trust` allows.
"""

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from vqa.commands.trust import check, trusted_object

Locate = Callable[[str], Callable[..., Any]]


def build(settings: Any, trusted: Sequence[str] | None = None) -> Any:
    """Make what plain settings describe; values without a `_target_` are returned as they are.

    Args:
        settings: Plain values; mappings with `_target_` become objects, from the inside out.
        trusted: Packages whose targets may be used besides vqa's own, for configuration that comes
            with a run; None allows all, for configuration that the user has composed.

    Raises:
        ValueError: A target that does not exist, is not trusted, or does not take a setting.
    """
    if trusted is None:
        return _build(settings, locate)
    check(settings, trusted)
    return _build(settings, partial(trusted_object, packages=trusted))


def _build(settings: Any, find: Locate) -> Any:
    if isinstance(settings, Mapping):
        made = {key: _build(value, find) for key, value in settings.items()}
        if "_target_" not in made:
            return made
        target, deferred = made.pop("_target_"), made.pop("_partial_", False)
        call = partial(_call, find, target, **made)
        return call if deferred else call()
    if isinstance(settings, list | tuple):
        return [_build(value, find) for value in settings]
    return settings


def locate(target: str) -> Callable[..., Any]:
    """Import a target such as `vqa.models.vsfa.VSFA`.

    Raises:
        ValueError: There is no such target.
    """
    parts = target.split(".")
    for end in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:end])
        try:
            found: Any = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name and not module.startswith(error.name):
                raise  # a dependency of the module is missing
            continue
        try:
            for part in parts[end:]:
                found = getattr(found, part)
        except AttributeError:
            break
        return found
    raise ValueError(
        f"_target_: {target} does not exist; expected an importable module and a function or class "
        "in it. Is your package installed, or in the folder that the command runs in?"
    )


def _call(find: Locate, target: str, /, *arguments: Any, **settings: Any) -> Any:
    function = find(target)
    try:
        inspect.signature(function).bind(*arguments, **settings)
    except TypeError as error:
        taken = ", ".join(inspect.signature(function).parameters)
        raise ValueError(f"{target}: {error}; it takes {taken}") from error
    except ValueError:  # a builtin without a signature
        pass
    return function(*arguments, **settings)
