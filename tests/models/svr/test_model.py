import json

import numpy as np
import pytest
from safetensors.numpy import load, save

from tests.models.svr.planted import inner_split, planted
from vqa.models.svr import FittedSVR, fit_svr

GRID = {"C": [1.0, 1 / 3], "gamma": [0.1, "scale"]}


def fitted(**options):
    features, mos = planted()
    return fit_svr(features, mos, *inner_split(60), **GRID, **options), features


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"kernel": "linear", "scale_target": True, "scaler": "standard"},
        {"limit": None},
        {"scaler": "rank_gauss"},
    ],
    ids=["rbf", "linear", "no limit", "ranks"],
)
def test_a_stored_regression_gives_bit_identical_scores(options):
    ours, features = fitted(**options)
    arrays, card = load(save(ours.state())), json.loads(json.dumps(ours.card(), allow_nan=False))
    restored = FittedSVR.from_state(arrays, card)
    np.testing.assert_array_equal(restored.predict(features), ours.predict(features))
    assert restored.candidates == ours.candidates
    assert restored.card() == ours.card()
    assert len(restored.candidates) == (2 if "kernel" in options else 4)


def test_a_linear_kernel_is_stored_as_one_weight_per_feature():
    ours, _ = fitted(kernel="linear")
    assert {name: array.shape for name, array in ours.state().items()} == dict.fromkeys(
        ("fill", "gain", "shift", "coefficients"), (8,)
    )


def test_support_vectors_are_stored_before_preprocessing():
    ours, features = fitted()
    assert ours.state()["support"].shape == (len(ours.coefficients), 8)
    given = {tuple(row) for row in features}
    assert all(tuple(row) in given for row in ours.support)


def test_scores_do_not_depend_on_the_batch():
    for kernel in ("rbf", "linear"):
        ours, features = fitted(kernel=kernel)
        alone = [ours.predict(row[None])[0] for row in features]
        np.testing.assert_allclose(ours.predict(features), alone, rtol=1e-12)
        assert ours.predict(features[:0]).shape == (0,)


@pytest.mark.parametrize("shape", [(4, 7), (8,), (2, 2, 8)])
def test_features_of_another_size_are_refused(shape):
    with pytest.raises(ValueError, match=r"expected features \(N, 8\), found"):
        fitted()[0].predict(np.ones(shape))


def test_damaged_states_are_refused():
    ours, _ = fitted()
    arrays, card = ours.state(), ours.card()
    with pytest.raises(ValueError, match="missing: support"):
        FittedSVR.from_state({k: v for k, v in arrays.items() if k != "support"}, card)
    with pytest.raises(ValueError, match="missing: intercept"):
        FittedSVR.from_state(arrays, {k: v for k, v in card.items() if k != "intercept"})
    with pytest.raises(ValueError, match="kernel 'poly'"):
        FittedSVR.from_state(arrays, card | {"kernel": "poly"})
    for name in arrays:
        with pytest.raises(ValueError, match="shapes of a stored SVR do not match"):
            FittedSVR.from_state(arrays | {name: arrays[name][:-1]}, card)
