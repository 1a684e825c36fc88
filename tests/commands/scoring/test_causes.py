"""Causes of a score: they add up, their check holds, and they come most harmful first."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import vqa
from vqa.commands.scoring.causes import NAMED, NO_GROUPS, NO_MEDIAN, NO_VECTOR, causes, named
from vqa.features.nss.damages import KINDS, kinds_of
from vqa.features.nss.names import DIM, FAMILIES
from vqa.models.svr import fit_svr
from vqa.training.learners.svr import SVRLearner
from vqa.training.learners.vectors import training_quantiles, vector_scores
from vqa.video.plain_facts import PlainFacts

NSS = SimpleNamespace(name="nss", families=FAMILIES)


@pytest.fixture(scope="module")
def ugc():
    """The embedded model: its learners with their curves."""
    return vqa.load("ugc", device="cpu")._models


@pytest.fixture(scope="module")
def spread(ugc):
    """The median of the training videos and two thirds of their deviation, (2, D)."""
    ((learner, _),) = ugc
    quantiles = learner.module.network.scalings[0].quantiles.double().numpy()
    return quantiles[16], (quantiles[24] - quantiles[8]) / 2


def fitted(seed, dim=DIM, scaler="rank_gauss"):
    """An SVR on made-up statistics."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(24, dim))
    learner = SVRLearner()
    learner.fitted = fit_svr(features, 3 + features[:, :9].mean(1), C=8, gamma=0.5, scaler=scaler)
    return learner


def video(spread, seed=3):
    median, deviation = spread
    moved = median + deviation * np.random.default_rng(seed).normal(size=DIM)
    return torch.from_numpy(moved).float()[None]


def score_of(models, rows):
    return np.mean([curve(vector_scores(learner, rows)) for learner, curve in models], axis=0)


def check(models, features, sources=(NSS,)):
    """Compare what is told with scores of features in which groups are replaced by hand."""
    told, main, remarks = causes(models, features, sources)
    assert main["kind"] == (named(told) or None)
    charged = [one["kind"] for one in told if one["effect"] <= -NAMED]
    uncharged = main["kind"] is not None and main["kind"] not in charged
    more = ", for which the model does not lower the score" if uncharged else ""
    assert main["text"] == f"main cause: {main['kind'] or 'none'}{more}"
    assert remarks == []
    assert [cause["effect"] for cause in told] == sorted(cause["effect"] for cause in told)
    quantiles = np.mean([training_quantiles(learner) for learner, _ in models], axis=0)
    values, score = features[0].numpy(), score_of(models, features)[0]
    median = np.median(quantiles, axis=0).astype(values.dtype)
    kinds, amounts = kinds_of(values, quantiles)
    for cause in told:
        without = np.where(kinds == KINDS.index(cause["kind"]), median, values)
        removed = score_of(models, torch.from_numpy(without)[None])[0]
        assert cause["removed"] == pytest.approx(removed, abs=1e-4)
        assert cause["amount"] == pytest.approx(amounts[KINDS.index(cause["kind"])], abs=1e-4)
        count = (kinds == KINDS.index(cause["kind"])).sum()
        if count:
            assert cause["text"].startswith(f"{cause['kind']}: {count} statistics ")
            assert f"{cause['removed']:.2f} instead of {score:.2f}" in cause["text"]
        else:
            assert cause["text"].startswith(f"{cause['kind']}: no statistics ")
    reference = score_of(models, torch.from_numpy(median)[None])[0]
    total = sum(cause["effect"] for cause in told)
    assert total == pytest.approx(score - reference, abs=1e-4)
    assert causes(models, features, sources) == (told, main, remarks)
    return told


def test_ugc(ugc, spread):
    told = check(ugc, video(spread))
    assert {cause["kind"] for cause in told} == set(KINDS)
    assert any(cause["effect"] < -0.005 for cause in told)


def test_the_median_video_has_no_cause(ugc, spread):
    ((learner, _),) = ugc
    median = torch.from_numpy(training_quantiles(learner)[16]).float()[None]
    told = check(ugc, median)
    assert {cause["effect"] for cause in told} == {0}
    assert any("leave the score as it is" in cause["text"] for cause in told)


def test_undefined_statistics_of_a_black_or_still_video(ugc, spread):
    black = torch.full((1, DIM), torch.nan)
    check(ugc, black)
    part = video(spread)
    part[0, 1500:] = torch.inf
    part[0, :30] = torch.nan
    part[0, 40] = 1e30
    check(ugc, part)


def test_several_models_are_asked_for_their_mean(spread):
    models = [(fitted(seed), curve) for seed, curve in ((0, np.asarray), (1, np.tanh))]
    features = torch.from_numpy(np.random.default_rng(5).normal(size=(1, DIM)))
    check(models, features)


def test_other_features_are_grouped_by_what_they_describe():
    source = SimpleNamespace(name="metadata", families=("size", "size", "bitrate"))
    told, main, _ = causes([(fitted(0, dim=3), np.asarray)], torch.rand(1, 3), [source])
    assert main["kind"] == (named(told) or None)
    assert {cause["kind"] for cause in told} == {"size", "bitrate"}
    nothing_known = SimpleNamespace(name="own", families=())
    assert causes([(fitted(0, dim=3), np.asarray)], torch.rand(1, 3), [nothing_known]) == (
        [], None, [NO_GROUPS],
    )  # fmt: skip


def test_models_that_can_tell_nothing_say_why():
    minmax = [(fitted(0, scaler="minmax"), np.asarray)]
    assert causes(minmax, torch.rand(1, DIM), [NSS]) == ([], None, [NO_MEDIAN])
    assert causes(minmax, torch.rand(1, 9, DIM), [NSS]) == ([], None, [NO_VECTOR])
    assert causes(minmax, None, [NSS]) == ([], None, [NO_VECTOR])


def test_what_the_frames_show_is_said_and_named(ugc, spread):
    features = video(spread)
    plain, dark = PlainFacts(0.0, 0.5), PlainFacts(0.09, 0.1)
    still = PlainFacts(0.43, 0.5)
    told, _, remarks = causes(ugc, features, [NSS], plain)
    assert remarks == []
    texts = {cause["kind"]: cause["text"] for cause in told}
    assert texts["colour"] == "colour: no statistics as of a dark picture"
    assert texts["motion"] == "motion: no statistics as of a picture that stands still"
    told, main, remarks = causes(ugc, features, [NSS], dark)
    assert remarks == ["the picture is dark: its mean brightness is 10%"]
    assert main["kind"] == named(told, dark) == "colour"
    assert any(cause["text"].startswith("colour: ") for cause in told)
    told, main, remarks = causes(ugc, features, [NSS], still)
    assert remarks == ["the picture stands still for 43% of the time"]
    assert main["kind"] == named(told, still) == "motion"


@pytest.mark.parametrize(
    ("effects", "name"),
    [
        ({"noise": -0.3, "sharpness": -0.1}, "noise"),
        ({"other": -0.5, "sharpness": -0.1}, "sharpness"),
        ({"sharpness": -0.01, "noise": 0.2}, ""),
        ({}, ""),
    ],
)
def test_the_most_harmful_kind_is_named(effects, name):
    told = [{"kind": kind, "effect": effect, "amount": 0} for kind, effect in effects.items()]
    assert named(told) == name
    present = [
        {"kind": "sharpness", "effect": 0.1, "amount": 0.31},
        {"kind": "noise", "effect": 0.2, "amount": 0.8},
    ]
    assert named([*told, *present]) == (name or "noise")
