"""What a run has seen: sizes, rates and features outside it are said."""

import json

import numpy as np
import pytest

from vqa.runs.seen import Seen, seen_in


@pytest.fixture
def seen():
    features = np.random.default_rng(0).normal(size=(400, 50))
    sizes = [(960, 540), (540, 960), (1920, 1080)] * 133 + [(float("nan"), 1)]
    return seen_in(sizes, [23.976, 29.97] * 200, features)


def test_ordinary_videos_get_no_remark(seen):
    assert list(seen.remarks(1280, 720, 25.0, np.zeros(50))) == []
    assert list(seen.remarks(1280, 720, 30.0, np.zeros(50))) == []  # as good as 29.97
    assert list(seen.remarks(1280, 720, 25.0, None)) == []
    assert list(seen.remarks(1280, 720, 25.0, np.zeros(3))) == []  # of other features


def test_what_was_never_seen_is_named(seen):
    size, rate, features = seen.remarks(3840, 2160, 60.0, np.full(50, 9.0))
    assert size == "3840x2160 is outside the sizes in training (540 to 1080 p)"
    assert rate == "60 Hz is outside the rates in training (23.976 to 29.97 Hz)"
    assert features.startswith("unlike the training videos: 100% of its features")
    (small,) = seen.remarks(320, 240, 25.0, np.zeros(50))
    assert small.startswith("320x240")


def test_few_training_videos_are_unlike_the_others():
    features = np.random.default_rng(1).normal(size=(400, 50))
    seen = seen_in([(1, 1)] * 400, [25.0] * 400, features)
    remarked = [len(list(seen.remarks(1, 1, 25.0, row))) for row in features]
    assert 0 < sum(remarked) <= 4


def test_values_that_are_not_finite_are_ordinary():
    features = np.random.default_rng(1).normal(size=(50, 3))
    features[:, 0] = np.nan
    features[3, 1] = np.inf
    seen = seen_in([(1, 1)] * 50, [25.0] * 50, features)
    assert np.isfinite([seen.low, seen.high]).all()
    assert list(seen.remarks(1, 1, 25.0, np.array([np.nan, 0.0, 0.0]))) == []


def test_without_features_and_facts():
    seen = seen_in([(float("nan"), float("nan"))], [float("nan")], ())
    assert list(seen.remarks(1, 1, 1.0, np.zeros(3))) == []


def test_it_is_stored_as_plain_values(seen):
    again = Seen.from_json(json.loads(json.dumps(seen.as_json())))
    assert again.sides_px == (540, 1080)
    np.testing.assert_allclose(again.low, seen.low, rtol=1e-5)
    with pytest.raises(ValueError, match="expected pairs"):
        Seen.from_json({**seen.as_json(), "low": [1.0]})
