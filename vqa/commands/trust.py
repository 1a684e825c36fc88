"""What the configuration of a run may build: it comes with the run, so it may be a stranger's.

Without `trust` a run may name exactly the functions and classes that vqa's own configuration files
name, and the losses and optimisers that a command line may choose instead. A package of the user's
own is allowed by naming it; its functions and classes must be defined inside it. Names are looked
up in a module, never through attributes of a module, which would lead into other modules.
"""

import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from vqa.commands.configuration import conf_folder

TARGET = re.compile(r"^\s*_target_:\s*([\w.]+)", re.MULTILINE)
# Where losses and optimisers are, and the class that each of them derives from.
KINDS = {
    "torch.nn": "torch.nn.modules.loss._Loss",
    "torch.optim": "torch.optim.Optimizer",
}
LOSSES = "vqa.models.losses"  # its functions
# Only a training makes one, and it could write wherever its arguments say.
DEFERRED = "pytorch_lightning.Trainer"
# A run's own database is read; only the user's command generates one.
READ_ONLY = {"vqa.databases.demo.read": "vqa.databases.demo.read_existing"}


def check(settings: Any, packages: Sequence[str]) -> None:
    """Check every target that the configuration of a run names; nothing of it is imported.

    Args:
        settings: Plain values, the whole configuration or a part.
        packages: Packages that the user trusts.

    Raises:
        ValueError: A target that is not allowed; the text says how to allow it.
    """
    for target, deferred in _targets(settings):
        _check_name(target, packages)
        if target == DEFERRED and not deferred:
            raise ValueError(
                f"the run's configuration makes a {target}, which only a training may; expected "
                "_partial_: true beside it, as the run wrote it"
            )


def trusted_object(target: str, packages: Sequence[str]) -> Callable[..., Any]:
    """Import what a target of a run's configuration names.

    Raises:
        ValueError: It is not allowed, or does not exist.
    """
    _check_name(target, packages)
    target = READ_ONLY.get(target, target)
    module, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ModuleNotFoundError, AttributeError) as error:
        if isinstance(error, ModuleNotFoundError) and not module.startswith(error.name or module):
            raise  # a dependency of the module is missing
        raise ValueError(
            f"_target_: {target} does not exist; expected a module and a function or class in it. "
            "Is your package installed, or in the folder that the command runs in?"
        ) from error
    _check_object(target, found, packages)
    return found


@cache
def own_targets() -> frozenset[str]:
    """Return the targets that vqa's own configuration files name."""
    texts = (path.read_text(encoding="utf-8") for path in conf_folder().rglob("*.yaml"))
    return frozenset(target for text in texts for target in TARGET.findall(text))


def _targets(settings: Any) -> Iterator[tuple[Any, bool]]:
    """Yield each target, and whether the call is deferred."""
    if isinstance(settings, Mapping):
        if "_target_" in settings:
            yield settings["_target_"], settings.get("_partial_") is True
        settings = list(settings.values())
    if isinstance(settings, list | tuple):
        for value in settings:
            yield from _targets(value)


def _check_name(target: Any, packages: Sequence[str]) -> None:
    """Refuse a name that is neither one of vqa's, nor in a package that the user trusts."""
    if isinstance(target, str) and re.fullmatch(r"\w+(\.\w+)+", target):
        module = target.rpartition(".")[0]
        if target in own_targets() or module in (LOSSES, *KINDS) or _is_in(target, packages):
            return
    name = " ".join(str(target).split())[:100]
    package = name.partition(".")[0]
    remedy = (
        f"if you trust that package, allow it by name: --trust {package} "
        f"(trust=[{package}] with evaluate)"
        if package.isidentifier() and package not in ("vqa", "torch", "builtins")
        else "vqa does not write this; take the run from its author again (--trust is for packages "
        "of your own)"
    )
    raise ValueError(
        f"the run's configuration uses {name}, which is not part of vqa that a run may use; "
        f"{remedy}"
    )


def _check_object(target: str, found: Any, packages: Sequence[str]) -> None:
    """Refuse what an allowed name does not stand for, such as a function of another module."""
    if target in own_targets() or target in READ_ONLY.values():
        return
    module = target.rpartition(".")[0]
    home = str(getattr(found, "__module__", ""))
    if _is_in(target, packages):
        expected = "a function or class of that package"
        held = _is_callable(found) and any(_is_within(home, package) for package in packages)
    elif module == LOSSES:
        expected = "a function defined there"
        held = inspect.isfunction(found) and home == LOSSES
    else:
        expected = f"a subclass of {KINDS[module]}"
        held = inspect.isclass(found) and issubclass(found, _named(KINDS[module]))
    if not held:
        raise ValueError(f"the run's configuration uses {target}: expected {expected}")


def _is_in(target: str, packages: Sequence[str]) -> bool:
    """Return whether the module of a target is one of the packages, or inside one."""
    module = target.rpartition(".")[0]
    return any(_is_within(module, package) for package in packages)


def _is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _is_callable(found: Any) -> bool:
    return inspect.isclass(found) or inspect.isroutine(found)


def _named(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)
