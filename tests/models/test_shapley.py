"""Shapley values of groups of features: the literal definition over all orders, and its axioms."""

from itertools import permutations

import numpy as np
import pytest

from vqa.models.shapley import attribute


def curved(x):
    """A score in which all features interact."""
    x = np.nan_to_num(x.astype(np.float64))
    return np.tanh(x @ np.linspace(-0.5, 0.7, x.shape[1])) + x[:, 0] * x[:, 3] - x[:, 1] ** 2


def example(seed=0, dim=7, count=4):
    rng = np.random.default_rng(seed)
    return rng.normal(size=dim), rng.normal(size=dim), np.arange(dim) % count, count


def literal(score, features, reference, groups, count):
    """Put the groups in one after the other, in all orders, and average what each changes."""
    effects = np.zeros(count)
    orders = list(permutations(range(count)))
    for order in orders:
        mixture = reference.copy()
        before = score(mixture[None])[0]
        for group in order:
            mixture = np.where(groups == group, features, mixture)
            after = score(mixture[None])[0]
            effects[group] += (after - before) / len(orders)
            before = after
    return effects


def test_effects_are_the_mean_over_all_orders():
    case = example()
    np.testing.assert_allclose(attribute(curved, *case).effects, literal(curved, *case), atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_effects_add_up_and_removing_a_group_gives_the_score_that_is_said(seed):
    features, reference, groups, count = example(seed, dim=11, count=5)
    found = attribute(curved, features, reference, groups, count)
    assert found.score == pytest.approx(curved(features[None])[0])
    assert found.reference == pytest.approx(curved(reference[None])[0])
    assert found.effects.sum() == pytest.approx(found.score - found.reference)
    for group in range(count):
        without = np.where(groups == group, reference, features)
        assert found.removed[group] == pytest.approx(curved(without[None])[0])


def test_in_a_sum_the_effect_is_the_change_on_removal():
    features, reference, groups, count = example()
    found = attribute(lambda x: x @ np.arange(7.0), features, reference, groups, count)
    np.testing.assert_allclose(found.effects, found.score - found.removed)


def test_a_group_that_is_empty_or_like_the_reference_has_no_effect():
    features, reference, groups, _ = example()
    same = np.where(groups == 2, reference, features)
    found = attribute(curved, same, reference, groups, 5)
    assert found.effects[2] == found.effects[4] == 0
    assert found.removed[2] == found.removed[4] == found.score


def test_undefined_features_stay_undefined_in_the_mixtures():
    features, reference, groups, count = example()
    features[2] = np.nan
    seen = []
    attribute(lambda x: (seen.append(x), curved(x))[1], features, reference, groups, count)
    assert np.isnan(seen[0][:, 2]).sum() == 2 ** (count - 1)


@pytest.mark.parametrize(
    ("groups", "count"), [([0, 1], 2), ([0, 1, 2], 2), ([0, -1, 0], 2), ([0, 0, 0], 9)]
)
def test_bad_groups_are_refused(groups, count):
    with pytest.raises(ValueError, match="expected"):
        attribute(curved, np.ones(3), np.zeros(3), groups, count)
