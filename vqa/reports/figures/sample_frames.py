"""Frames of databases, with a line of text under each."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from vqa.reports.figures.printed import PAGE, in_style, sheet, show, thumbnail
from vqa.reports.style import INK

LABEL = 0.2  # inches: of the title at the left of a row
TEXT = 0.19  # of the line under a frame
SHAPES = (0.5, 0.8)  # height over width of a row's frames, at least and at most


def frame_rows(rows: Mapping[str, Sequence[tuple[np.ndarray, str]]]) -> Figure:
    """Draw frames in rows, each row with its title at the left.

    Args:
        rows: Pairs of a frame uint8 (H, W, 3) and the text under it, by the title of the row.
    """
    columns = max(len(row) for row in rows.values())
    wide = (PAGE - LABEL) / columns - 0.06
    shapes = [
        float(np.clip(np.median([frame.shape[0] / frame.shape[1] for frame, _ in row]), *SHAPES))
        for row in rows.values()
    ]
    height = sum(wide * shape + TEXT + 0.04 for shape in shapes) + 0.04
    with in_style():
        figure, axes = sheet(PAGE, height, len(rows), columns, height_ratios=shapes)
        figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
        for places, (title, row), shape in zip(axes, rows.items(), shapes, strict=True):
            for place in places:
                place.set_axis_off()
            for place, (frame, text) in zip(places, row, strict=False):
                place.set_axis_on()
                show(place, thumbnail(frame, wide, wide * shape))
                place.set_xlabel(text, color=INK, fontsize=7)
            places[0].set_ylabel(title, color=INK, fontsize=8)
    return figure
