"""The change between two scores of the same videos."""

import numpy as np
import pytest
from scipy import stats

from vqa.evaluation.uncertainty import change


def test_it_agrees_with_scipy():
    rng = np.random.default_rng(0)
    before = rng.normal(3, 0.6, 40)
    after = before + rng.normal(-0.1, 0.3, 40)
    found = change(before, after, level=0.9)
    paired = stats.ttest_rel(after, before)
    assert found.interval == pytest.approx(tuple(paired.confidence_interval(0.9)))
    assert found.mean == pytest.approx(np.mean(after - before))
    assert found.median == pytest.approx(np.median(after - before))
    assert found.p == pytest.approx(stats.wilcoxon(after, before).pvalue)
    assert found.better == np.mean(after > before)
    assert found.better + found.worse == pytest.approx(1)
    assert found.differences == pytest.approx(after - before)


def test_swapped_jobs_change_the_signs():
    one, other = change([1, 2, 4], [2, 2, 3.5]), change([2, 2, 3.5], [1, 2, 4])
    assert one.mean == -other.mean
    assert one.interval == pytest.approx((-other.interval[1], -other.interval[0]))
    assert one.p == other.p
    assert (one.better, one.worse) == (other.worse, other.better)


def test_the_interval_covers_the_mean_change():
    rng = np.random.default_rng(1)
    drawn = rng.normal(-0.2, 0.5, (400, 12))
    ends = np.array([change(np.zeros(12), differences).interval for differences in drawn])
    covered = np.mean((ends[:, 0] <= -0.2) & (ends[:, 1] >= -0.2))
    assert 0.92 < covered < 0.98


def test_equal_jobs_and_single_pairs():
    same = change([3, 4, 5], [3, 4, 5])
    assert (same.mean, same.interval, same.p) == (0, (0, 0), 1)
    assert (same.better, same.worse) == (0, 0)
    single = change([3], [2.5])
    assert (single.mean, single.interval, single.median, single.worse) == (-0.5, None, -0.5, 1)


@pytest.mark.parametrize(
    ("before", "after"), [([], []), ([1, 2], [1]), ([1, np.nan], [1, 2]), ([[1, 2]], [[1, 2]])]
)
def test_anything_else_is_refused(before, after):
    with pytest.raises(ValueError, match="expected the same number of finite scores"):
        change(before, after)
