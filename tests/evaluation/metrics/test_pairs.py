"""The agreement of many pairs against the sum of all, with ties, outliers and steep gates."""

import numpy as np
import pytest

from vqa.evaluation.metrics import pairs
from vqa.evaluation.metrics.pairs import Pairs, agreement, total_weight

THRESHOLDS = np.array([-np.inf, 0.0, 2.0, 9.5, 110.0, 5000.0])


def made(mos, seed=0):
    rng = np.random.default_rng(seed)
    mos = np.sort(np.asarray(mos, dtype=np.float64))
    score = np.round(mos + rng.normal(0, 15, len(mos)), 0)
    return Pairs(mos, score, *rng.uniform(1, 3, (2, len(mos))))


def literal(found, c):
    """The sum over all pairs at once, and the sum of all weights."""
    mos, score = found.mos, found.score
    gap = mos[:, None] - mos
    weight = found.later[:, None] * found.earlier
    agree = np.tril(weight * np.sign(gap) * np.sign(score[:, None] - score), -1)
    falloff = np.exp(-c * np.maximum(gap, 0))
    sums = [
        np.sum(agree / (1 + np.exp(min(c * threshold, 700)) * falloff)) for threshold in THRESHOLDS
    ]
    return np.array(sums), np.tril(weight, -1).sum()


RNG = np.random.default_rng(1)
SAMPLES = {
    "spread": RNG.uniform(0, 100, 1400),
    "rounded": RNG.normal(50, 15, 1400).round(0),
    "few values": RNG.integers(0, 3, 1400) * 50.0,
    "one value and another": [*[40.0] * 1399, 100.0],
    "a crowd and outliers": [0.0, *RNG.normal(50, 0.01, 1398), 100.0],
}


@pytest.mark.parametrize("c", [0.175, 0.001, 4.0, 60.0])
@pytest.mark.parametrize("name", SAMPLES)
def test_agreement_is_the_sum_over_all_pairs(name, c):
    found = made(SAMPLES[name])
    wanted, total = literal(found, c)
    assert total_weight(found) == pytest.approx(total, rel=1e-13)
    assert agreement(found, THRESHOLDS, c) / total == pytest.approx(wanted / total, abs=1e-13)


def test_few_pairs_are_looked_at_one_by_one(monkeypatch):
    looked_at = []
    one_by_one = pairs._one_by_one

    def counted(low, high, *rest):
        looked_at.append(len(low.mos) * len(high.mos))
        return one_by_one(low, high, *rest)

    monkeypatch.setattr(pairs, "_one_by_one", counted)
    agreement(made(RNG.uniform(0, 100, 20_000)), THRESHOLDS, 0.175)
    assert sum(looked_at) < 20_000 * 2 * pairs.SMALLEST
