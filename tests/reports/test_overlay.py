"""Maps over a frame: their colours by a literal formula, their places read from the figure."""

import io

import numpy as np
import pytest
from PIL import Image

from vqa.reports.figures.overlay import (
    COLOURS,
    DIM,
    DPI,
    OPACITY,
    dimmed,
    overlay_figure,
    painted,
    to_png,
)
from vqa.reports.svg import to_svg


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def some_maps(count, height, width, seed=1):
    rng = np.random.default_rng(seed)
    return [(f"map {k}", rng.uniform(k, k + 1, (height, width))) for k in range(count)]


def box(axes):
    """Left, top, right, bottom in inches from the upper left corner."""
    wide, tall = axes.figure.get_size_inches()
    place = axes.get_position()
    return np.array(
        [place.x0 * wide, (1 - place.y1) * tall, place.x1 * wide, (1 - place.y0) * tall]
    )


def panels(figure):
    """The frame's axes, those of the maps, those of their bars, in the maps' order."""
    frame, *rest = figure.axes
    return frame, rest[::2], rest[1::2]


def texts(figure):
    return [text.get_text() for text in figure.texts]


def test_dimming_is_the_luma_of_each_pixel():
    frame = picture(4, 5)
    grey = dimmed(frame)
    for row in range(4):
        for column in range(5):
            red, green, blue = (int(value) for value in frame[row, column])
            luma = (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255
            assert grey[row, column] == pytest.approx(DIM * luma)
    assert dimmed(np.full((1, 1, 3), 255, np.uint8)) == pytest.approx(DIM)


def test_painting_mixes_grey_and_colour_pixel_by_pixel():
    values = np.array([[2.0, 3.0, np.nan], [7.0, 4.5, 2.0]])
    grey = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    found = painted(grey, values)
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):
            wanted = [grey[row, column]] * 3
        else:
            colour = COLOURS((value - 2) / 5)[:3]
            wanted = [(1 - OPACITY) * grey[row, column] + OPACITY * part for part in colour]
        assert found[row, column] == pytest.approx(wanted)


def test_a_map_of_one_value_has_the_middle_colour():
    grey = np.zeros((2, 2))
    wanted = OPACITY * np.array(COLOURS(0.5)[:3])
    rounded = np.array([[0.3, 0.300001], [0.299999, 0.3]])
    for values in (np.full((2, 2), 0.3, np.float32), np.zeros((2, 2)), rounded, -rounded):
        found = painted(grey, values)
        np.testing.assert_allclose(found, np.broadcast_to(wanted, (2, 2, 3)))
    assert not np.allclose(painted(grey, rounded - 0.3), wanted)


def test_the_picture_shows_frame_and_maps_with_their_titles_and_values():
    frame, maps = picture(18, 32), some_maps(6, 18, 32)
    figure = overlay_figure(frame, maps, title="clip", caption="six maps", warning="RANDOM")
    shown, drawn, bars = panels(figure)
    np.testing.assert_array_equal(shown.images[0].get_array(), frame)
    for axes, bar, (name, values) in zip(drawn, bars, maps, strict=True):
        assert axes.get_title(loc="left") == name
        np.testing.assert_allclose(axes.images[0].get_array(), painted(dimmed(frame), values))
        assert [text.get_text() for text in bar.texts] == [
            f"{values.min():#.3g}", f"mean {values.mean():#.3g}", f"{values.max():#.3g}",
        ]  # fmt: skip
        ends = bar.images[0].get_array()[0, [0, -1]]
        middling = np.full((1, 2), dimmed(frame).mean())
        np.testing.assert_allclose(ends, painted(middling, np.array([[0.0, 1.0]]))[0])
    assert texts(figure)[:3] == ["clip", "six maps", "RANDOM"]
    assert figure.texts[2].get_color() != figure.texts[1].get_color()


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7, 12])
@pytest.mark.parametrize(("height", "width"), [(18, 32), (32, 18), (24, 24), (10, 60)])
def test_panels_keep_the_frames_shape_and_do_not_overlap(count, height, width):
    figure = overlay_figure(picture(height, width), some_maps(count, height, width), title="clip")
    frame, drawn, bars = panels(figure)
    assert len(drawn) == len(bars) == count
    wide, tall = figure.get_size_inches()
    pictures = [box(axes) for axes in (frame, *drawn)]
    for left, top, right, bottom in pictures:
        assert (right - left) / (bottom - top) == pytest.approx(width / height)
    places = [*pictures, *(box(axes) for axes in bars)]
    for index, one in enumerate(places):
        assert one.min() > 0
        assert one[2] < wide
        assert one[3] < tall
        for other in places[:index]:
            apart = one[:2] >= other[2:] - 1e-9, other[:2] >= one[2:] - 1e-9
            assert np.any(apart)
    for axes, bar in zip(drawn, bars, strict=True):
        assert box(bar)[[0, 2]] == pytest.approx(box(axes)[[0, 2]])
        assert box(bar)[1] > box(axes)[3]


def test_the_frame_is_as_high_as_two_rows_of_maps():
    figure = overlay_figure(picture(18, 32), some_maps(6, 18, 32))
    frame, drawn, _ = panels(figure)
    assert box(frame)[1] == pytest.approx(box(drawn[0])[1])
    assert box(frame)[3] == pytest.approx(box(drawn[-1])[3])
    assert rows_of(drawn) == [3, 3]
    _, drawn, _ = panels(overlay_figure(picture(9, 9), some_maps(5, 9, 9), columns=2))
    assert rows_of(drawn) == [2, 2, 1]
    _, drawn, _ = panels(overlay_figure(picture(9, 9), some_maps(16, 9, 9)))
    assert rows_of(drawn) == [4, 4, 4, 4]


def rows_of(drawn):
    """Number of maps in each row."""
    tops = [round(box(axes)[1], 6) for axes in drawn]
    return [tops.count(top) for top in sorted(set(tops))]


def test_all_letters_lie_inside_the_picture_and_apart():
    """Long titles are broken, and numbers below narrow maps do not touch."""
    maps = [
        ("image block with spatially correlated noise of a long name", values)
        for _, values in some_maps(3, 32, 18)
    ]
    figure = overlay_figure(
        picture(32, 18), maps, title="a clip of a very long name " * 4, caption="words " * 40,
        warning="RANDOM weights " * 12,
    )  # fmt: skip
    to_png(figure)
    wide, tall = figure.canvas.get_width_height()
    _, drawn, bars = panels(figure)
    titles = [axes._left_title for axes in drawn]
    every = [*figure.texts, *titles, *(text for bar in bars for text in bar.texts)]
    extents = [text.get_window_extent() for text in every]
    for index, extent in enumerate(extents):
        assert extent.x0 >= 0
        assert extent.x1 <= wide
        assert extent.y0 >= 0
        assert extent.y1 <= tall
        for other in extents[:index]:
            assert not extent.overlaps(other)


@pytest.mark.parametrize("unknown", [False, True])
def test_grey_is_explained_if_there_is_any(unknown):
    maps = some_maps(2, 9, 16)
    if unknown:
        maps[1][1][0, 0] = np.nan
    words = " ".join(texts(overlay_figure(picture(9, 16), maps)))
    assert ("no value" in words.replace("\n", " ")) is unknown


def test_the_file_is_a_picture_on_white_and_the_same_each_time():
    def draw():
        return overlay_figure(picture(18, 32), some_maps(1, 18, 32), title="clip")

    data = to_png(draw())
    with Image.open(io.BytesIO(data)) as image:
        pixels = np.asarray(image)
    wide, tall = draw().get_size_inches()
    assert pixels.shape[:2] == pytest.approx((tall * DPI, wide * DPI), abs=1)
    assert pixels[0, 0].tolist() == [255] * 4
    assert to_png(draw()) == data
    assert to_svg(draw()) == to_svg(draw())
    assert "clip" in to_svg(draw())


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        ([], "no map to draw"),
        ([("sad", np.zeros((4, 4)))], r"map 'sad': expected \(4, 5\) values.*found \(4, 4\)"),
        ([("sad", np.full((4, 5), np.nan))], "map 'sad': .*not all NaN"),
    ],
)
def test_maps_that_cannot_be_drawn_are_refused(maps, message):
    with pytest.raises(ValueError, match=message):
        overlay_figure(picture(4, 5), maps)
