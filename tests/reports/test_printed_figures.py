"""Figures for print: what they show, at the width of a column or a page, in readable letters."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.text import Text

from vqa.reports.figures.answers import Answered, Course, answers_over_steps, frames_with_answers
from vqa.reports.figures.bars import bars
from vqa.reports.figures.curve import curve_over
from vqa.reports.figures.hidden_states import Plane, gaussians, planes
from vqa.reports.figures.marking import mark
from vqa.reports.figures.printed import COLOURS, COLUMN, PAGE, thumbnail
from vqa.reports.figures.sample_frames import frame_rows
from vqa.reports.svg import to_svg

RNG = np.random.default_rng(0)
FRAME = RNG.integers(0, 255, (30, 40, 3)).astype(np.uint8)
TALL = RNG.integers(0, 255, (40, 20, 3)).astype(np.uint8)
DATABASES = ("CVD2014", "LIVE-Qualcomm", "LIVE-VQC", "KoNViD-1k")


def plane(column, row):
    points = RNG.normal(size=(40, 2))
    return Plane(f"trained on {column}", row, points, np.repeat(DATABASES, 10), "gap 1.23")


def table(**more):
    values = {"SROCC": (0.81, 0.8, 0.79, 0.77), "KROCC": (0.63, 0.62, None, 0.59)}
    return [
        {"x": x, "name": f"{x} frames per second and a long name", "metric": metric, "value": value,
         "low": value and value - 0.05, "high": value and value + 0.04, "printed": value} | more
        for metric, column in values.items()
        for x, value in zip((25, 20, 10, 5), column, strict=True)
    ]  # fmt: skip


def course(title):
    answers = RNG.uniform(0, 0.01, (5, 7))
    return Course(title, np.linspace(-1, 1, 7), answers, [FRAME] * 3, "ρ = 0.93")


FIGURES = {
    "planes": (lambda: planes([plane(c, r) for c in DATABASES for r in "ab"], DATABASES), PAGE),
    "one plane": (lambda: planes([plane("CVD2014", "regularised")], DATABASES), COLUMN),
    "gaussians": (
        lambda: gaussians({d: (RNG.normal(size=32), np.ones(32)) for d in DATABASES}), PAGE,
    ),
    "one gaussian": (lambda: gaussians({"CVD2014": (np.zeros(4), np.ones(4))}), COLUMN),
    "frames": (
        lambda: frame_rows({d: [(f, "640 × 480, MOS 1.23") for f in (FRAME, TALL, FRAME, FRAME,
                                                                     FRAME)] for d in DATABASES}),
        PAGE,
    ),
    "courses": (lambda: answers_over_steps([course("high contrast") for _ in range(4)]), PAGE),
    "answers": (
        lambda: frames_with_answers(
            [Answered(FRAME, "most exciting", {"interesting": 0.2, "exciting": 1.0}, "exciting"),
             Answered(TALL, "least exciting", {"interesting": 0.2, "exciting": 0.0}, "exciting"),
             Answered(FRAME, "", {"interesting": 0.2, "exciting": 0.0})]
        ),
        PAGE,
    ),
    "curve": (lambda: curve_over(table(), "frame rate (Hz)"), COLUMN),
    "bars": (lambda: bars(table()), COLUMN),
}  # fmt: skip


def visible(figure):
    """Texts of a figure without tick labels beyond the ends of an axis, which are not drawn."""
    beyond = [
        label
        for axes in figure.axes
        for axis, place in ((axes.xaxis, 0), (axes.yaxis, 1))
        for label in axis.get_ticklabels()
        if not min(axis.get_view_interval())
        <= label.get_position()[place]
        <= max(axis.get_view_interval())
    ]
    texts = figure.findobj(Text)
    return [one for one in texts if one.get_text() and one.get_visible() and one not in beyond]


@pytest.mark.parametrize("name", FIGURES)
def test_letters_are_readable_and_inside_the_figure(name):
    make, width = FIGURES[name]
    figure = mark(make(), "random weights")
    assert figure.get_figwidth() == width
    figure.draw_without_rendering()
    texts = visible(figure)
    assert {one.get_fontsize() >= 6.9 for one in texts} == {True}
    assert sum(one.get_text() == "random weights" for one in texts) == 1
    inside = figure.bbox.padded(1)
    for one in texts:
        box = one.get_window_extent()
        assert inside.contains(box.x0, box.y0), one
        assert inside.contains(box.x1, box.y1), one
    titles = [t for axes in figure.axes for t in (axes.title, axes._left_title, axes._right_title)]
    shown = [t.get_window_extent() for t in titles if t.get_text()]
    assert not any(a.overlaps(b) for i, a in enumerate(shown) for b in shown[:i])
    assert to_svg(make()).count("</svg>") == 1


def test_series_differ_in_lightness():
    """Neighbours in the order of lightness, by the luma of Rec. 709."""
    colours = np.array([mpl.colors.to_rgb(one) for one in COLOURS[:4]])
    luma = np.sort(colours @ (0.2126, 0.7152, 0.0722))
    assert np.diff(luma).min() > 0.09


def test_a_curve_has_ours_and_the_printed_values():
    (axes,) = curve_over(table(), "frame rate (Hz)").axes
    ours, printed, second, *_ = axes.lines
    assert ours.get_xydata() == pytest.approx(
        np.array([(5, 0.77), (10, 0.79), (20, 0.8), (25, 0.81)])
    )
    assert printed.get_markerfacecolor() == "white"
    assert list(second.get_xdata()) == [5, 20, 25]  # one value is unknown
    ends = axes.collections[0].get_segments()
    assert ends[0][:, 1] == pytest.approx([0.72, 0.81])
    assert [one.get_text() for one in axes.get_xticklabels()] == ["25", "20", "10", "5"]
    rows = [row | {"x": "original" if row["x"] == 25 else row["x"]} for row in table()]
    (axes,) = curve_over(rows, "frame rate (Hz)").axes
    assert [one.get_text() for one in axes.get_xticklabels()] == ["original", "20", "10", "5"]
    assert list(axes.lines[0].get_xdata()) == [0, 1, 2, 3]
    names = [text.get_text() for text in axes.figure.legends[0].get_texts()]
    assert names == ["SROCC", "KROCC", "printed"]


def test_bars_begin_at_0_and_absent_values_have_none():
    (axes,) = bars(table(printed=None)).axes
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == [0.81, 0.8, 0.79, 0.77, 0.63, 0.62, 0.59]
    assert {bar.get_x() for bar in axes.patches} == {0}
    names = [text.get_text() for text in axes.figure.legends[0].get_texts()]
    assert names == ["SROCC", "KROCC"]


def test_stems_lead_from_the_start_to_what_was_learned():
    mean, deviation = np.array([0.2, -0.1]), np.array([1.3, 0.8])
    upper, lower = gaussians({"a": (mean, deviation)}).axes
    stems = [segment[:, 1] for segment in lower.collections[0].get_segments()]
    assert np.array(stems) == pytest.approx(np.array([(1, 1.3), (1, 0.8)]))
    assert upper.lines[-1].get_ydata() == pytest.approx(mean)


def test_thumbnails_have_the_pixels_of_their_size_at_most():
    large = np.zeros((1080, 1920, 3), np.uint8)
    assert thumbnail(large, 1.6).shape == (270, 480, 3)
    assert thumbnail(large, 1.6, 0.5).shape == (150, 267, 3)
    assert thumbnail(FRAME, 1.6) is FRAME
