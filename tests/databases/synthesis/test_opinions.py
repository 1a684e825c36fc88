"""The simulated opinions."""

import random

import numpy as np

from vqa.databases.synthesis import opinions


def test_quality_falls_with_severity_and_texture_masks_noise():
    grades = [opinions.quality({"noise": s}, 0.5) for s in (0.0, 0.3, 0.6, 1.0)]
    assert grades == sorted(grades, reverse=True)
    assert 4.5 < grades[0] <= 5.0
    assert 1.0 <= grades[-1] < 1.7
    busy, smooth = 0.9, 0.1
    assert opinions.quality({"noise": 0.5}, busy) > opinions.quality({"noise": 0.5}, smooth)
    assert opinions.quality({"defocus": 0.5}, busy) < opinions.quality({"defocus": 0.5}, smooth)
    both = opinions.quality({"noise": 0.4, "freeze": 0.4}, 0.5)
    assert both < opinions.quality({"noise": 0.4}, 0.5)


def test_ratings_are_categories_around_the_quality():
    panel = opinions.viewers(random.Random("panel"))
    assert len(panel) == opinions.RATERS
    means = []
    for index in range(200):
        mos, mos_std = opinions.rate(3.0, panel, random.Random(f"video {index}"))
        assert abs(mos * opinions.RATERS - round(mos * opinions.RATERS)) < 0.01
        assert 0.2 < mos_std < 1.4
        means.append(mos)
    assert abs(np.mean(means) - 3.0) < 0.25
    assert 0.05 < np.std(means) < 0.3  # some noise, but not too much
