"""The colour that coded frames carry, and frames that have none."""

import numpy as np
import pytest

from tests import clips
from tests.clips import VP9
from tests.video.test_pixels import stored
from vqa.video import RawFormat, VideoError, planes, probe, stream_frames
from vqa.video.colours import COLOURS, colour_of, specimen
from vqa.video.decoder import FrameDecoder
from vqa.video.pixels import ColourError, can_be_coded, coded_specimen

UNSPECIFIED, BT709 = 2, 1
FILES = {
    "h264.mp4": ({}, (UNSPECIFIED, False)),
    "bt709.mp4": ({"bt709": True}, (BT709, False)),
    "full.mp4": ({"pixel_format": "yuvj420p", "full_range": True}, (UNSPECIFIED, True)),
    "full_bt709.mp4": (
        {"pixel_format": "yuvj420p", "full_range": True, "bt709": True},
        (BT709, True),
    ),
    "full.webm": ({**VP9, "full_range": True}, (UNSPECIFIED, True)),
}


@pytest.mark.parametrize("name", FILES)
def test_coded_frames_are_the_stored_samples_and_their_colour(tmp_path, name):
    settings, colour = FILES[name]
    path = clips.write_clip(tmp_path / name, 4, **settings)
    info = probe(path)
    coded = np.concatenate(list(stream_frames(path, pixels="coded")))
    assert {COLOURS[number] for number in coded[:, -1]} == {colour}
    ours = planes(coded[:, :-1], info.height, info.width)
    assert all(np.array_equal(a, b) for a, b in zip(ours, stored(path), strict=True))


@pytest.mark.parametrize(
    "settings",
    [
        {"pixel_format": "yuv422p"},
        {"pixel_format": "yuv420p10le", "codec": "libx264"},
        {"size": (128, 97), "codec": "mpeg4"},
    ],
)
def test_frames_without_a_known_colour_are_refused(tmp_path, settings):
    path = clips.write_clip(tmp_path / "clip.mp4", 3, **settings)
    assert not can_be_coded(probe(path))
    with FrameDecoder() as decoder, pytest.raises(ColourError, match="no known colour"):
        list(decoder.stream(path, pixels="coded"))


def test_the_colour_of_raw_video_is_the_given_range(tmp_path):
    for pixel_format, limits, full in (
        ("yuv420p", None, False),
        ("yuv420p", "full", True),
        ("yuvj420p", None, True),
    ):
        clips.write_raw(tmp_path / "clip.yuv", 2, (64, 48), pixel_format)
        raw = RawFormat(64, 48, pixel_format=pixel_format, color_range=limits)
        coded = np.concatenate(list(stream_frames(tmp_path / "clip.yuv", raw=raw, pixels="coded")))
        assert {COLOURS[number] for number in coded[:, -1]} == {(UNSPECIFIED, full)}


@pytest.mark.parametrize("width", [16, 97, 960])
def test_a_specimen_has_every_pair_of_values(width):
    for colour in (0, len(COLOURS) - 1):
        assert colour_of(specimen(colour, width)) == colour
    coded, rgb = coded_specimen(0, width)
    y, u, v = (plane[0].astype(int) for plane in planes(coded[None, :-1], len(rgb), width))
    u, v = (np.kron(part, np.ones((2, 2), int))[:, :width] for part in (u, v))
    for first, second in ((y, u), (y, v), (u, v)):
        assert len(np.unique(256 * first + second)) == 2**16


def test_a_colour_that_ffmpeg_does_not_convert(monkeypatch):
    unknown = ((15, False),)  # ITU-R BT.2100 ICtCp
    monkeypatch.setattr("vqa.video.colours.COLOURS", unknown)
    with pytest.raises(VideoError, match="cannot be converted"):
        coded_specimen(0, 16)
