from fractions import Fraction

import numpy as np
import pytest

from vqa.sampling import TICK_TOLERANCE_S, fixed_rate_indices, uniform_indices

RATES = [Fraction(r) for r in ("24000/1001", "24", "25", "30000/1001", "30", "50", "60")]


def literal_fixed_rate(frames, video_rate, rate):
    """The definition, in exact arithmetic, for a constant frame rate."""
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
def test_its_own_rate_takes_every_frame_once(video_rate, frames):
    times_s = np.arange(frames) / float(video_rate)
    for rounded in (times_s, times_s.round(3), (times_s * 90000).round() / 90000):
        if frames == 2 and rounded is not times_s:
            continue  # one rounded interval says too little about the rate
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
def test_bad_input(times_s, rate, message):
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


def test_uniform_bad_input():
    for frames, count in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="at least 1"):
            uniform_indices(frames, count)
