"""Checkpoints that survive kills, full disks and damage.

Training resumes from `last.ckpt`. The checkpoint before it is kept as `previous.ckpt`, for a disk
that loses data after it was written. `best.ckpt` is the best epoch on the validation part.
"""

import errno
import io
import logging
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO

from vqa.files import replacing
from vqa.training.errors import TrainingError

log = logging.getLogger(__name__)

LAST, PREVIOUS, BEST = "last.ckpt", "previous.ckpt", "best.ckpt"
KEYS = {"state_dict", "optimizer_states", "loops", "callbacks", "history"}


class CheckpointIO(TorchCheckpointIO):
    """Writes checkpoints in one step, and keeps the one before the last.

    Args:
        whole: Checkpoints that were found whole; others never become the one before the last.
    """

    def __init__(self, whole: Iterable[Path] = ()) -> None:
        super().__init__()
        self.whole = {path.resolve() for path in whole}

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a checkpoint; a process that dies meanwhile leaves a whole file or none.

        Raises:
            OSError: It cannot be written; the last checkpoint stays as it is.
        """
        path, buffer = Path(path).resolve(), io.BytesIO()
        torch.save(checkpoint, buffer)
        try:
            with replacing(path) as temporary:
                temporary.write_bytes(buffer.getbuffer())
                if path.name == LAST and path in self.whole:
                    path.replace(path.with_name(PREVIOUS))
        except OSError as error:
            raise OSError(
                error.errno or errno.EIO,
                f"the checkpoint could not be written ({error.strerror or error}); make room or "
                "give write permission, then rerun the command to resume",
                str(path),
            ) from error
        self.whole.add(path)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint and check that it is whole: the checksum of each part, and all keys.

    Raises:
        OSError: The file cannot be read.
        TrainingError: It is empty, cut, changed or something else.
    """
    data = io.BytesIO(path.read_bytes())
    try:
        with zipfile.ZipFile(data) as archive:
            damaged = archive.testzip()
        if damaged is None:
            data.seek(0)
            checkpoint = torch.load(data, map_location="cpu", weights_only=True)
            if isinstance(checkpoint, dict) and checkpoint.keys() >= KEYS:
                return checkpoint
            damaged = "keys are missing"
    except Exception as error:  # noqa: BLE001 (damage makes readers fail in any way)
        damaged = type(error).__name__
    raise TrainingError(f"{path} is damaged ({damaged})")


def newest_whole(folder: Path, *, best: bool) -> Path | None:
    """Find the checkpoint to resume from: the last, or the one before it if that is damaged.

    Warns of damage. If nothing can be resumed from, what is left of the checkpoints is removed,
    because training starts from the beginning.

    Args:
        folder: Of the checkpoints.
        best: Whether the best epoch is needed as well; if its file is damaged or absent, training
            has to find it again from the beginning.

    Raises:
        OSError: A file cannot be read.
    """
    names = [name for name in (LAST, PREVIOUS) if (folder / name).is_file()]
    if names and best and not _is_whole(folder / BEST):
        names = []
    for name in names:
        if _is_whole(folder / name):
            return folder / name
    for name in (LAST, PREVIOUS, BEST):
        (folder / name).unlink(missing_ok=True)
    return None


def _is_whole(path: Path) -> bool:
    """Return whether a checkpoint is whole; warn if it is not."""
    try:
        read_checkpoint(path)
    except FileNotFoundError:
        log.warning("%s is absent; training cannot resume from what depends on it", path)
    except TrainingError as error:
        log.warning("%s; training resumes from an earlier state", error)
    else:
        return True
    return False
