"""Feature maps as an animation: a mosaic of channels beside the frame that they describe."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vqa.reports.figures.overlay import COLOURS
from vqa.reports.style import INK, MUTED, RED

# Lengths in pixels.
TILE, GAP, MARGIN, FRAME, TEXT = 72, 3, 10, 224, 16
HEAD = 2 * MARGIN + 2 * TEXT


def mosaic(
    maps: np.ndarray,
    ranges: np.ndarray,
    frame: np.ndarray,
    *,
    title: str,
    subtitle: str = "",
    warning: str = "",
) -> np.ndarray:
    """Draw one picture of an animation.

    Args:
        maps: One map for each channel (K, h, w); K is drawn in a square arrangement.
        ranges: The lowest and highest value of each channel's colours (K, 2).
        frame: The frame that they describe, uint8 (H, W, 3).
        title: First line of text.
        subtitle: Second line.
        warning: Text on the right, in red.

    Returns:
        uint8 (H', W', 3), of the same size for every number of channels up to 64.
    """
    side = max(8, int(np.ceil(len(maps) ** 0.5)))
    length = side * (TILE + GAP) - GAP
    height = max(length, FRAME)
    picture = Image.new("RGB", (FRAME + length + 3 * MARGIN, HEAD + height + MARGIN), "white")
    shown = Image.fromarray(frame)
    shown.thumbnail((FRAME, height), Image.Resampling.LANCZOS)
    picture.paste(shown, (MARGIN, HEAD))
    for place, (values, (low, high)) in enumerate(zip(maps, ranges, strict=True)):
        row, column = divmod(place, side)
        corner = (FRAME + 2 * MARGIN + column * (TILE + GAP), HEAD + row * (TILE + GAP))
        picture.paste(_tile(values, low, high), corner)
    draw = ImageDraw.Draw(picture)
    draw.text((MARGIN, MARGIN), title, fill=INK, font=_font("DejaVuSans-Bold"))
    draw.text((MARGIN, MARGIN + TEXT + 4), subtitle, fill=MUTED, font=_font("DejaVuSans"))
    right = picture.width - MARGIN
    draw.text((right, MARGIN), warning, fill=RED, font=_font("DejaVuSans-Bold"), anchor="ra")
    return np.asarray(picture)


def ranges_over_time(maps: Sequence[np.ndarray]) -> np.ndarray:
    """Return the lowest and highest value of each channel (K, 2) over maps (K, h, w)."""
    low = np.min([values.min((1, 2)) for values in maps], axis=0)
    high = np.max([values.max((1, 2)) for values in maps], axis=0)
    return np.stack([low, high], axis=1)


def _tile(values: np.ndarray, low: float, high: float) -> Image.Image:
    """Return a map in colour; a channel without any difference is in the darkest colour."""
    share = np.clip((values - low) / ((high - low) or 1.0), 0, 1)
    colours = Image.fromarray((255 * COLOURS(share)[..., :3]).round().astype(np.uint8))
    smaller = max(values.shape) > TILE
    method = Image.Resampling.BOX if smaller else Image.Resampling.NEAREST
    return colours.resize((TILE, TILE), method)


def _font(name: str) -> ImageFont.FreeTypeFont:
    """Return one of the fonts that come with matplotlib."""
    return ImageFont.truetype(Path(mpl.get_data_path(), "fonts", "ttf", f"{name}.ttf"), TEXT)
