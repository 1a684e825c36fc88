"""Encoded video files, written whole or not at all."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from vqa.files import replacing


def write_h264(path: Path, frames: np.ndarray, frame_rate_hz: int, crf: float) -> None:
    """Encode with x264 into MP4, so that equal frames give equal files, on any processor.

    One thread, no dates, and x264's `cpu-independent`: without it, its AVX-512 code gave different
    files of equal frames when two encoders ran side by side.

    Args:
        path: Where the file goes; it appears there only when complete.
        frames: uint8 `(T, H, W, 3)`, RGB, even sides (4:2:0).
        frame_rate_hz: Frames per second.
        crf: Constant rate factor, 0 to 51.
    """
    options = {
        "crf": str(crf),
        "preset": "veryfast",
        "threads": "1",
        "x264-params": "cpu-independent=1",
    }
    with replacing(path) as temporary, av.open(str(temporary), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(frame_rate_hz), options=options)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
