"""Run folders: finished, and what they store."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import vqa
from vqa.databases.records import Database, VideoRecord
from vqa.protocols.splits import Split
from vqa.runs import RunError
from vqa.runs.hashes import file_hashes
from vqa.runs.opening import open_run
from vqa.training.learners.base import Prediction

CONFIG = {"name": "a", "seed": 0, "model": {"lr": 1.0}, "paths": {"runs": "x"}}


def split(name="split0", test=("c", "d", "e", "f")):
    return Split(name, ("a", "b"), (), tuple(test), "content", 0)


def finished(folder):
    run = open_run(folder, CONFIG)
    run.describe(Database("fake", (1.0, 5.0), ()))
    for number in range(2):
        one = split(f"split{number}")
        run.begin(one)
        run.record(
            one.name,
            [
                Prediction(video, 1.0 + k, 1.1 + k * (1 + number))
                for k, video in enumerate(one.test)
            ],
        )
    run.finish()
    return run


def test_finish_computes_results_from_the_stored_predictions(tmp_path):
    run = finished(tmp_path / "run")
    table = pd.read_csv(run.folder / "predictions.csv")
    assert table.columns.tolist() == ["split", "video", "mos", "score"]
    assert len(table) == 8
    results = run.results()
    assert results.splits["split1"].value("srocc") == pytest.approx(1)
    assert json.loads((run.folder / "environment.json").read_text())["python"]
    assert run.version == vqa.__version__
    assert run.database["mos_range"] == [1, 5]


def test_a_run_is_finished_only_with_its_report(tmp_path):
    run = finished(tmp_path / "run")
    assert not run.finished
    run.report.write_text("<html>")
    assert run.finished


def test_scores_are_stored_exactly(tmp_path):
    run = open_run(tmp_path / "run", CONFIG)
    one = split()
    run.begin(one)
    run.record(one.name, [Prediction(video, 0.1 + 0.2, 1 / 3) for video in one.test])
    assert run.predictions()["score"].tolist() == [1 / 3] * 4


def test_videos_and_their_labels_are_stored(tmp_path):
    run = open_run(tmp_path / "run", CONFIG)
    videos = [VideoRecord("a.mp4", Path("x"), 3.5), VideoRecord("b.mp4", Path("y"), 2.0)]
    run.list_videos(videos, lambda video: {"codec": "h264"})
    assert run.videos()["codec"].tolist() == ["h264", "h264"]
    assert run.labels("split0").to_dict() == {"a.mp4": 3.5, "b.mp4": 2.0}
    with pytest.raises(RunError, match=r"videos\.csv is absent"):
        open_run(tmp_path / "other", CONFIG).videos()


def test_aligned_labels_have_no_interval(tmp_path):
    run = open_run(tmp_path / "run", CONFIG)
    assert run.ci95() is None
    videos = (VideoRecord("c", Path("x"), 3.5, mos_std=0.5, ratings=20),)
    run.list_videos(videos, lambda video: {})
    run.begin(split())
    assert run.ci95().index.tolist() == ["c"]
    run.relabel("split0", Database("fake", (0.0, 1.0), videos), {"lines": {"fake": [2.0, 1.0]}})
    assert run.ci95() is None


def test_the_manifest_names_what_numbers_depend_on(tmp_path):
    run = finished(tmp_path / "run")
    manifest = json.loads((run.folder / "manifest.json").read_text())
    assert manifest == file_hashes(run.folder)
    assert {
        "config.yaml",
        "predictions.csv",
        "split1/predictions.csv",
        "splits/split0.json",
    } <= set(manifest)


def test_a_done_split_is_known_and_another_one_of_its_name_refused(tmp_path):
    run = finished(tmp_path / "run")
    assert run.has(split())
    assert not run.has(split("split7"))
    with pytest.raises(RunError, match=r"another split0.*fresh=true"):
        run.has(split(test=("c", "d", "e", "z")))


def test_notes_are_kept_once(tmp_path):
    run = open_run(tmp_path / "run", CONFIG)
    run.note("untrained")
    run.note("untrained")
    run.note("absent")
    assert run.notes() == ["untrained", "absent"]


def test_a_run_without_tests_has_no_results(tmp_path):
    run = open_run(tmp_path / "run", CONFIG)
    one = split(test=())
    run.begin(one)
    run.record(one.name, [])
    run.finish()
    assert run.results() is None
    assert run.finished
    assert run.has(one)


def test_results_and_card_of_a_run_that_stopped_are_refused(tmp_path):
    run = open_run(tmp_path / "run", CONFIG)
    with pytest.raises(RunError, match=r"run is not finished; rerun its command to resume it"):
        run.results()
    with pytest.raises(RunError, match=r"database\.json is absent: the run stopped before"):
        _ = run.database
    assert not run.finished


def test_opening_a_run_loads_neither_pandas_nor_scipy(tmp_path):
    finished(tmp_path / "run")
    code = (
        "import sys\n"
        "from vqa.runs.opening import load_run\n"
        f"run = load_run({str(tmp_path / 'run')!r})\n"
        "run.config, run.database, run.splits(), run.notes(), run.version, run.finished\n"
        "assert run.results().summary.splits == 2\n"
        "assert run.split_folder('split0').is_dir()\n"
        "sys.exit({'pandas', 'scipy', 'torch', 'sklearn', 'h5py'} & sys.modules.keys() or 0)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
