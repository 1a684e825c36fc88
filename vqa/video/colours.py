"""The colour of 8-bit 4:2:0, and FFmpeg's arithmetic that turns such samples into RGB.

FFmpeg converts 4:2:0 of an even height without filtering: the four pixels of a block share their
chroma. All products are of 16-bit integers, of which the upper 16 bits remain, rounded down.
Its tables follow from each standard's weights of red and blue in luma, rounded in the same order as
here. `specimen` shows whether this holds for the FFmpeg at hand; some processors have other code.
"""

from typing import NamedTuple

import av
import numpy as np
from av.video.reformatter import ColorRange

# Weights of red and blue by the number of the matrix (ITU-T H.273); 2, unspecified, is BT.601.
WEIGHTS = {
    1: (0.2126, 0.0722),
    2: (0.299, 0.114),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
# What the number of a colour stands for: a matrix, and whether samples use the full range.
COLOURS = tuple((matrix, full) for matrix in WEIGHTS for full in (False, True))
FORMATS = ("yuv420p", "yuvj420p")


class Factors(NamedTuple):
    """The integers of a conversion; luma and chroma enter as 8 Y - `black` and 8 U - 1024.

    Attributes:
        black: 8 times the luma of black.
        luma: Of the luma, in all colours.
        red: Of V in red.
        blue: Of U in blue.
        green_u: Of U in green.
        green_v: Of V in green.
    """

    black: int
    luma: int
    red: int
    blue: int
    green_u: int
    green_v: int


def colour_of(frame: av.VideoFrame) -> int | None:
    """Return the number of a frame's colour in `COLOURS`; None if it is none of them."""
    if frame.format.name not in FORMATS:
        return None
    full = frame.format.name == "yuvj420p" or frame.color_range == ColorRange.JPEG
    colour = (int(frame.colorspace), full)
    return COLOURS.index(colour) if colour in COLOURS else None


def factors(colour: int) -> Factors:
    """Return the integers with which FFmpeg converts samples of a colour in `COLOURS`."""
    matrix, full = COLOURS[colour]
    of_red, of_blue = WEIGHTS[matrix]
    of_green = 1 - of_red - of_blue
    v, u = 2 * (1 - of_red), 2 * (1 - of_blue)
    chroma = [
        round(65536 * 255 / 224 * factor)
        for factor in (v, u, -u * of_blue / of_green, -v * of_red / of_green)
    ]
    if full:
        chroma = [int(factor * 224 / 255) for factor in chroma]
    luma = 65536 if full else 65536 * 255 // 219
    return Factors(0 if full else 128, *((factor + 4) // 8 for factor in (luma, *chroma)))


def specimen(colour: int, width: int) -> av.VideoFrame:
    """Return a frame in which every pair of values of two planes occurs, in a colour."""
    columns = -(-width // 2)
    rows = -(-(2**16) // columns)
    place = np.arange(rows * columns).reshape(rows, columns)
    u, v = place % 256, place // 256 % 256
    quarter = np.array([[0, 64], [128, 192]])
    y = np.kron(u + v, np.ones((2, 2), int)) + np.tile(quarter, (rows, columns))
    frame = av.VideoFrame(width, 2 * rows, "yuv420p")
    for plane, samples in zip(frame.planes, (y[:, :width], u, v), strict=True):
        padded = np.zeros((plane.height, plane.line_size), np.uint8)
        padded[:, : plane.width] = samples % 256
        plane.update(padded)
    matrix, full = COLOURS[colour]
    frame.colorspace = matrix
    frame.color_range = ColorRange.JPEG if full else ColorRange.MPEG
    return frame
