"""The beginning of a video: which frames, what it says, and that they can be read."""

from dataclasses import replace

import numpy as np
import pytest

from tests.clips import numbers, write_clip
from vqa.video import probe, read_frames
from vqa.video.beginning import beginning


@pytest.fixture(scope="module")
def info(tmp_path_factory):
    return probe(write_clip(tmp_path_factory.mktemp("clips") / "a.mp4", 45))


@pytest.mark.parametrize(
    ("seconds", "frames"), [(0.001, 1), (1 / 30, 1), (0.1, 3), (0.11, 4), (1, 30), (1.4999, 45)]
)
def test_frames_that_are_shown_before_the_limit(info, seconds, frames):
    part = beginning(info, seconds)
    assert (part.frames, len(part.times_s)) == (frames, frames)
    assert np.array_equal(part.times_s, info.times_s[:frames])
    assert all(index < frames for index in part.keyframes)
    assert part.duration_s <= seconds + 1 / 30


@pytest.mark.parametrize("seconds", [None, 1.5, 9])
def test_a_video_that_is_no_longer_is_left_as_it_is(info, seconds):
    assert beginning(info, seconds) is info


def test_a_note_says_what_is_left_out_and_frames_keep_their_numbers(info):
    noted = replace(info, notes=("first of two streams",), good=np.arange(45))
    part = beginning(noted, 0.2)
    assert part.notes == ("first of two streams", "only the first 0.2 of 1.5 s")
    assert part.good.tolist() == list(range(6))
    frames = read_frames(info.path, range(part.frames), info=info)
    assert numbers(frames) == list(range(6))
