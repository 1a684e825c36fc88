"""Progress bars with the time left: lively on a terminal, a line now and then in a log file."""

import sys
from typing import Any

from tqdm import tqdm

TERMINAL_INTERVAL_S = 0.2
LOG_INTERVAL_S = 10.0


def progress_bar(total: int, description: str, unit: str, **options: Any) -> tqdm:
    """A bar over `total` units of work, on standard error; silent where there is nothing to do.

    Args:
        total: Units of work.
        description: What is being done.
        unit: What one unit is.
        **options: Further arguments of `tqdm`.
    """
    interval = TERMINAL_INTERVAL_S if sys.stderr.isatty() else LOG_INTERVAL_S
    settings = {"disable": total == 0, "mininterval": interval, "maxinterval": interval} | options
    return tqdm(total=total, desc=description, unit=unit, **settings)
