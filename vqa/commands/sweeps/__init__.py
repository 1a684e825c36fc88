"""What `vqa train -m` adds to Hydra's sweep: one table over all jobs, or a search's."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from vqa.commands.configuration import UsageError

if TYPE_CHECKING:
    from vqa.commands.sweeps.sweep import Sweep

SEARCH = "hparams_search"


def followed_sweep(verb: str, arguments: Sequence[str], sweeps: bool) -> "Sweep | None":
    """Return what follows the jobs of a command; None if nothing does.

    Args:
        verb: Name of the configuration.
        arguments: Overrides and flags.
        sweeps: Whether the command runs several jobs.

    Raises:
        UsageError: A search without its package, its flag, or a validation part.
    """
    chosen = [
        word.partition("=")[2] for word in arguments if word.lstrip("+").startswith(f"{SEARCH}=")
    ]
    if chosen and chosen[0] not in ("", "null"):
        key = f"{SEARCH}={chosen[0]}"
        if verb != "train" or not sweeps:
            raise UsageError(
                f"{key}: expected vqa train -m, which runs one training per trial; add -m"
            )
        if not _installed("hydra_plugins.hydra_optuna_sweeper"):
            raise UsageError(
                f"{key}: expected the package hydra-optuna-sweeper, found none; run "
                "`pip install 'vqa[search]'`"
            )
        from vqa.commands.sweeps.search import Search

        return Search(arguments)
    if verb != "train" or not sweeps:
        return None
    from vqa.commands.sweeps.sweep import Sweep

    return Sweep(arguments)


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False
