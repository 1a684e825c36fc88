"""Intervals of single scores: the rank formula, coverage, and scales that depend on the score."""

import json
import math

import numpy as np
import pytest

from vqa.evaluation.conformal import Errors, held_out_errors, interval_score


def rated(count, seed=0, local=False):
    """Scores on [1, 5] and MOS that scatter around them, most in the middle if `local`."""
    drawn = np.random.default_rng(seed)
    score = drawn.uniform(1, 5, count)
    deviation = 0.1 + np.sin((score - 1) / 4 * np.pi) if local else 0.5
    return score, score + deviation * drawn.normal(size=count)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
@pytest.mark.parametrize("count", [9, 19, 57])
def test_the_half_width_is_the_ranked_error(count, level):
    score, mos = rated(count)
    half = held_out_errors(score, mos).half_width(score, level)
    rank = math.ceil((count + 1) * level)
    if rank > count:
        assert half is None
    else:
        assert half == pytest.approx(np.full(count, sorted(abs(mos - score))[rank - 1]))


@pytest.mark.parametrize("level", [0, 1, -0.1, 1.5, math.nan])
def test_levels_are_shares(level):
    with pytest.raises(ValueError, match="expected a share between 0 and 1"):
        held_out_errors(*rated(50)).half_width(3.0, level)


@pytest.mark.parametrize("local", [False, True])
def test_new_videos_are_covered_as_often_as_promised(local):
    covered = []
    for seed in range(200):
        score, mos = rated(400, seed, local)
        half = held_out_errors(score[:200], mos[:200]).half_width(score[200:])
        covered.append(np.mean(abs(mos[200:] - score[200:]) <= half))
    assert np.mean(covered) == pytest.approx(0.9, abs=0.01)


def test_a_local_scale_is_used_where_it_makes_better_intervals():
    assert not len(held_out_errors(*rated(400)).scores)
    assert not len(held_out_errors(*rated(99, local=True)).scores)
    score, mos = rated(400, local=True)
    errors = held_out_errors(score, mos)
    assert len(errors.scores) == 9
    assert errors.half_width(3.0) > 2 * errors.half_width(1.1)
    new, rating = rated(2000, 1, local=True)
    half = errors.half_width(new)
    sorted_errors = np.sort(abs(mos - score))
    constant = Errors(sorted_errors, np.empty(0), np.empty(0), 400).half_width(new)
    assert interval_score(new - half, new + half, rating, 0.9) < interval_score(
        new - constant, new + constant, rating, 0.9
    )


def test_equal_errors_and_no_errors():
    score = np.linspace(1, 5, 200)
    assert held_out_errors(score, score).half_width(3.0) == 0
    assert held_out_errors(score, score + 1).half_width(3.0) == pytest.approx(1)


def test_a_video_in_several_splits_counts_once():
    score, mos = rated(60)
    once = held_out_errors(score, mos)
    often = held_out_errors(np.tile(score, 7), np.tile(mos, 7), videos=60)
    for level in (0.5, 0.9, 0.98):
        assert often.half_width(3.0, level) == once.half_width(3.0, level)
    assert often.half_width(3.0, 0.99) is once.half_width(3.0, 0.99) is None


def test_errors_are_stored_as_plain_values():
    errors = held_out_errors(*rated(300, local=True))
    again = Errors.from_json(json.loads(json.dumps(errors.as_json())))
    assert again.half_width(2.2) == pytest.approx(errors.half_width(2.2), abs=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"relative": [2.0, 1.0]}, {"relative": [-1.0]}, {"scores": [1.0]}, {"relative": [[1.0]]},
        {"scores": [2.0, 1.0], "scales": [1.0, 1.0]}, {"scores": [1.0], "scales": [0.0]},
        {"relative": [float("nan")]}, {"videos": 0}, {"videos": 2},
    ],
)  # fmt: skip
def test_damaged_errors_are_refused(wrong):
    whole = {"relative": [1.0], "scores": [], "scales": [], "videos": 1}
    with pytest.raises(ValueError, match="expected ascending finite numbers"):
        Errors.from_json({**whole, **wrong})
