"""The process of a command: logging, threads, and errors as one line with an exit status."""

import logging
import os
import sys
import warnings
from collections.abc import Callable

USAGE, FAILED = 2, 1  # exit statuses: wrong use; some files failed, or something does not hold


def set_up(threads: int | None = None) -> None:
    """Log to the terminal, set torch's intra-op threads, and quiet third parties."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for name in ("pytorch_lightning.utilities.rank_zero", "pytorch_lightning.accelerators.cuda"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger().addFilter(_of_interest)
    # Lightning's advice on worker counts and validation loops does not fit cached features.
    warnings.filterwarnings("ignore", module=r"pytorch_lightning\..*")
    if threads:
        import torch

        torch.set_num_threads(int(threads))


def exit_status(job: Callable[[], int | None]) -> int:
    """Run a job; turn errors that a user can fix into one line on standard error and a status.

    Other errors keep their traceback; with HYDRA_FULL_ERROR=1 all errors do.

    Returns:
        What the job returns (None is 0), 2 for wrong use, 1 for work that failed.
    """
    if os.environ.get("HYDRA_FULL_ERROR"):
        return job() or 0
    try:
        return job() or 0
    except (OSError, RuntimeError, ValueError) as error:
        status = _status_of(error)
        if status is None:
            raise
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return status


def _status_of(error: Exception) -> int | None:
    """The exit status of an error that a user can fix; None for any other."""
    # DatabaseError, SplitError and UsageError are ValueErrors.
    if isinstance(error, FileNotFoundError | ValueError):
        return USAGE
    if not isinstance(error, RuntimeError):
        return None
    from vqa.features.extraction.fill import ExtractionError
    from vqa.models.pretrained.weights import WeightsError
    from vqa.runs import RunError
    from vqa.training.errors import TrainingError
    from vqa.video import VideoError

    if isinstance(error, ExtractionError | TrainingError | VideoError):
        return FAILED
    return USAGE if isinstance(error, RunError | WeightsError) else None


def _of_interest(record: logging.LogRecord) -> bool:
    """Drop the lines that open_clip logs for each of its steps through the root logger."""
    return record.levelno >= logging.WARNING or "open_clip" not in record.pathname
