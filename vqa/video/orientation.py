"""The orientation of decoded frames: the display matrix that phones write into their files."""

import av
import numpy as np
from av.sidedata.sidedata import Type

Filters = tuple[tuple[str, str | None], ...]


def orientation(frame: av.VideoFrame) -> tuple[int, Filters]:
    """Return how to turn a decoded frame for display.

    The filters are the ones that the `ffmpeg` program inserts for the same matrix. They also undo
    mirroring, which the angle does not tell.

    Args:
        frame: A frame from the decoder.

    Returns:
        Clockwise degrees (0, 90, 180, 270), and the filters with their arguments.

    Raises:
        ValueError: The angle is not a multiple of 90 degrees.
    """
    matrix = _display_matrix(frame)
    if matrix is None:
        return 0, ()
    a, b, _, c, d = matrix
    angle = float(np.degrees(np.arctan2(b / (np.hypot(b, d) or 1), a / (np.hypot(a, c) or 1))))
    turn = round(angle / 90) * 90
    if abs(angle - turn) > 1:
        raise ValueError(f"the display rotation of {angle:.0f} degrees is not a multiple of 90")
    match turn % 360:
        case 90:
            return 90, (("transpose", "cclock_flip" if c > 0 else "clock"),)
        case 270:
            return 270, (("transpose", "clock_flip" if c < 0 else "cclock"),)
        case 180:
            flips = (("hflip", a < 0), ("vflip", d < 0))
            return 180, tuple((name, None) for name, wanted in flips if wanted)
    return 0, (("vflip", None),) if d < 0 else ()


def _display_matrix(frame: av.VideoFrame) -> np.ndarray | None:
    """Return the first five entries of the display matrix, or None if there is none."""
    try:
        data = frame.side_data.get(Type.DISPLAYMATRIX)
    except ValueError:  # PyAV does not know another kind of side data, for example EXIF
        clockwise = np.radians(-frame.rotation)
        cosine, sine = np.cos(clockwise), np.sin(clockwise)
        return np.array([cosine, sine, 0, -sine, cosine]) if frame.rotation else None
    return None if data is None else np.frombuffer(data, dtype=np.int32)[:5].astype(np.float64)
