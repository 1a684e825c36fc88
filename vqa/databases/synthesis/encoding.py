"""The encoder of the demo's video files."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from vqa.files import replacing


def write_h264(path: Path, frames: np.ndarray, frame_rate_hz: int, crf: float) -> None:
    """Encode with x264 into MP4; equal frames give equal files on any processor.

    To that end, the encoder uses one thread, writes no dates and sets x264's `cpu-independent`.
    Without the latter, x264's AVX-512 code gave different files for equal frames when two encoders
    ran at the same time.

    Args:
        path: The file; it appears only when it is complete.
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
