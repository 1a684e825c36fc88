"""Maps over a frame of a video: the responses of an extractor at each place."""

import io
import math
import textwrap
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vqa.reports.style import INK, MUTED, RED, STYLE

Map = tuple[str, np.ndarray]

# Dark to light, safe for colour-blind readers and in grey.
COLOURS = mpl.colormaps["viridis"]
LUMA = (0.2126, 0.7152, 0.0722)  # of red, green and blue, Rec. 709
DIM, OPACITY = 0.75, 0.65  # brightness of the frame below a map, and the share of the map
ROUNDING = 1e-4  # relative; smaller differences are rounding errors

# Lengths in inches; at this resolution a picture of six maps is as wide as a screen.
DPI = 130
AREA, LARGE = 3.4, 10.0  # square inches of a map; the larger for one or two maps
NARROWEST = 2.1  # width of a map; its three numbers need it
MARGIN, GAP, LINE, BAR = 0.25, 0.24, 0.2, 0.08
UNDER = 0.5  # from a map to the title of the next below: its bar, its numbers, and a gap
LETTER, BOLD = 0.0076, 0.0092  # width of a letter for each point of its size


def overlay_figure(
    frame: np.ndarray,
    maps: Sequence[Map],
    *,
    columns: int | None = None,
    title: str = "",
    caption: str = "",
    warning: str = "",
) -> Figure:
    """Draw a frame, and next to it each map in colour over a dimmed copy of the frame.

    The bar below a map shows its colours, lowest value, mean and highest value.

    Args:
        frame: uint8 (H, W, 3).
        maps: Titles and values (H, W), NaN if unknown.
        columns: Maps side by side; None takes three, or a square arrangement of many maps.
        title: Title of the picture.
        caption: Text below the title.
        warning: Text below the caption, in red.

    Raises:
        ValueError: No map, or one with another size than the frame or without any value.
    """
    _check(frame, maps)
    columns = min(columns or max(3, math.ceil(len(maps) ** 0.5)), len(maps))
    rows = -(-len(maps) // columns)
    shape = frame.shape[1] / frame.shape[0]
    width = max(NARROWEST, math.sqrt(shape * (AREA if len(maps) > 2 else LARGE)))
    height = width / shape
    names = [textwrap.fill(name, _letters(width, 10.5)) for name, _ in maps]
    name_height = LINE * max(name.count("\n") + 1 for name in names)
    step = name_height + height + UNDER  # from row to row
    frame_height = height + step * (min(rows, 2) - 1)
    frame_width = frame_height * shape
    inside = frame_width + columns * (GAP + width)
    head = _head(title, caption, warning, inside)
    top = MARGIN + 1.4 * LINE * len(head) + name_height
    grey = dimmed(frame)
    with mpl.rc_context(STYLE):
        bottom = top - name_height + rows * step + MARGIN / 2
        figure = Figure((inside + 2 * MARGIN, bottom), dpi=DPI)
        for line, (text, style) in enumerate(head):
            _write(figure, MARGIN, MARGIN + 1.4 * LINE * line, text, **style)
        axes = _axes(figure, MARGIN, top, frame_width, frame_height)
        axes.imshow(frame)
        axes.set_title("frame", pad=4)
        legend = textwrap.fill(_legend(maps), _letters(frame_width, 9))
        _write(figure, MARGIN, top + frame_height + LINE / 2, legend, size=9, color=MUTED)
        for index, (name, (_, values)) in enumerate(zip(names, maps, strict=True)):
            row, column = divmod(index, columns)
            left = MARGIN + frame_width + GAP + column * (width + GAP)
            above = top + row * step
            axes = _axes(figure, left, above, width, height)
            axes.imshow(painted(grey, values))
            axes.set_title(name, pad=4)
            _bar(_axes(figure, left, above + height + LINE / 2, width, BAR), values, grey.mean())
    return figure


def dimmed(frame: np.ndarray) -> np.ndarray:
    """Return the luma of a frame uint8 (H, W, 3), from 0 to `DIM`, (H, W)."""
    return frame @ np.array(LUMA) * (DIM / 255)


def painted(grey: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Paint values (H, W) in colour, from the lowest to the highest, over a grey picture (H, W).

    Returns:
        (H, W, 3) from 0 to 1; grey for NaN, the middle colour if all values are equal.
    """
    low, high = np.nanmin(values), np.nanmax(values)
    flat = high - low <= ROUNDING * max(abs(low), abs(high))
    share = np.full(values.shape, 0.5) if flat else (values - low) / (high - low)
    colours = (1 - OPACITY) * grey[..., None] + OPACITY * COLOURS(share)[..., :3]
    return np.where(np.isnan(values)[..., None], grey[..., None], colours)


def to_png(figure: Figure) -> bytes:
    """Return the figure as a PNG file on white, with the same bytes for the same figure."""
    file = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(file, format="png", facecolor="white", metadata={"Software": None})
    return file.getvalue()


def _check(frame: np.ndarray, maps: Sequence[Map]) -> None:
    if not maps:
        raise ValueError("no map to draw: expected at least one pair of a title and values")
    for name, values in maps:
        if values.shape != frame.shape[:2] or np.isnan(values).all():
            raise ValueError(
                f"map {name!r}: expected {frame.shape[:2]} values, one per pixel of the frame and "
                f"not all NaN, found {values.shape}"
            )


def _head(title: str, caption: str, warning: str, width: float) -> list[tuple[str, dict]]:
    """Return the lines above the panels with their style, broken to a width in inches."""
    parts = [
        (title, {"size": 13, "weight": "bold", "color": INK}),
        (caption, {"size": 10, "color": MUTED}),
        (warning, {"size": 10, "weight": "bold", "color": RED}),
    ]
    return [
        (line, style)
        for text, style in parts
        for line in textwrap.wrap(
            text, _letters(width, style["size"], BOLD if "weight" in style else LETTER)
        )
    ]


def _legend(maps: Sequence[Map]) -> str:
    grey = " Grey: no value." if any(np.isnan(values).any() for _, values in maps) else ""
    return f"Colours run from each map's lowest value to its highest.{grey}"


def _bar(axes: Axes, values: np.ndarray, grey: float) -> None:
    """Draw the colours of a map over a medium grey, with lowest, mean and highest value."""
    low, mean, high = np.nanmin(values), np.nanmean(values), np.nanmax(values)
    scale = np.linspace(low, high, 256)[None]
    axes.imshow(painted(np.full(scale.shape, grey), scale), aspect="auto")
    for x, align, text in (
        (0.0, "left", f"{low:#.3g}"),
        (0.5, "center", f"mean {mean:#.3g}"),
        (1.0, "right", f"{high:#.3g}"),
    ):
        style = {"ha": align, "va": "top", "size": 9, "color": MUTED}
        axes.text(x, -0.6, text, transform=axes.transAxes, **style)


def _axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add axes without a frame, at a place in inches from the upper left corner."""
    wide, tall = figure.get_size_inches()
    axes = figure.add_axes((left / wide, 1 - (top + height) / tall, width / wide, height / tall))
    axes.set_axis_off()
    return axes


def _write(figure: Figure, left: float, top: float, text: str, **style: object) -> None:
    """Write text at a place in inches from the upper left corner of the figure."""
    wide, tall = figure.get_size_inches()
    figure.text(left / wide, 1 - top / tall, text, va="top", **style)


def _letters(width: float, size: float, letter: float = LETTER) -> int:
    """Return how many letters of a size in points fit in a width in inches."""
    return max(1, int(width / (letter * size)))
