"""Run folders: opened again, refused, finished, and what they store."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from vqa.learners.base import Prediction
from vqa.records import Database, VideoRecord
from vqa.runs import RunError, identity, load_run, open_run
from vqa.splits import Split

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
    assert results["splits"]["split1"]["srocc"] == pytest.approx(1)
    assert json.loads((run.folder / "environment.json").read_text())["python"]
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


def test_facts_of_videos_are_stored_and_read_back(tmp_path):
    run = open_run(tmp_path / "run", CONFIG)
    videos = [
        VideoRecord("NA", Path("x"), 3.5, mos_std=0.5, content="null", width=640),
        VideoRecord("b.mp4", Path("y"), 2.0, frame_rate_hz=25.0),
    ]
    measured = {"width": "320", "height": "240", "frame_rate_hz": "30", "source": "0" * 64}
    run.list_videos(videos, lambda video: measured | {"reader": "pyav"})
    table = run.videos()
    assert table.index.tolist() == ["NA", "b.mp4"]
    assert table["content"].tolist() == ["null", "b.mp4"]  # a content of its own
    assert table["width"].tolist() == [640, 320]  # the label table knows better
    assert table["frame_rate_hz"].tolist() == [30, 25]
    assert table["group"].isna().all()
    assert table["source"].tolist() == ["0" * 64] * 2
    assert run.labels("split0").to_dict() == {"NA": 3.5, "b.mp4": 2.0}
    with pytest.raises(RunError, match=r"videos\.csv is absent"):
        open_run(tmp_path / "other", CONFIG).videos()


def test_the_manifest_names_what_numbers_rest_on(tmp_path):
    run = finished(tmp_path / "run")
    manifest = json.loads((run.folder / "manifest.json").read_text())
    assert manifest == run.hashes()
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


def test_the_same_folder_for_the_same_run_alone(tmp_path):
    folder = tmp_path / "run"
    finished(folder)
    elsewhere = {**CONFIG, "paths": {"runs": "y"}, "threads": 2}
    assert open_run(folder, elsewhere).has(split())
    with pytest.raises(RunError, match=r"\(model, seed differ\)"):
        open_run(folder, {**CONFIG, "seed": 1, "model": {"lr": 2.0}})
    anew = open_run(folder, {**CONFIG, "seed": 1}, fresh=True)
    assert not anew.has(split())
    assert yaml.safe_load((folder / "config.yaml").read_text())["seed"] == 1


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for fresh in (False, True):
        with pytest.raises(RunError, match="neither empty nor a run folder"):
            open_run(tmp_path, CONFIG, fresh=fresh)
    (tmp_path / "config.yaml").write_text("theme: minimal\n")
    with pytest.raises(RunError, match="is not a run's"):
        open_run(tmp_path, CONFIG, fresh=True)
    assert (tmp_path / "thesis.txt").is_file()
    (tmp_path / "config.yaml").unlink()
    with pytest.raises(RunError, match="no run folder"):
        load_run(tmp_path)


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


def test_identity_follows_what_shapes_the_numbers():
    assert identity(CONFIG) == identity({**CONFIG, "paths": {}, "logger": {}, "fresh": True})
    assert identity(CONFIG) != identity({**CONFIG, "seed": 1})
