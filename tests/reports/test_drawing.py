"""Drawings of a frame: which frame, which maps, the file, and errors for mistakes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.clips import numbers, read_number, write_clip, write_raw
from tests.fakes import MeanColour
from vqa.databases.records import VideoRecord
from vqa.reports import drawing
from vqa.reports.drawing import FEW, MOST, choose, draw_video, frame_index
from vqa.video import probe

FRAMES = 50


class Halves:
    """Draws the left half of each frame, as its brightness and the complement."""

    name, weights, untrained, draws = "halves", "none at all", False, True

    def __init__(self):
        self.seen = []

    def draw(self, frame):
        self.seen.append(read_number(frame))
        bright = frame.mean(2) / 255
        bright[:, frame.shape[1] // 2 :] = np.nan
        return [("bright half", bright), ("dark half", 1 - bright)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip") / "a clip.mp4", FRAMES)


@pytest.fixture(scope="module")
def info(clip):
    return probe(clip)


def record(path, **facts):
    return VideoRecord("clip", Path(path), float("nan"), **facts)


@pytest.mark.parametrize(
    ("frame", "index"),
    [
        (None, 25), (0, 0), (49, 49), ("7", 7), ("0s", 0), ("1s", 30), ("1.s", 30), (".5s", 15),
        ("0.0333s", 1), ("0.034s", 1), ("0.06s", 1), ("1.65s", 49),
    ],
)  # fmt: skip
def test_a_frame_is_given_by_index_or_time(info, frame, index):
    assert frame_index(frame, info) == index


@pytest.mark.parametrize("frame", [50, 1000, "1.667s", "3s"])
def test_a_frame_beyond_the_end_is_refused(info, frame):
    beyond = (
        rf"^frame={frame} is beyond the end of a clip.mp4; it has frames 0 to 49, and .* 1.67 s"
    )
    with pytest.raises(ValueError, match=beyond):
        frame_index(frame, info)


@pytest.mark.parametrize("frame", [-1, 2.5, True, "middle", "2,5s", "1e3", "", "-1s", "2.5 min"])
def test_other_forms_of_a_frame_are_refused(info, frame):
    with pytest.raises(
        ValueError, match=r"expected an index such as 120, or seconds such as 2\.5s"
    ):
        frame_index(frame, info)


def width_of(path):
    """Return the width of a picture in pixels."""
    with Image.open(path) as picture:
        return picture.width


def maps_of(**means):
    """Return maps of 2 x 2 with these means over the known pixels."""
    return [
        (title.replace("_", " "), np.array([[mean, np.nan], [0.5 * mean, 1.5 * mean]]))
        for title, mean in means.items()
    ]


def test_the_highest_are_shown_by_default():
    means = {f"map_{k}": (7 * k) % 20 / 20 for k in range(FEW + 1)}
    wanted = sorted(means, key=means.get, reverse=True)[:MOST]
    assert [title for title, _ in choose(maps_of(**means))] == [
        name.replace("_", " ") for name in wanted
    ]
    assert len(choose(maps_of(one=1, two=2), [])) == 2


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("sharp", ["sharp block"]),
        (["SHARPNESS"], ["block with sharpness loss", "block without sharpness loss"]),
        (["noise", "noisy"], ["block without noise", "noisy block"]),
        (["noisy", "noisy block", "noise"], ["noisy block", "block without noise"]),
        (["comfortable"], ["comfortable block"]),
        (["comfort"], ["comfortable block", "uncomfortable block"]),
        (["with"], ["block with sharpness loss"]),
    ],
)
def test_words_select_whole_words_first_and_otherwise_parts(wanted, found):
    maps = maps_of(
        sharp_block=1, block_with_sharpness_loss=2, block_without_sharpness_loss=3, noisy_block=4,
        block_without_noise=5, comfortable_block=6, uncomfortable_block=7,
    )  # fmt: skip
    assert [title for title, _ in choose(maps, wanted)] == found
    by_title = dict(maps)
    assert all(values is by_title[title] for title, values in choose(maps, wanted))


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("colourful", "^no map is called 'colourful'; similar ones are: colorful block$"),
        ("xyz", "^no map is called 'xyz'; some of the 2 are: colorful block, dull block$"),
    ],
)
def test_the_error_for_an_unknown_map_suggests_similar_ones(part, message):
    with pytest.raises(ValueError, match=message):
        choose(maps_of(colorful_block=1, dull_block=2), ["dull", part])


def test_the_frame_and_its_maps_reach_the_picture(clip, tmp_path, monkeypatch):
    extractor, given = Halves(), {}

    def figure(frame, maps, **texts):
        given.update(frame=frame, maps=maps, **texts)
        return overlay_figure(frame, maps, **texts)

    overlay_figure = drawing.overlay_figure
    monkeypatch.setattr(drawing, "overlay_figure", figure)
    output = tmp_path / "new" / "seen.png"
    drawn = draw_video(extractor, record(clip), output, frame="0.5s", wanted="dark")
    assert extractor.seen == [15] == numbers([given["frame"]])
    ((title, values),) = given["maps"]
    assert title == "dark half"
    np.testing.assert_array_equal(values, dict(Halves().draw(given["frame"]))["dark half"])
    assert drawn.path == output
    assert drawn.title == given["title"] == "a clip.mp4, frame 15 at 0.50 s"
    assert drawn.caption == "1 of 2 maps, as selected"
    assert given["caption"] == "1 of 2 maps, as selected. halves, none at all"
    assert drawn.note == given["warning"] == ""
    assert width_of(output) > 1000
    assert [path.name for path in output.parent.iterdir()] == ["seen.png"]


def test_an_svg_contains_the_texts(clip, tmp_path):
    untrained = Halves()
    untrained.untrained = True
    drawn = draw_video(untrained, record(clip), tmp_path / "seen.SVG")
    text = drawn.path.read_text()
    assert drawn.note.startswith("halves has RANDOM weights (features.halves.weights=random)")
    for words in (drawn.title, "all maps", drawn.note, "bright half"):
        assert words in text


def test_raw_video_is_drawn_with_its_size(tmp_path):
    path = tmp_path / "raw.yuv"
    write_raw(path, 4, (128, 96), "yuvj420p")
    extractor = Halves()
    draw_video(extractor, record(path, width=128, height=96), tmp_path / "seen.png", frame=3)
    assert extractor.seen == [3]


def test_what_cannot_be_drawn_is_refused_and_nothing_written(clip, tmp_path):
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    for extractor, path, output, message in (
        (MeanColour(), clip, "a.png", "the features mean-colour have no maps to draw$"),
        (Halves(), clip, "a.jpg", r"output=.*a\.jpg: expected a file that ends in \.png or \.svg"),
        (Halves(), tmp_path / "none.mp4", "a.png", r"none\.mp4: no such file"),
        (Halves(), text, "a.png", r"text\.mp4: .*; draw= takes a video that can be decoded"),
    ):
        with pytest.raises(ValueError, match=message) as refusal:
            draw_video(extractor, record(path), tmp_path / "out" / output)
        assert "\n" not in str(refusal.value)
    assert not (tmp_path / "out").exists()
