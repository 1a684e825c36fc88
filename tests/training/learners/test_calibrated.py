"""Scores on the MOS scale for losses that leave the scale open."""

import numpy as np
import pytest
import torch

from tests.training.learners.fakes import data_module, learner
from vqa.evaluation.calibration import calibration_sample, fit_calibration
from vqa.evaluation.metrics import srocc
from vqa.evaluation.metrics.curves import logistic4
from vqa.models.losses import monotone_linear_loss


def test_a_planted_curve_is_found_and_order_kept():
    score = np.random.default_rng(0).normal(-3, 2, 200)
    mos = logistic4(score, 5, 1, -3, 1.5)
    curve = fit_calibration(score, mos)
    np.testing.assert_allclose(curve(score), mos, atol=1e-2)
    assert srocc(score, curve(score)) == 1


@pytest.mark.parametrize(
    ("score", "mos"),
    [
        ([1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1]),
        ([2, 2, 2, 2], [1, 2, 3, 4]),
        ([1, 2, 3, 4], [3, 3, 3, 3]),
        ([1.0], [3.0]),
        ([1.0, 2.0], [3.0, 4.0]),
    ],
)
def test_where_no_rising_curve_fits_the_labels_give_mean_and_deviation(score, mos):
    curve = fit_calibration(score, mos)
    mapped = curve(np.array(score, float))
    assert mapped.mean() == pytest.approx(np.mean(mos))
    assert curve(max(score) + 1) > curve(min(score))
    if np.std(score) and np.std(mos):
        assert mapped.std() == pytest.approx(np.std(mos))


def test_large_training_parts_are_sampled_without_repeats():
    assert calibration_sample(2000, 0).tolist() == list(range(2000))
    chosen = calibration_sample(28056, 0)
    assert len(set(chosen)) == len(chosen) == 2000
    assert np.array_equal(chosen, calibration_sample(28056, 0))
    assert not np.array_equal(chosen, calibration_sample(28056, 1))
    assert (np.diff(chosen) > 0).all()


def test_a_learner_calibrates_on_its_training_part_alone(tmp_path):
    scores = []
    for permute in (False, True):
        data = data_module(permute_test=permute)
        trained = learner("vsfa", 25, calibrate=True)
        trained.loss = monotone_linear_loss
        trained.fit(data, tmp_path / str(permute))
        scores.append([row.score for row in trained.predict(data, data.test)])
    assert scores[0] == scores[1]
    rows = trained.predict(data, data.train)
    mos, score = np.array([row.mos for row in rows]), np.array([row.score for row in rows])
    assert score.mean() == pytest.approx(mos.mean(), abs=0.05)
    assert np.abs(score - mos).mean() < 0.5 * np.abs(mos - mos.mean()).mean()
    trained.save(tmp_path)
    loaded = learner("vsfa", calibrate=True)
    loaded.load(tmp_path)
    assert loaded.predict(data, data.test) == trained.predict(data, data.test)
    score, timeline = loaded.assess(data.views.alone(data.test[0]))
    assert score == loaded.predict(data, data.test)[0].score
    raw = trained.module(**data.views.alone(data.test[0]))
    assert score == float(trained.curve(raw.double().detach().numpy())[0])
    assert timeline.shape == (len(data.views(data.test[0])["features"]),)


def test_the_loss_alone_leaves_the_level_open():
    score, mos = torch.rand(9), torch.rand(9)
    shifted = monotone_linear_loss(score + 7, mos)
    torch.testing.assert_close(shifted, monotone_linear_loss(score, mos), atol=1e-5, rtol=1e-5)
