"""Changes of frames: nothing at step 0, and the right direction on both sides of it."""

import numpy as np
import pytest

from vqa.commands.study.figures import image_changes
from vqa.commands.study.figures.answers import CHANGES

STEPS = np.linspace(-1, 1, 7)


@pytest.fixture(scope="module")
def frames():
    """Smooth colours of a middle brightness with a little noise."""
    y, x = np.mgrid[0:48, 0:64] / 10
    colours = [110 + 30 * np.sin(x + phase) * np.cos(y) for phase in (0, 1, 2)]
    noise = np.random.default_rng(1).normal(0, 3, (2, 48, 64, 3))
    return np.clip(np.stack(colours, -1) + noise, 0, 255).astype(np.uint8)


MEASURES = {
    "brightness": lambda frames: frames.mean(),
    "contrast": lambda frames: (frames @ image_changes.LUMA).std(),
    "noise": lambda frames: np.abs(np.diff(frames.astype(float), axis=2)).mean(),
    "colourfulness": lambda frames: frames.astype(float).std(-1).mean(),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_nothing_at_0_and_grows_with_the_step(name, frames):
    change = CHANGES[name]
    assert np.array_equal(change(frames, 0.0), frames)
    changed = [change(frames, step) for step in STEPS]
    assert all(one.dtype == np.uint8 and one.shape == frames.shape for one in changed)
    assert np.all(np.diff([MEASURES[name](one) for one in changed]) > 0)
    assert np.array_equal(change(frames, 0.5), change(frames, 0.5))


def test_contrast_and_colour_keep_brightness(frames):
    for name in ("contrast", "colourfulness"):
        for step in (-1.0, 0.5):
            changed = CHANGES[name](frames, step)
            assert changed.mean() == pytest.approx(frames.mean(), abs=3)
    grey = np.repeat(frames[..., :1], 3, -1)
    assert np.abs(CHANGES["colourfulness"](grey, 1.0).astype(int) - grey).max() <= 1


def test_values_stay_in_range():
    white = np.full((1, 8, 8, 3), 250, np.uint8)
    assert image_changes.brightness(white, 1.0).min() == 255
    assert image_changes.noise(white, 1.0).max() == 255
