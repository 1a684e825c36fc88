"""How long a picture stands still, and how bright it is."""

import numpy as np
import pytest

from vqa.video import RawFormat, probe
from vqa.video.plain_facts import plain_facts, standing_share

SIZE = (48, 64)
RAW = RawFormat(width=64, height=48, frame_rate_hz=30)


def moving(frames=30, level=128):
    """Luma planes of a picture that changes in each frame."""
    rng = np.random.default_rng(0)
    return rng.integers(level - 10, level + 10, (frames, *SIZE)).astype(np.uint8)


def facts_of(tmp_path, luma):
    path = tmp_path / "clip.yuv"
    chroma = np.full((len(luma), SIZE[0] * SIZE[1] // 2), 128, np.uint8)
    path.write_bytes(np.concatenate([luma.reshape(len(luma), -1), chroma], 1).tobytes())
    return plain_facts(probe(path, raw=RAW), RAW)


def test_a_moving_picture(tmp_path):
    facts = facts_of(tmp_path, moving(level=126))
    assert facts.standing == 0
    assert facts.brightness == pytest.approx((125.5 - 16) / 219, abs=0.01)


def test_a_picture_that_stops(tmp_path):
    luma = moving()
    luma[10:20] = luma[9]
    assert facts_of(tmp_path, luma).standing == pytest.approx(10 / 29)
    first = plain_facts(probe(tmp_path / "clip.yuv", raw=RAW), RAW, max_seconds=0.5)
    assert first.standing == pytest.approx(5 / 14)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.15])
def test_slow_changes_are_no_standstill_in_a_darker_picture_either(tmp_path, share):
    """What a darkening by any factor makes of a picture that changes a little, and then stops."""
    rng = np.random.default_rng(1)
    light = np.repeat(rng.integers(40, 200, (1, *SIZE)), 30, 0).astype(float)
    for frame in range(1, 20):  # from there on it stands still
        changed = rng.random(SIZE) < 0.025
        light[frame:, changed] += rng.choice([-10, 10], changed.sum())
    luma = np.rint(16 + share * (light - 16)).astype(np.uint8)
    differences = np.abs(np.diff(luma.astype(int), axis=0)).mean((1, 2))
    assert share > 0.2 or differences.max() < 0.06  # close to what is none in a lighter picture
    assert facts_of(tmp_path, luma).standing == pytest.approx(10 / 29)


def test_black_and_a_single_frame(tmp_path):
    facts = facts_of(tmp_path, np.zeros((1, *SIZE), np.uint8))
    assert (facts.standing, facts.brightness) == (0, 0)
    assert facts_of(tmp_path, np.zeros((9, *SIZE), np.uint8)).standing == 1


@pytest.mark.parametrize(
    ("same", "rate_hz", "share"),
    [
        ([], 30, 0),
        ([True] * 3 + [False], 30, 0),  # a tenth of a second may be a conversion of the rate
        ([True] * 4 + [False], 30, 0.8),
        ([False] + [True] * 4, 30, 0.8),
        ([True] * 4 + [False], 60, 0),
    ],
)
def test_only_long_runs_are_standing(same, rate_hz, share):
    assert standing_share(same, rate_hz) == share
