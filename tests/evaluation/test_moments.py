"""The worst moments of a timeline."""

import numpy as np

from vqa.evaluation.moments import worst_moments


def test_worst_moments_lie_apart_in_temporal_order():
    times_s = np.arange(100) / 10
    quality = np.full(100, 3.0)
    quality[[20, 21, 22]] = 1.0
    quality[70] = 1.5
    quality[50] = 2.0
    assert worst_moments(times_s, quality) == [20, 50, 70]
    assert worst_moments(times_s[:1], quality[:1]) == [0]
    assert worst_moments(times_s[:0], quality[:0]) == []
    assert len(worst_moments(times_s, np.full(100, 3.0))) == 3
