"""The list of runs: finished, half done, nested and damaged ones."""

import os
import subprocess
import sys

import pytest

from tests.runs.comparison.finished_runs import make, split
from vqa.runs.opening import open_run
from vqa.runs.overview import find_runs

CONFIG = {
    "name": "half", "seed": 0, "model": {"_target_": "vqa.models.vsfa.VSFA"},
    "data": {"name": "konvid"}, "protocol": {"_target_": "vqa.protocols.repeated"},
}  # fmt: skip


def age(folder, seconds):
    """Make all files of a run this much older."""
    for path in folder.rglob("*"):
        time = path.stat().st_mtime - seconds
        os.utime(path, (time, time))


@pytest.fixture
def place(tmp_path):
    """A finished run, one in a folder of its own that is half done, and an evaluation."""
    finished = make(tmp_path, "done", 0.2)
    make(finished.folder / "evaluations", "inside", 0.5)
    age(finished.folder, 1000)
    half = open_run(tmp_path / "sweep" / "half", CONFIG)
    for number in range(3):
        half.begin(split(number))
    half.record("split1", [])
    return tmp_path


def test_runs_are_listed_with_their_results_the_last_changed_first(place):
    half, done = find_runs(place)
    assert (half.folder, half.name) == (place / "sweep" / "half", "half")
    assert (half.model, half.data, half.protocol) == ("VSFA", "konvid", "repeated")
    assert (half.splits, half.done, half.videos) == (3, 1, 0)
    assert (half.srocc, half.srocc_low, half.finished) == (None, None, False)
    assert (done.folder, done.model, done.protocol) == (place / "done", "done", "")
    assert (done.splits, done.done, done.finished) == (3, 3, True)
    assert 24 < done.videos <= 60
    assert 0.9 < done.srocc_low < done.srocc < done.srocc_high <= 1
    assert done.changed <= half.changed


def test_damaged_runs_are_skipped_with_a_reason(place, caplog):
    (place / "done" / "results.json").write_text('{"splits": {}')
    (place / "sweep" / "half" / "config.yaml").write_text("theme: minimal\n")
    assert find_runs(place) == []
    assert "skipped" in caplog.text
    assert "results.json: not JSON" in caplog.text
    assert "config.yaml is not a run's configuration" in caplog.text


def test_a_run_that_tests_nothing_is_finished(tmp_path):
    run = open_run(tmp_path / "full", CONFIG | {"model_name": "vsfa"})
    run.finish()
    (found,) = find_runs(tmp_path)
    assert (found.model, found.finished, found.srocc, found.videos) == ("vsfa", True, None, 0)


def test_undefined_results_have_no_number(tmp_path):
    make(tmp_path, "flat", None)
    (found,) = find_runs(tmp_path)
    assert (found.srocc, found.srocc_low, found.srocc_high) == (None, None, None)
    assert found.finished


def test_an_absent_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="none: no such folder"):
        find_runs(tmp_path / "none")


def test_only_json_and_yaml_are_read(place):
    code = (
        "import sys\n"
        "from vqa.runs.overview import find_runs\n"
        f"assert len(find_runs({str(place)!r})) == 2\n"
        "sys.exit({'pandas', 'scipy', 'torch'} & sys.modules.keys() or 0)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
