"""Damaged files: no crash, no hang, no wrong frame without a word that FFmpeg has."""

import pytest

from tests.fuzz.intact import INTACT
from tests.fuzz.trial import trials


def check(results):
    faults = [trial for trial in results if trial.outcome in ("crash", "hang", "wrong")]
    assert not faults
    assert {trial.clip for trial in results} == set(INTACT)


def test_four_kinds_of_damage_per_clip(tmp_path):
    results = list(trials(tmp_path, 1, 4))
    check(results)
    assert len(results) == 4 * len(INTACT)
    refused = sum(trial.outcome == "refused" for trial in results)
    assert refused > 0.6 * len(results)


@pytest.mark.slow
def test_all_kinds_of_damage(tmp_path):
    results = list(trials(tmp_path, 2))
    check(results)
    assert len(results) > 1000
    assert sum(trial.outcome == "silent" for trial in results) < 0.12 * len(results)
