"""Progress bars that show the time left: live on a terminal, an occasional line in a log file."""

import sys
from contextlib import suppress
from typing import Any

from tqdm import tqdm

TERMINAL_INTERVAL_S = 0.2
LOG_INTERVAL_S = 10.0


class _Bar(tqdm):
    """A bar that a signal may have stopped before it was complete."""

    def __del__(self) -> None:
        with suppress(AttributeError):
            super().__del__()


def progress_bar(total: int | None, description: str, unit: str, **options: Any) -> tqdm:
    """Return a progress bar on standard error; it stays silent if `total` is 0.

    Args:
        total: Number of units of work; None if it is not known.
        description: Label in front of the bar.
        unit: Name of one unit.
        **options: Further arguments of `tqdm`.
    """
    interval = TERMINAL_INTERVAL_S if sys.stderr.isatty() else LOG_INTERVAL_S
    settings = {"disable": total == 0, "mininterval": interval, "maxinterval": interval} | options
    return _Bar(total=total, desc=description, unit=unit, **settings)
