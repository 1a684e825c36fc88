"""Sampling of frames, against literal loops."""

from fractions import Fraction

import numpy as np
import pytest

from vqa.video.sampling import (
    TICK_TOLERANCE_S,
    clip_indices,
    fixed_rate_indices,
    time_fragment_indices,
    uniform_indices,
)

RATES = [Fraction(r) for r in ("24000/1001", "24", "25", "30000/1001", "30", "50", "60")]


def literal_fixed_rate(frames, video_rate, rate):
    """Apply the definition in exact arithmetic, for a constant frame rate."""
    end, chosen, k = frames / video_rate, [], 0
    while k / rate < end:
        chosen.append(max(i for i in range(frames) if i / video_rate <= k / rate))
        k += 1
    return chosen


@pytest.mark.parametrize("video_rate", RATES)
@pytest.mark.parametrize("rate", [*map(Fraction, (5, 10, 20, 25, 30, 60)), Fraction("24000/1001")])
def test_constant_rate_against_the_literal_loop(video_rate, rate):
    times_s = np.array([float(i / video_rate) for i in range(97)])
    expected = literal_fixed_rate(97, video_rate, rate)
    assert fixed_rate_indices(times_s, float(rate)).tolist() == expected


@pytest.mark.parametrize("video_rate", RATES)
@pytest.mark.parametrize("frames", [2, 50, 97, 300])
def test_the_rate_of_the_video_takes_every_frame_once(video_rate, frames):
    times_s = np.arange(frames) / float(video_rate)
    for rounded in (times_s, times_s.round(3), (times_s * 90000).round() / 90000):
        if frames == 2 and rounded is not times_s:
            continue  # one rounded interval does not determine the rate
        assert fixed_rate_indices(rounded, float(video_rate)).tolist() == list(range(frames))


@pytest.mark.parametrize("seed", range(20))
def test_variable_rate_against_the_literal_loop(seed):
    random = np.random.default_rng(seed)
    intervals = random.choice([0.011, 0.0333, 0.04, 0.0707, 0.5], 60) + random.uniform(0, 1e-3, 60)
    times_s = np.concatenate([[0.0], np.cumsum(intervals)])
    end_s = times_s[-1] + np.median(intervals) - 2 * TICK_TOLERANCE_S
    for rate in (3.0, 7.0, 25.0, 90.0):
        expected, k = [], 0
        while k / rate < end_s:
            now_s = k / rate + TICK_TOLERANCE_S
            expected.append(max(i for i, time_s in enumerate(times_s) if time_s <= now_s))
            k += 1
        assert fixed_rate_indices(times_s, rate).tolist() == expected


def test_properties():
    times_s = np.arange(240) / 29.97
    for rate in (1, 2, 5, 10, 20, 25, 59.94, 240):
        indices = fixed_rate_indices(times_s, rate)
        assert indices.dtype == np.int64
        assert indices[0] == 0
        assert (np.diff(indices) >= 0).all()
        assert indices[-1] < 240
        assert len(indices) == np.ceil(240 / 29.97 * rate - 1e-6)
        age_s = np.arange(len(indices)) / rate - times_s[indices]
        assert (age_s > -1e-5).all()
        assert (age_s < 1 / 29.97 + 1e-5).all()
    half = fixed_rate_indices(np.arange(100) / 50, 25)
    assert half.tolist() == list(range(0, 100, 2))


def test_short_videos():
    assert fixed_rate_indices(np.array([0.0]), 25).tolist() == [0]
    assert fixed_rate_indices(np.array([0.0, 0.04]), 1).tolist() == [0]
    assert fixed_rate_indices(np.array([0.0, 0.04]), 50).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("times_s", "rate", "message"),
    [
        ([], 25, "at least one"),
        ([[0.0, 1.0]], 25, "one row"),
        ([0.0, 2.0, 1.0], 25, "ascending"),
        ([0.0, np.nan], 25, "finite"),
        ([0.0, 1.0], 0, "positive"),
        ([0.0, 1.0], np.inf, "positive"),
    ],
)
def test_invalid_times(times_s, rate, message):
    with pytest.raises(ValueError, match=message):
        fixed_rate_indices(np.array(times_s), rate)


@pytest.mark.parametrize("frames", [1, 2, 7, 32, 240, 241])
@pytest.mark.parametrize("count", [1, 2, 5, 32, 240, 500])
def test_uniform_against_the_literal_loop(frames, count):
    indices = uniform_indices(frames, count)
    expected = [int((Fraction(2 * k + 1, 2) * frames) // count) for k in range(count)]
    assert indices.tolist() == expected
    assert indices.dtype == np.int64
    assert 0 <= indices[0] <= indices[-1] < frames
    if count <= frames:
        assert len(set(expected)) == count


def test_invalid_counts():
    for frames, count in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="at least 1"):
            uniform_indices(frames, count)


def literal_clips(frames, num_clips, length, interval, offset):
    """Apply FAST-VQA's rule clip by clip; `offset` chooses from 0 to the given number minus 1."""
    clips, segment = [], frames // num_clips
    for k in range(num_clips):
        room = segment - length * interval
        start = k * segment + (offset(room) if room > 0 else 0)
        clips.append([(start + interval * n) % frames for n in range(length)])
    return clips


@pytest.mark.parametrize("frames", [1, 2, 3, 31, 32, 63, 64, 65, 66, 240, 255, 260, 300, 1000])
@pytest.mark.parametrize(("clips", "length", "interval"), [(1, 32, 2), (4, 32, 2), (8, 4, 2)])
def test_clips_against_the_literal_loop(frames, clips, length, interval):
    given = {"clip_length": length, "frame_interval": interval}
    middle = clip_indices(frames, clips, **given)
    assert middle.dtype == np.int64
    assert middle.tolist() == literal_clips(frames, clips, length, interval, lambda n: n // 2)
    for seed in range(20):
        drawn = clip_indices(frames, clips, rng=np.random.default_rng(seed), **given)
        starts = iter(drawn[:, 0] - np.arange(clips) * (frames // clips))
        offsets = []

        def chosen(room, starts=starts, offsets=offsets):
            offsets.append((next(starts), room))
            return offsets[-1][0]

        assert drawn.tolist() == literal_clips(frames, clips, length, interval, chosen)
        assert all(0 <= offset < room for offset, room in offsets)
        again = clip_indices(frames, clips, rng=np.random.default_rng(seed), **given)
        assert (drawn == again).all()


@pytest.mark.parametrize("seed", [None, *range(5)])
def test_clips_stay_inside_the_video(seed):
    rng = None if seed is None else np.random.default_rng(seed)
    for frames in [*range(1, 140), 1000, 100_000]:
        for clips in (1, 4):
            indices = clip_indices(frames, clips, rng=rng)
            assert indices.shape == (clips, 32)
            assert indices.min() >= 0
            assert indices.max() < frames
        pieces = time_fragment_indices(frames, rng=rng)
        assert pieces.shape == (1, 32)
        assert pieces.min() >= 0
        assert pieces.max() < frames


def test_clips_calculated_by_hand():
    indices = clip_indices(240, 4)
    assert indices[:, 0].tolist() == [0, 60, 120, 180]
    assert indices[3, -3:].tolist() == [238, 0, 2]  # past the end, continue at the beginning
    assert clip_indices(300, 4)[:, 0].tolist() == [5, 80, 155, 230]
    assert clip_indices(1, 1).tolist() == [[0] * 32]


def test_clips_start_at_every_allowed_frame():
    rng = np.random.default_rng(0)
    starts = np.array([clip_indices(300, 4, rng=rng)[:, 0] for _ in range(300)])
    for k in range(4):
        assert np.unique(starts[:, k]).tolist() == list(range(75 * k, 75 * k + 11))
    offsets = starts - np.arange(4) * 75
    assert (np.ptp(offsets, axis=1) > 0).mean() > 0.9  # each clip has its own


def test_time_fragments_cover_the_video():
    indices = time_fragment_indices(240)
    assert indices.reshape(8, 4)[:, 0].tolist() == [30 * k + 11 for k in range(8)]
    assert (np.diff(indices.reshape(8, 4), axis=1) == 2).all()
    rng, same = np.random.default_rng(2), np.random.default_rng(2)
    pieces = clip_indices(240, 8, clip_length=4, rng=same)
    assert (time_fragment_indices(240, rng=rng).reshape(8, 4) == pieces).all()


def test_invalid_clips():
    for name in ("frames", "num_clips", "clip_length", "frame_interval"):
        with pytest.raises(ValueError, match=f"{name}=0.*at least 1"):
            clip_indices(**{"frames": 100, name: 0})
    for number in (0, -4, 5):
        with pytest.raises(ValueError, match=f"time_fragments={number}: expected a divisor"):
            time_fragment_indices(100, time_fragments=number)
    with pytest.raises(ValueError, match="at least 1"):
        time_fragment_indices(0)
