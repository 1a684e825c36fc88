"""Errors of an extractor: the fault of one video, or of the extractor and the machine."""

from pathlib import Path

import numpy as np
import torch

from vqa.features.extractor import Extractor
from vqa.video import VideoError, VideoInfo
from vqa.video.pixels import frame_shape

GREY, SIDE, FRAMES, RATE_HZ = 128, 224, 8, 25.0  # of the plain clip
LONGEST = 300  # characters of an error


def check_extractor(extractor: Extractor) -> None:
    """Describe a plain grey clip, to learn whether an error is due to a video.

    Raises:
        Exception: The error, if the extractor fails here too and not because the clip does not
            suit it or memory is short: a bug, or a lost GPU.
    """
    info = VideoInfo(
        path=Path("grey"), container="rawvideo", codec="rawvideo", pixel_format="rgb24",
        width=SIDE, height=SIDE, frames=FRAMES, frame_rate_hz=RATE_HZ,
        duration_s=FRAMES / RATE_HZ, rotation_deg=0, edit_list=False,
        keyframes=tuple(range(FRAMES)), times_s=np.arange(FRAMES) / RATE_HZ,
    )  # fmt: skip
    try:
        chosen = extractor.indices(info) if extractor.chooses_frames else None
        count = FRAMES if chosen is None else len(chosen)
        frames = np.full((count, *frame_shape(info, extractor.pixels)), GREY, np.uint8)
        extractor.describe(iter([frames]), info)
    except Exception as error:
        if is_unexpected(error):
            raise


def is_unexpected(error: Exception) -> bool:
    """Return whether an error neither says what is wrong with a video nor is a lack of memory."""
    return not (isinstance(error, ValueError | OSError | VideoError) or lacks_memory(error))


def lacks_memory(error: Exception) -> bool:
    """Return whether an allocation failed: of Python, or of torch on a GPU or a CPU."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        "can't allocate memory" in str(error)
    )


def in_words(error: Exception) -> Exception:
    """Return an error that says in one line what happened, and holds no frames in memory."""
    if not is_unexpected(error) and not lacks_memory(error):
        return error.with_traceback(None)
    if lacks_memory(error):
        return RuntimeError("describing its frames takes more memory than there is")
    text = " ".join(str(error).split())[:LONGEST]
    return RuntimeError(f"{type(error).__name__}: {text}")
