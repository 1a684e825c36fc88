import logging

import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from tests.models.svr.planted import planted
from vqa.models.scalings import mapped, quantiles_of
from vqa.models.svr import preprocessing
from vqa.models.svr.preprocessing import as_matrix, column_blocks, fit_preprocessing

ROWS = np.arange(5, 40)


@pytest.mark.parametrize(
    ("scaler", "library"), [("minmax", MinMaxScaler), ("standard", StandardScaler)]
)
def test_scaling_matches_scikit_learn_on_the_fitted_rows(scaler, library, monkeypatch):
    features, _ = planted()
    features[:, 3] = 7
    expected = library().fit(features[ROWS]).transform(features)
    for size in (2**24, 100):
        monkeypatch.setattr(preprocessing, "BLOCK_SIZE", size)
        preprocess = fit_preprocessing(features, ROWS, scaler=scaler)
        np.testing.assert_allclose(preprocess(features), expected, rtol=1e-12, atol=1e-12)


def test_ranks_are_mapped_by_the_quantiles_of_the_fitted_rows(monkeypatch):
    features = with_gaps()
    blanked = np.where(np.abs(features) <= 1e6, features, np.nan)
    expected = mapped(blanked, quantiles_of(blanked[ROWS])) / np.sqrt(features.shape[1])
    for size in (2**24, 100):
        monkeypatch.setattr(preprocessing, "BLOCK_SIZE", size)
        preprocess = fit_preprocessing(features, ROWS, scaler="rank_gauss")
        np.testing.assert_allclose(preprocess(features), expected, rtol=1e-12, atol=1e-12)
        part = slice(2, 5)
        alone = preprocess(features[:, part], part)
        np.testing.assert_array_equal(alone, preprocess(features)[:, part])
    assert (preprocess(features)[6:9, 0] == 0).all()


def test_a_block_of_columns_is_preprocessed_as_in_the_whole_matrix():
    features, _ = planted()
    preprocess = fit_preprocessing(features, ROWS)
    part = slice(2, 5)
    np.testing.assert_array_equal(
        preprocess(features[:, part], part), preprocess(features)[:, part]
    )


def with_gaps():
    features, _ = planted()
    features[6, 0], features[7, 0], features[8, 0] = np.nan, np.inf, -np.inf
    features[9, 1] = -5.8e26
    features[:, 2] = np.nan
    features[0, 0] = np.nan
    return features


def test_missing_values_become_zero():
    features = with_gaps()
    by_hand = features.copy()
    by_hand[~np.isfinite(by_hand) | (np.abs(by_hand) > 1e6)] = 0
    expected = MinMaxScaler().fit(by_hand[ROWS]).transform(by_hand)
    np.testing.assert_allclose(fit_preprocessing(features, ROWS)(features), expected, atol=1e-12)


def test_missing_values_become_the_mean_of_the_fitted_rows():
    features = with_gaps()
    by_hand = features.copy()
    for column in range(features.shape[1]):
        values = by_hand[:, column]
        good = np.isfinite(values) & (np.abs(values) <= 1e6)
        inside = [values[row] for row in ROWS if good[row]]
        values[~good] = np.mean(inside) if inside else 0
    expected = StandardScaler().fit(by_hand[ROWS]).transform(by_hand)
    preprocess = fit_preprocessing(features, ROWS, scaler="standard", impute="mean")
    np.testing.assert_allclose(preprocess(features), expected, atol=1e-12)
    assert preprocess.fill[2] == 0


def test_huge_values_are_kept_without_a_limit():
    features = with_gaps()
    kept = fit_preprocessing(features, ROWS, limit=None)(features)
    assert kept[9, 1] == 0
    assert kept[10:, 1] == pytest.approx(1)
    assert np.isfinite(kept).all()


def test_the_log_counts_missing_values(caplog):
    with caplog.at_level(logging.INFO, logger="vqa"):
        fit_preprocessing(with_gaps(), ROWS)
    assert f"{len(ROWS) + 4} of {8 * len(ROWS)} feature values are missing" in caplog.text


def test_features_are_converted_to_float64(monkeypatch):
    features, _ = planted()
    narrow = features.astype(np.float32)
    assert as_matrix(narrow) is narrow
    assert as_matrix(np.ones((2, 2), int)).dtype == np.float64
    monkeypatch.setattr(preprocessing, "BLOCK_SIZE", 100)
    preprocess = fit_preprocessing(narrow, ROWS)
    expected = MinMaxScaler().fit(narrow[ROWS].astype(float)).transform(narrow.astype(float))
    np.testing.assert_allclose(preprocess(narrow), expected, atol=1e-12)


def test_blocks_cover_every_column_once(monkeypatch):
    features = np.zeros((7, 23))
    for size in (1, 50, 10**6):
        monkeypatch.setattr(preprocessing, "BLOCK_SIZE", size)
        blocks = list(column_blocks(features))
        assert np.concatenate([np.arange(23)[block] for block in blocks]).tolist() == [*range(23)]
        assert max(features[:, block].size for block in blocks) <= max(size, 7)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"scaler": "robust"}, "scaler='robust': expected minmax or standard"),
        ({"impute": "drop"}, "impute='drop': expected zero or mean"),
        ({"limit": 0.0}, "limit=0.0: expected a finite number above 0"),
        ({"limit": np.inf}, "limit=inf: expected a finite number above 0"),
    ],
)
def test_invalid_options_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        fit_preprocessing(planted()[0], ROWS, **options)
