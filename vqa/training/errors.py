"""What stops a training or a prediction, as one line with the remedy."""

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

KILLED = re.compile(r"DataLoader worker \(pid.*?\) (is killed by|exited)")
UNREADABLE = re.compile(r"Caught VideoError in DataLoader worker process")
RAISED = re.compile(r"Caught \w+ in DataLoader worker process")


class TrainingError(RuntimeError):
    """A training or a prediction that cannot be completed; nothing of it was recorded."""


@contextmanager
def loading() -> Iterator[None]:
    """Report in one line what goes wrong in a loading process.

    Raises:
        TrainingError: A loading process was killed, usually because memory ran out.
        Exception: What was raised in a loading process, without its traceback.
    """
    try:
        yield
    except (EOFError, OSError, RuntimeError, ValueError) as error:
        text = str(error)
        if UNREADABLE.match(text):
            raise TrainingError(_last_line(text)) from error
        if RAISED.match(text):
            raise type(error)(_last_line(text)) from error
        if not (KILLED.search(text) or _is_lost_connection(error)):
            raise
        raise TrainingError(
            "a loading process was killed, usually because the memory or /dev/shm is full; set "
            "loader.num_workers=0 or a smaller loader.batch_size, and rerun the command to resume"
        ) from error


def _last_line(text: str) -> str:
    """Return the message of an error that was raised in a loading process, without its kind."""
    return text.strip().splitlines()[-1].partition(": ")[2]


def _is_lost_connection(error: Exception) -> bool:
    """Return whether the pipe to a loading process broke."""
    frames = traceback.walk_tb(error.__traceback__)
    places = {frame.f_code.co_filename.replace("\\", "/") for frame, _ in frames}
    inside = any(place.endswith("torch/utils/data/dataloader.py") for place in places)
    return inside and isinstance(error, ConnectionError | EOFError)
