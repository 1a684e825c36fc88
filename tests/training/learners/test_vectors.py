"""Vectors that are scored together have the scores that they have alone."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import vqa
from vqa.models.svr import fit_svr
from vqa.training.assessment import assess
from vqa.training.learners.divergence import TrainingError
from vqa.training.learners.svr import SVRLearner
from vqa.training.learners.vectors import vector_scores
from vqa.training.views import FeatureVector, Views


class Doubled:
    """A learner from elsewhere, which has nothing but `assess`."""

    def assess(self, inputs):
        score = 2 * inputs["features"].sum()
        return float(score), np.array([score])


class Moments(FeatureVector):
    """Features of moments that need no files."""

    def __init__(self, rows):
        self.own = rows

    def rows(self, video):
        return self.own

    def row_times_s(self, video):
        return torch.arange(len(self.own)) + 0.5

    times_s = row_times_s


@pytest.fixture(scope="module")
def learners():
    rng = np.random.default_rng(0)
    ((ugc, _),) = vqa.load("ugc", device="cpu")._models
    features = rng.normal(size=(24, ugc.module.input_dim))
    svr = SVRLearner()
    svr.fitted = fit_svr(features, 3 + features[:, :9].mean(1), C=8, gamma=0.5)
    return {"network": ugc, "svr": svr, "other": Doubled()}


@pytest.mark.parametrize("kind", ["network", "svr", "other"])
def test_the_timeline_is_the_score_of_each_moment_alone(learners, kind, monkeypatch):
    monkeypatch.setattr("vqa.training.assessment.AT_ONCE", 3)
    learner = learners[kind]
    features = torch.randn((7, 1836), generator=torch.Generator().manual_seed(1))
    inputs = {"features": features.mean(0, keepdim=True)}
    views = Views({"features": Moments(features)})
    found = assess(learner, views, SimpleNamespace(id="a"), inputs)
    alone = [learner.assess({"features": row[None]})[0] for row in features]
    np.testing.assert_allclose(found.quality, alone, rtol=1e-6)
    assert found.score == learner.assess(inputs)[0]
    assert found.times_s.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5]
    np.testing.assert_array_equal(
        np.concatenate([vector_scores(learner, part) for part in features.split(3)]), found.quality
    )


def test_a_moment_without_a_finite_score_is_refused(learners):
    features = torch.zeros(4, 9)
    features[2, 0] = torch.inf
    views = Views({"features": Moments(features)})
    with pytest.raises(TrainingError, match="the score is inf"):
        assess(learners["other"], views, SimpleNamespace(id="a"), {"features": features[:1]})
