"""The pictures of an explanation, drawn from its data and the video: worst moments and maps.

A map lies over its frame in colours that stay readable in print and for the colour-blind: dark blue
is the lowest value, yellow the highest.
"""

import io
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from vqa.reports.scoring.stills import frames_of, nearest
from vqa.video import RawFormat

LARGEST = (480, 320)  # width and height in pixels
STRENGTH = 0.6  # of a map over its frame
JPEG_QUALITY = 80


class Picture(NamedTuple):
    """One picture of an explanation.

    Attributes:
        title: What it shows.
        time_s: Time of the frame.
        jpeg: The picture.
    """

    title: str
    time_s: float
    jpeg: bytes


def pictures(
    path: str, explanation: Mapping[str, Any], raw: RawFormat | None = None
) -> list[Picture]:
    """Draw the worst moments of a video, then its maps; none if the file is gone or damaged.

    Args:
        path: The video.
        explanation: See `vqa.commands.scoring.explanation`.
        raw: Format of headerless `.yuv` files.
    """
    moments, maps = explanation["moments"], explanation["maps"]
    times_s = [one["time_s"] for one in (*moments, *maps)]
    frames = frames_of(path, lambda info: [nearest(info, time_s) for time_s in times_s], raw)
    if not frames:
        return []
    drawn = [
        Picture(f"quality {one['quality']:.2f}", one["time_s"], _jpeg(Image.fromarray(frame)))
        for one, frame in zip(moments, frames[: len(moments)], strict=True)
    ]
    for one, frame in zip(maps, frames[len(moments) :], strict=True):
        values = np.array(one["values"], dtype=float)  # None is NaN
        known = values[np.isfinite(values)]
        title = one["title"] + _ends(known)
        drawn.append(Picture(title, one["time_s"], _jpeg(_over(values, frame))))
    return drawn


def maps_of(
    path: str, explanation: Mapping[str, Any], raw: RawFormat | None = None
) -> list[Picture]:
    """Draw only the maps of an explanation; arguments as for `pictures`."""
    if not explanation["maps"]:
        return []
    return pictures(path, {**explanation, "moments": []}, raw)


def _ends(known: np.ndarray) -> str:
    """Say which values the ends of the colours stand for."""
    if not len(known):
        return ""
    low, high = f"{known.min():.3g}", f"{known.max():.3g}"
    return f": {low} everywhere" if low == high else f": {low} (blue) to {high} (yellow)"


def _over(values: np.ndarray, frame: np.ndarray) -> Image.Image:
    """Lay a map (h, w) over a frame (H, W, 3); where nothing is known, the frame stays."""
    from matplotlib import colormaps

    known = np.isfinite(values)
    low, high = (values[known].min(), values[known].max()) if known.any() else (0.0, 1.0)
    share = np.where(known, (values - low) / ((high - low) or 1.0), 0.0)
    colours = (255 * colormaps["cividis"](share)).astype(np.uint8)
    colours[..., 3] = np.where(known, round(255 * STRENGTH), 0)
    picture = Image.fromarray(frame).convert("RGBA")
    cover = Image.fromarray(colours).resize(picture.size, Image.Resampling.NEAREST)
    return Image.alpha_composite(picture, cover).convert("RGB")


def _jpeg(picture: Image.Image) -> bytes:
    picture.thumbnail(LARGEST, Image.Resampling.LANCZOS, reducing_gap=2.0)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=JPEG_QUALITY)
    return data.getvalue()
