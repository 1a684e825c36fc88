"""Selection of one frame per second against the loops of the releases."""

import pytest

from vqa.features.seconds import frame_of_each_second


def literal(frames, rate, which):
    if which == "last":
        return [k - 1 for k in range(1, frames + 1) if k % rate == 0]
    if which == "first":
        return list(range(0, rate * int(frames / rate), rate))
    indices, centre = [], rate // 2
    while centre <= frames - 2:
        indices.append(centre)
        centre += rate
    return indices


@pytest.mark.parametrize("which", ["first", "middle", "last"])
@pytest.mark.parametrize("frames", [30, 31, 44, 45, 46, 59, 60, 61, 240])
@pytest.mark.parametrize("rate", [24, 25, 30])
def test_frames_agree_with_the_release(frames, rate, which):
    assert frame_of_each_second(frames, rate, which).tolist() == literal(frames, rate, which)


@pytest.mark.parametrize(
    ("which", "frames", "index"),
    [("first", 12, 0), ("middle", 12, 5), ("last", 12, 11)]
    + [(which, 1, 0) for which in ("first", "middle", "last")],
)
def test_a_very_short_video_gives_one_frame(which, frames, index):
    assert frame_of_each_second(frames, 30, which).tolist() == [index]


def test_rates_are_rounded_to_whole_frames():
    assert frame_of_each_second(90, 29.97, "last").tolist() == [29, 59, 89]
    assert frame_of_each_second(3, 0.2, "last").tolist() == [0, 1, 2]


@pytest.mark.parametrize(("frames", "rate"), [(0, 30), (5, 0), (5, float("nan"))])
def test_a_video_without_frames_or_rate_is_refused(frames, rate):
    with pytest.raises(ValueError, match="expected a video of at least one frame"):
        frame_of_each_second(frames, rate, "first")
