"""The distortions and their severities."""

from itertools import pairwise

import numpy as np
import pytest

from vqa.databases.synthesis import distortions


def still(frames=24, height=48, width=64):
    rng = np.random.default_rng(3)
    picture = rng.integers(60, 190, (1, height, width, 3))
    return np.repeat(picture, frames, axis=0).astype(np.uint8)


def moving(frames=24):
    return np.stack([np.roll(still(1)[0], index, axis=1) for index in range(frames)])


@pytest.mark.parametrize("name", distortions.DISTORTIONS)
def test_severity_grades_the_distortion(name):
    video = moving()
    harm = []
    for severity in (0.1, 0.5, 1.0):
        changed = distortions.distort(video, {name: severity}, np.random.default_rng(0))
        assert changed.shape == video.shape
        assert changed.dtype == np.uint8
        harm.append(np.abs(changed.astype(int) - video).mean())
    assert 0.0 < harm[0] < harm[1] < harm[2]


def test_no_severity_changes_nothing():
    video = still()
    nothing = {"noise": 0.0, "compression": 1.0}
    changed = distortions.distort(video, nothing, np.random.default_rng(0))
    assert np.array_equal(changed, video)


@pytest.mark.parametrize("name", ["defocus", "motion_blur"])
def test_blur_keeps_flat_regions_and_mean_brightness(name):
    flat = np.full((2, 40, 40, 3), 90, np.uint8)
    blurred = distortions.distort(flat, {name: 0.8}, np.random.default_rng(0))
    assert np.abs(blurred.astype(int) - 90).max() <= 1


def test_frozen_frames_stand_still_and_then_jump():
    video = moving()
    frozen = distortions.distort(video, {"freeze": 0.6}, np.random.default_rng(0))
    same = [np.array_equal(a, b) for a, b in pairwise(frozen)]
    assert 0.3 < np.mean(same) < 0.9
    assert any(
        not repeated and not np.array_equal(frozen[k + 1], np.roll(frozen[k], 1, axis=1))
        for k, repeated in enumerate(same)
    )


def test_crf_grows_with_severity_within_what_x264_takes():
    factors = [distortions.crf(severity) for severity in (0.0, 0.1, 0.5, 1.0)]
    assert factors == sorted(set(factors))
    assert 0 < factors[0] < factors[-1] <= 51
