"""Errors as a user reads them: one line with the remedy, and the exit status."""

import errno
import os
import re
import sys
from pathlib import Path

USAGE, FAILED = 2, 1  # exit statuses: wrong use; some files failed, or something does not hold

RESUME = "then rerun the command to resume"
PLACES = "choose another folder (paths.runs=, paths.cache=, folder=, output=)"
REMEDIES = {
    errno.ENOSPC: f"free some space or {PLACES}, {RESUME}",
    errno.EDQUOT: f"free some of your quota or {PLACES}, {RESUME}",
    errno.EROFS: f"{PLACES} that can be written",
    errno.EACCES: f"change its permissions, or {PLACES}",
    errno.EPERM: f"change its permissions, or {PLACES}",
    errno.EIO: f"check the disk or the network share, {RESUME}",
    errno.ESTALE: f"check the network share, {RESUME}",
    errno.EMFILE: f"raise the limit (ulimit -n 4096) or set loader.num_workers=0, {RESUME}",
    errno.ENFILE: f"close other programs, {RESUME}",
    errno.ENOENT: "correct the path",
    errno.ENOTDIR: "a part of the path is a file: correct the path",
    errno.EISDIR: "expected a file: correct the path",
    errno.EEXIST: "expected a folder, found a file: correct the path",
    errno.ENAMETOOLONG: "shorten the name",
    errno.ELOOP: "correct the links",
}
# Paths that only the user can have meant otherwise.
TYPED = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP}
LESS_MEMORY = (
    "close other programs, or lower loader.batch_size, loader.memory_gb or loader.num_workers, "
    f"{RESUME}"
)
LESS_GPU_MEMORY = (
    f"lower loader.batch_size or features.<name>.batch_frames, or compute on the CPU, {RESUME}"
)
CPU_MEMORY = re.compile(r"can't allocate memory|not enough memory|Cannot allocate memory")


def explained(error: BaseException) -> tuple[int, str] | None:
    """Return exit status and line for an error that a user can do something about.

    Returns:
        None for any other error, which should keep its traceback.
    """
    if isinstance(error, OSError):
        return _os_error(error)
    if isinstance(error, MemoryError):
        return FAILED, f"the memory is full; {LESS_MEMORY}"
    text = " ".join(str(error).split())
    if isinstance(error, ValueError):  # with DatabaseError, SplitError and UsageError
        return USAGE, text
    kind = type(error)
    if kind.__name__ == "MisconfigurationException":  # Lightning's, of the settings of a trainer
        return USAGE, f"trainer: {text}"
    if kind.__module__.startswith("wandb."):
        return FAILED, f"W&B: {text}; logger.mode=offline needs no account and no network"
    return _of_runtime(error, text) if isinstance(error, RuntimeError) else None


def _of_runtime(error: RuntimeError, text: str) -> tuple[int, str] | None:
    """Explain an error of our own kinds, and what torch raises when memory is full."""
    from vqa.commands.engines.shares import EngineError
    from vqa.features.extraction.fill import ExtractionError
    from vqa.models.pretrained.weights import WeightsError
    from vqa.runs import RunError
    from vqa.training.errors import TrainingError
    from vqa.video import VideoError

    if isinstance(error, EngineError | ExtractionError | TrainingError | VideoError):
        return FAILED, text
    if isinstance(error, RunError | WeightsError):
        return USAGE, text
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return FAILED, f"the memory of the GPU is full; {LESS_GPU_MEMORY}"
    if CPU_MEMORY.search(text):
        return FAILED, f"the memory is full; {LESS_MEMORY}"
    return None


def _os_error(error: OSError) -> tuple[int, str]:
    """Explain an error of the system; those that vqa raises explain themselves."""
    if error.errno is None or error.strerror is None:
        status = USAGE if isinstance(error, FileNotFoundError) else FAILED
        return status, " ".join(str(error).split())
    from vqa.files import shown

    path = shown(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else ""
    if Path(path).name.startswith(".") and path.endswith(".tmp"):
        path = str(Path(path).parent)
    parts = [path, error.strerror.lower()]
    text = ": ".join(part for part in parts if part)
    remedy = REMEDIES.get(error.errno)
    status = USAGE if error.errno in TYPED and path else FAILED
    return status, f"{text}; {remedy}" if remedy else text
