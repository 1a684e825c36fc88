import numpy as np
import pytest
from scipy.optimize import curve_fit
from sklearn.metrics import r2_score

from vqa.evaluation.metrics import logistic4
from vqa.models.svr.criteria import CRITERIA, logistic_rmse, r2


def scored(seed, rows=80, noise=0.3, spread=0.6):
    rng = np.random.default_rng(seed)
    mos = rng.normal(3, spread, rows)
    return np.tanh(mos - 3) + rng.normal(0, noise, rows) + 3, mos


@pytest.mark.parametrize("seed", range(6))
def test_logistic_rmse_matches_the_fit_of_the_published_scripts(seed):
    score, mos = scored(seed)
    start = [mos.max(), mos.min(), score.mean(), 0.5]
    betas, _ = curve_fit(logistic4, score, mos, p0=start, maxfev=10**6)
    expected = np.sqrt(np.mean((mos - logistic4(score, *betas)) ** 2))
    assert logistic_rmse(score, mos) == pytest.approx(expected, rel=1e-7)


def test_scores_of_too_few_videos_stay_unmapped():
    score, mos = np.array([1.0, 2.0, 4.0, 4.5]), np.array([1.5, 2.5, 3.0, 5.0])
    assert logistic_rmse(score, mos) == pytest.approx(np.sqrt((0.25 + 0.25 + 1 + 0.25) / 4))


@pytest.mark.parametrize("seed", range(20))
def test_unrelated_scores_have_a_finite_error(seed):
    rng = np.random.default_rng(seed)
    score, mos = rng.normal(3, 1e-3, 12), rng.normal(50, 15, 12)
    raw = np.sqrt(np.mean((mos - score) ** 2))
    assert 0 <= logistic_rmse(score, mos) <= raw


def test_constant_scores_leave_the_deviation_of_the_mos():
    mos = scored(0)[1]
    assert logistic_rmse(np.full(len(mos), 3.0), mos) == pytest.approx(mos.std(), rel=1e-6)


def test_r2_matches_scikit_learn():
    score, mos = scored(2)
    assert r2(score, mos) == pytest.approx(r2_score(mos, score))
    assert r2(score, np.full(len(mos), 2.0)) == 0


def test_each_criterion_prefers_the_better_scores():
    score, mos = scored(0, noise=0.1)
    worse = score[::-1]
    for judge, pick in CRITERIA.values():
        assert pick([worse, score], key=lambda one, f=judge: f(one, mos)) is score
