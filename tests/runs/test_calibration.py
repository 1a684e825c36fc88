"""The calibration of a run: curves, intervals, percentiles; stored and read as plain values."""

import json

import numpy as np
import pytest

from vqa.runs import RunError
from vqa.runs.calibration import CALIBRATION, Calibration, calibrated
from vqa.runs.seen import Seen


@pytest.fixture
def parts():
    """Raw scores far from the scale, and MOS, of two splits of 60 videos."""
    drawn = np.random.default_rng(0)
    mos = drawn.uniform(1, 5, (2, 60))
    raw = 10 * mos - 80 + drawn.normal(0, 4, mos.shape)
    return {f"split{number}": (raw[number], mos[number]) for number in range(2)}


@pytest.fixture
def held_out(parts):
    names = [f"v{number}" for number in range(60)]
    return {name: (*part, names) for name, part in parts.items()}


@pytest.fixture
def calibration(parts, held_out):
    opinions = np.concatenate([mos for _, mos in parts.values()])
    return calibrated(
        (1.0, 5.0), parts, held_out, opinions, Seen((540, 1080), (24, 30)), "training"
    )


def test_scores_come_to_the_scale_with_interval_and_percentile(calibration, parts):
    score = float(calibration.curves["split0"](-50.0))
    assert score == pytest.approx(3, abs=0.3)
    low, high = calibration.interval(score)
    assert low < score < high
    assert (high - low) / 2 == pytest.approx(0.4 * 1.645, rel=0.25)
    wide = calibration.interval(score, 0.95)
    assert wide[0] < low
    assert wide[1] > high
    assert calibration.interval(4.99)[1] == 5
    mos = np.concatenate([mos for _, mos in parts.values()])
    assert calibration.percentile(3.0) == pytest.approx(100 * np.mean(mos <= 3), abs=2)
    assert calibration.percentile(0.0) == 0
    assert calibration.percentile(9.0) == 100


def test_without_held_out_videos_there_is_no_interval(parts):
    alone = calibrated((1.0, 5.0), parts, {}, [1.0, 5.0], Seen(), "training")
    assert alone.errors is None
    assert alone.interval(3.0) is None
    few = {"split0": (*(values[:5] for values in parts["split0"]), list("abcde"))}
    assert calibrated((1.0, 5.0), parts, few, [3.0], Seen(), "training").interval(3.0) is None


def test_it_is_read_as_it_was_stored(calibration, tmp_path):
    assert Calibration.load(tmp_path) is None
    calibration.save(tmp_path)
    again = Calibration.load(tmp_path)
    assert again.curves == calibration.curves
    assert again.interval(3.3) == pytest.approx(calibration.interval(3.3), abs=1e-5)
    assert again.percentile(3.3) == pytest.approx(calibration.percentile(3.3), abs=1e-3)
    assert (again.fitted_on, again.seen.sides_px) == ("training", (540.0, 1080.0))


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("scale", [5, 1]), ("scale", [1]), ("scale", "x"), ("curves", {"a": 1}), ("curves", [1]),
        ("curves", {"a": {"kind": "cubic", "parameters": [1]}}), ("opinions", [2, 1]),
        ("opinions", []), ("errors", {"relative": [1]}), ("errors", 5), ("seen", {}),
        ("seen", None), ("fitted_on", None),
    ],
)  # fmt: skip
def test_damaged_files_are_one_line(calibration, tmp_path, key, wrong):
    calibration.save(tmp_path)
    content = json.loads((tmp_path / CALIBRATION).read_text())
    content[key] = wrong
    (tmp_path / CALIBRATION).write_text(json.dumps(content))
    with pytest.raises((RunError, ValueError)) as failure:
        Calibration.load(tmp_path)
    assert "\n" not in str(failure.value)
