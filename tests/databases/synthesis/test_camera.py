"""The simulated camera."""

import random

import numpy as np
import pytest

from vqa.databases.synthesis import camera
from vqa.databases.synthesis.photographs import PHOTOGRAPHS


@pytest.mark.parametrize("photograph", PHOTOGRAPHS[::4], ids=lambda p: p.name)
def test_the_camera_moves_smoothly_and_stays_inside(photograph):
    path = camera.draw_path(random.Random(f"0/{photograph.name}/camera"))
    picture = photograph.open()
    # A border in a colour that no photograph has.
    picture.paste((255, 0, 255), (0, 0, picture.width, 1))
    picture.paste((255, 0, 255), (0, 0, 1, picture.height))
    picture.paste((255, 0, 255), (0, picture.height - 1, picture.width, picture.height))
    picture.paste((255, 0, 255), (picture.width - 1, 0, picture.width, picture.height))
    shot = camera.film(picture, path, frames=10, size=(64, 48)).astype(int)
    magenta = (shot[..., 0] > 200) & (shot[..., 1] < 60) & (shot[..., 2] > 200)
    assert not magenta.any()
    steps = np.abs(np.diff(shot, axis=0)).mean(axis=(1, 2, 3))
    assert steps.min() > 0.0
    assert steps.max() < 6.0 * np.median(steps)
