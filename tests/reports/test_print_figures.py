"""Figures for print: their size, their words, and what each dot, tile and bin stands for."""

import numpy as np
import pandas as pd
import pytest

from vqa.reports.figures.cost_table import cost_table
from vqa.reports.figures.mosaic import GAP, HEAD, MARGIN, TILE, mosaic, ranges_over_time
from vqa.reports.figures.opinion_panels import Panel, opinion_panels
from vqa.reports.figures.picture_grid import Tile, overlay, picture_grid, reduced
from vqa.reports.figures.shares import edges_of, mode_of, shares
from vqa.reports.svg import to_svg

RNG = np.random.default_rng(0)


def panels(count):
    mos = RNG.uniform(1, 5, 40)
    tables = [pd.DataFrame({"mos": mos, "score": mos + k + RNG.normal(0, 0.3, 40)}) for k in
              range(count)]  # fmt: skip
    return [Panel(f"SET_{k}", table, f"SROCC 0.{k}") for k, table in enumerate(tables)]


@pytest.mark.parametrize(("count", "width"), [(1, 3.5), (3, 7.2), (4, 7.2), (11, 7.2)])
def test_panels_share_their_axes(count, width):
    shown = panels(count)
    figure = opinion_panels(shown, warning="random weights")
    drawn = [axes for axes in figure.axes if axes.collections]
    assert len(drawn) == count
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in drawn}) == 1
    assert all(len(axes.collections[0].get_offsets()) == 40 for axes in drawn)
    assert all(len(axes.lines[0].get_xdata()) == 200 for axes in drawn)
    assert figure.get_size_inches()[0] == width
    svg = to_svg(figure)
    for word in ("SET_0", f"SROCC 0.{count - 1}", "logistic curve", "score", "MOS"):
        assert word in svg
    assert svg.count("random weights") == 1
    assert svg == to_svg(opinion_panels(shown, warning="random weights"))


def test_a_model_that_says_nothing_has_no_curve():
    table = pd.DataFrame({"mos": np.arange(9.0), "score": np.ones(9)})
    (axes,) = opinion_panels([Panel("flat", table)]).axes
    assert not len(axes.lines[0].get_xdata())


def test_tiles_keep_their_proportions():
    frame = RNG.integers(0, 256, (90, 160, 3)).astype(np.uint8)
    rows = [[Tile("frame", frame), overlay("map", frame, RNG.random((90, 160)))],
            [Tile("stage\nchannel 3 of 8", RNG.random((7, 7)), 1.0)]]  # fmt: skip
    figure = picture_grid(rows, names=["first", "second"], warning="random weights")
    wide, tall = figure.get_size_inches()
    assert wide == 7.2
    boxes = [axes.get_position() for axes in figure.axes]
    shapes = [box.height * tall / (box.width * wide) for box in boxes[:3]]
    assert shapes == pytest.approx([90 / 160, 90 / 160, 1])
    one, four = (picture_grid(rows[1:], columns=columns).axes[0] for columns in (1, 4))
    assert one.get_position().width > 3 * four.get_position().width
    assert all(0 <= box.x0 < box.x1 <= 1 and 0 <= box.y0 < box.y1 <= 1 for box in boxes)
    svg = to_svg(figure)
    for word in ("frame", "map", "channel 3 of 8", "first", "second", "lowest", "random weights"):
        assert word in svg


def test_frames_are_reduced_in_proportion():
    frame = np.zeros((1080, 1920, 3), np.uint8)
    assert reduced(frame, 270).shape == (270, 480, 3)
    assert reduced(frame, 2000) is frame


def test_each_channel_of_a_mosaic_has_its_own_scale():
    maps = [np.stack([np.full((4, 4), t), np.full((4, 4), 100.0 + t)]) for t in (0.0, 1.0, 2.0)]
    ranges = ranges_over_time(maps)
    assert ranges.tolist() == [[0, 2], [100, 102]]
    frame = np.full((60, 60, 3), 9, np.uint8)
    pictures = [mosaic(one, ranges, frame, title="net, layer, channels 1 to 2") for one in maps]
    left = pictures[0].shape[1] - MARGIN - 8 * (TILE + GAP) + GAP
    tiles = [
        [picture[HEAD + 1, left + k * (TILE + GAP) + 1].tolist() for picture in pictures]
        for k in (0, 1)
    ]
    assert tiles[0] == tiles[1]
    assert sum(tiles[0][0]) < sum(tiles[0][1]) < sum(tiles[0][2])  # dark to light, also in grey
    assert pictures[0][HEAD + 5, MARGIN + 5].tolist() == [9, 9, 9]
    marked = mosaic(maps[0], ranges, frame, title="", warning="random weights")
    assert (marked[:HEAD, left:] != 255).any()


def test_shares_of_groups_add_up():
    groups = {"konvid": RNG.normal(0.46, 0.03, 300), "youtube_ugc": RNG.normal(0.47, 0.05, 500)}
    figure = shares(groups, "cosine", warning="random weights")
    (axes,) = figure.axes
    assert [patch.get_data().values.sum() for patch in axes.patches] == pytest.approx([100, 100])
    medians = [line.get_xdata()[0] for line in axes.lines]
    assert medians == [np.median(values) for values in groups.values()]
    svg = to_svg(figure)
    for word in ("konvid (n = 300)", "youtube_ugc (n = 500)", "cosine", "random weights"):
        assert word in svg
    edges = edges_of(groups)
    counts, _ = np.histogram(groups["konvid"], edges)
    assert counts[np.searchsorted(edges, mode_of(groups["konvid"], edges)) - 1] == counts.max()


def test_the_table_of_costs_writes_our_numbers_and_the_printed_ones():
    rows = [
        {"name": "NSS", "dim": 1836, "extraction_s": 12.34, "regression_s": 1.5,
         "printed_extraction_s": 103.31, "printed_regression_s": 15.68},
        {"name": "OURS", "dim": 7, "extraction_s": 2000.4, "regression_s": 2.25,
         "printed_extraction_s": None, "printed_regression_s": None},
    ]  # fmt: skip
    svg = to_svg(cost_table(rows))
    for word in ("NSS · 1836", "OURS · 7", "12.3", "103", "15.7", "2000", "2.25", "printed"):
        assert word in svg
