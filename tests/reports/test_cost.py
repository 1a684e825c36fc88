"""The picture of accuracy over run time: dots, axis and labels."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.text import Text

from tests.reports.page_folders import ELEVEN
from vqa.reports import figures
from vqa.reports.figures.cost import frontier
from vqa.reports.style import BLUE, MUTED
from vqa.reports.svg import DOTS, to_svg


def row(label, seconds, value, dimension=10, interval=(None, None)):
    return {
        "label": label, "seconds_a_video": seconds, "value": value, "dimension": dimension,
        "interval": interval,
    }  # fmt: skip


@pytest.fixture(scope="module")
def eleven():
    return [
        row(label, seconds, 0.9 - noise / 4, dimension, (0.85 - noise / 4, 0.93 - noise / 4))
        for label, dimension, seconds, _, noise in ELEVEN
    ]


@pytest.fixture(scope="module")
def crowd():
    """Runs with long names, close to each other."""
    return [
        row(f"svr-konvid-nss-resnet50-saliency-{k}", 3.2 + k % 3 / 100, 0.75 + k / 250, 3884,
            (0.7, 0.8))
        for k in range(11)
    ]  # fmt: skip


def dots(figure):
    (found,) = [one for one in figure.axes[0].collections if one.get_gid() == DOTS]
    return found


def test_each_run_has_its_dot_its_whisker_and_its_name(eleven):
    figure = figures.accuracy_over_seconds(eleven, "srocc", 0.9)
    expected = [(one["seconds_a_video"], one["value"]) for one in eleven]
    assert np.asarray(dots(figure).get_offsets()) == pytest.approx(np.array(expected))
    axes = figure.axes[0]
    whiskers = [
        tuple(segment[:, 1])
        for lines in axes.collections
        if lines is not dots(figure)
        for segment in lines.get_segments()
    ]
    assert sorted(whiskers) == sorted(one["interval"] for one in eleven)
    names = {text.get_text() for text in axes.texts}
    assert names == {f"{one['label']} · {one['dimension']}" for one in eleven}
    assert "NSS_VSFACNN_SALIENCY · 5932" in to_svg(figure)
    assert axes.get_ylabel() == "SROCC with 90 % interval (higher is better)"


def assert_apart(figure):
    """No label shares a point with another label or another's dot, or leaves the axes."""
    figure.draw_without_rendering()
    axes = figure.axes[0]
    # Only of the letters: the extent of an annotation includes its line.
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other)
    for x, y in axes.transData.transform(dots(figure).get_offsets()):
        assert not any(box.contains(x, y) for box in boxes)
    frame = axes.get_window_extent().padded(1)
    for box in boxes:
        assert frame.contains(*box.min)
        assert frame.contains(*box.max)


@pytest.mark.parametrize("rows", ["eleven", "crowd"])
def test_labels_are_apart(rows, request):
    assert_apart(figures.accuracy_over_seconds(request.getfixturevalue(rows), "srocc", 0.95))


def test_overlapping_labels_would_be_seen(eleven):
    figure = figures.accuracy_over_seconds(eleven, "srocc", 0.95)
    one, other = figure.axes[0].texts[:2]
    other.xy, other.xyann = one.xy, one.xyann
    with pytest.raises(AssertionError):
        assert_apart(figure)


def test_the_axis_is_logarithmic_if_times_differ_much():
    def axes(*seconds):
        rows = [row(f"run {k}", one, 0.5) for k, one in enumerate(seconds)]
        return figures.accuracy_over_seconds(rows, "srocc", 0.95).axes[0]

    assert axes(1, 10).get_xscale() == "log"
    assert axes(1, 9).get_xscale() == "linear"
    assert axes(0, 9).get_xscale() == "linear"
    assert axes(3.2, 3.3).get_xlim()[0] == 0
    wide = axes(0.02, 300)
    wide.figure.draw_without_rendering()
    texts = [tick.get_text() for tick in wide.get_xticklabels()]
    assert {"0.1", "1", "10", "100"} <= set(texts)


@pytest.mark.parametrize("metric", ["srocc", "rmse"])
def test_no_other_run_surpasses_the_frontier(metric):
    rng = np.random.default_rng(0)
    seconds, values = rng.integers(1, 6, 20), rng.integers(1, 6, 20) / 10
    sign = -1 if metric == "rmse" else 1
    literal = []
    for s, v in zip(seconds, values, strict=True):
        surpassed = False
        for t, w in zip(seconds, values, strict=True):
            as_good, better = sign * w >= sign * v, sign * w > sign * v
            surpassed |= (t <= s and better) or (t < s and as_good)
        literal.append(not surpassed)
    assert frontier(values, seconds, metric).tolist() == literal
    assert 0 < sum(literal) < 20


def test_the_frontier_is_full_and_blue_the_others_pale():
    rows = [row("quick", 1.0, 0.8), row("beaten", 5.0, 0.7), row("good", 9.0, 0.9)]
    svg = to_svg(figures.accuracy_over_seconds(rows, "srocc", 0.95), ["a", "b", "c"])
    marks = svg[svg.index(f'<g id="{DOTS}">') :].split("<use ")[1:4]
    assert ["fill-opacity" in mark for mark in marks] == [False, True, False]
    assert [BLUE in mark for mark in marks] == [True, False, True]
    assert MUTED in marks[1]
    assert "<title>b</title>" in marks[1]


def test_unknown_dimensions_and_intervals_are_omitted():
    rows = [row("$a$", 1.0, 0.8, None), row("b", 2.0, 0.7)]
    figure = figures.accuracy_over_seconds(rows, "rmse", 0.95)
    assert [text.get_text() for text in figure.axes[0].texts] == ["$a$", "b · 10"]
    assert "lower is better" in figure.axes[0].get_ylabel()
