"""The table of damages, and the kinds that statistics count to."""

import numpy as np
import pytest
from scipy.optimize import nnls
from scipy.special import ndtri

from vqa.features.nss.damages import KINDS, OTHER, Damages, damages
from vqa.features.nss.damages import kinds_of as kinds_and_amounts
from vqa.features.nss.names import DIM, FAMILIES

MOTION = KINDS.index("motion")
NORMAL = ndtri((np.arange(33) + 0.5) / 33)
QUANTILES = NORMAL[:, None] * np.linspace(0.1, 9, DIM) + np.linspace(-5, 5, DIM)


def kinds_of(*args):
    return kinds_and_amounts(*args)[0]


def video(scaled):
    """Statistics (D,) that lie at given deviations of the training videos."""
    return np.array(
        [np.interp(z, NORMAL, column) for z, column in zip(scaled, QUANTILES.T, strict=True)]
    )


def change(kind):
    """The mean change by the damages of a kind."""
    table = damages()
    own = np.array(table.kinds) == kind
    return table.changes[own].mean(axis=0)


def test_every_kind_has_damages_that_move_statistics():
    table = damages()
    assert set(table.kinds) == set(KINDS[:OTHER])
    assert np.isfinite(table.filters).all()
    assert (np.abs(table.changes).max(axis=1) > 0.5).all()


def test_amounts_are_non_negative_least_squares():
    table = damages()
    scaled = 0.7 * change("noise") + 0.4 * np.random.default_rng(0).normal(size=DIM)
    products = table.filters @ table.changes.T
    upper = np.linalg.cholesky((products + products.T) / 2).T
    expected, _ = nnls(upper, np.linalg.solve(upper.T, table.filters @ scaled))
    np.testing.assert_allclose(table.amounts(scaled), expected, atol=0.02)


@pytest.mark.parametrize("kind", KINDS[:OTHER])
def test_a_damage_is_found_in_what_it_changes(kind):
    for amount in (0.7, 1.2):
        kinds, amounts = kinds_and_amounts(video(amount * change(kind)), QUANTILES)
        assert KINDS[amounts.argmax()] == kind
        assert amounts.max() > 0.4
        counts = np.bincount(kinds, minlength=len(KINDS))[:OTHER]
        assert KINDS[counts.argmax()] == kind
        assert counts.max() > 0.7 * counts.sum()


def test_the_opposite_of_all_damages_is_none():
    best = -sum(change(kind) for kind in KINDS[:OTHER])
    assert np.mean(kinds_of(video(best), QUANTILES) == OTHER) > 0.9


def test_the_median_counts_to_nothing():
    assert (kinds_of(np.median(QUANTILES, axis=0), QUANTILES) == OTHER).all()


def test_undefined_statistics_of_changes_speak_of_motion_and_others_of_nothing():
    kinds = kinds_of(np.full(DIM, np.nan), QUANTILES)
    moving = np.array(FAMILIES) == "motion"
    assert (kinds[moving] == MOTION).all()
    assert (kinds[~moving] == OTHER).all()
    for undefined in (np.inf, -np.inf, 1e9):
        np.testing.assert_array_equal(kinds_of(np.full(DIM, undefined), QUANTILES), kinds)


def test_another_number_of_statistics_is_refused():
    with pytest.raises(ValueError, match="expected 1836 statistics"):
        kinds_of(np.zeros(5), np.zeros((33, 5)))


def test_the_table_survives_its_file_and_a_damaged_one_is_one_line(tmp_path):
    path = tmp_path / "damages.safetensors"
    damages().save(path)
    again = Damages.load(path)
    assert again.kinds == damages().kinds
    np.testing.assert_array_equal(again.filters, damages().filters)
    transposed = [np.asfortranarray(one) for one in (damages().changes, damages().filters)]
    Damages(damages().kinds, *transposed).save(path)
    np.testing.assert_array_equal(Damages.load(path).filters, damages().filters)
    path.write_bytes(b"no table")
    with pytest.raises(ValueError, match=r"not a table of damages.*install vqa again"):
        Damages.load(path)
    with pytest.raises(ValueError, match="install vqa again"):
        Damages.load(tmp_path / "absent.safetensors")
    Damages(("noise",), np.zeros((1, 4)), np.zeros((1, 4))).save(path)
    with pytest.raises(ValueError, match="numbers of M kinds"):
        Damages.load(path)


@pytest.mark.parametrize("kind", ["colour", "motion"])
def test_what_is_certain_is_explained_first(kind):
    place = KINDS.index(kind)
    both = video(0.6 * change("sharpness") + 0.6 * change(kind))
    unknown, absent, present = (
        np.mean(kinds_of(both, QUANTILES, certain) == place) for certain in (None, (), (kind,))
    )
    assert absent == 0
    assert present >= unknown
    assert present > 0.2
