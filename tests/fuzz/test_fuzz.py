"""Damaged files: no crash, no hang, no wrong frame without a word that FFmpeg has."""

from collections import Counter

import pytest

from tests.fuzz.intact import INTACT
from tests.fuzz.mutations import MUTATIONS
from tests.fuzz.trial import trials


def check(results):
    faults = [trial for trial in results if trial.outcome in ("crash", "hang", "wrong")]
    assert not faults
    assert {trial.clip for trial in results} == set(INTACT)


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [1, pytest.param(4, marks=pytest.mark.exhaustive)])
def test_all_kinds_of_damage(rounds, tmp_path):
    results = list(trials(tmp_path, rounds))
    check(results)
    assert len(results) == rounds * len(MUTATIONS) * len(INTACT) > 500
    count = Counter(trial.outcome for trial in results)
    assert count["silent"] < 0.12 * len(results)
    assert count["refused"] > 0.6 * len(results)
