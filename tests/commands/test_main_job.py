"""The entry scripts on real clips: train, evaluate, score, extract, and what mistakes get."""

import csv
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.commands.calling import Failed, call
from tests.fakes import graded_clips
from tests.places import SHARED


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with nine clips of graded blur and a label table: own data."""
    return graded_clips(tmp_path_factory.mktemp("own"))


def own_data(place):
    return [
        "data=csv",
        f"data.labels={place / 'labels.csv'}",
        "data.mos_range=[1,5]",
        "features=multiscale",
        "protocol.test_fraction=0.34",
        "trainer.max_epochs=3",
        "loader.batch_size=4",
    ]


@pytest.fixture(scope="module")
def finished(place, drawn):
    """A finished run on own data, with the drawings of its page."""
    with drawn():
        call("train", place, *own_data(place), f"folder={place / 'run'}")
    return place / "run"


def test_run_folder_holds_everything(finished):
    names = {path.name for path in finished.iterdir()}
    assert names >= {
        "config.yaml", "database.json", "environment.json", "evidence.json", "failures.csv",
        "figures", "manifest.json", "predictions.csv", "report.html", "results.json", "split0",
        "splits", "videos.csv",
    }  # fmt: skip
    assert {path.name for path in (finished / "split0").iterdir()} >= {
        "history.csv", "learner.json", "model.safetensors", "predictions.csv", "checkpoints",
    }  # fmt: skip
    results = json.loads((finished / "results.json").read_text())
    predictions = pd.read_csv(finished / "predictions.csv")
    assert results["splits"]["split0"]["n"] == len(predictions) == 3
    timing = json.loads((finished / "timing.json").read_text())
    assert timing["splits"] == 1
    assert timing["training_s"] > 0
    assert timing["features"]["multiscale"]["dim"] > 0
    assert timing["features"]["multiscale"]["seconds_a_video"] > 0
    environment = json.loads((finished / "environment.json").read_text())
    assert environment["torch"]
    assert environment["seconds"] > 0
    page = (finished / "report.html").read_text()
    assert "data:image/jpeg;base64," in page
    assert page.count('<svg role="img"') >= 3
    figures = list((finished / "figures").glob("*.svg"))
    assert min(figure.stat().st_size for figure in figures) > 4000


def test_the_same_command_again_shows_the_same_results(finished, place, capsys):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()}
    call("train", place, *own_data(place), f"folder={finished}")
    printed = capsys.readouterr().out
    assert "SROCC" in printed
    assert f"report: {finished / 'report.html'}" in printed
    before.pop(finished / "config.yaml")
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_jobs_share_the_splits_of_a_run(place, finished, capsys):
    wanted = [
        *own_data(place),
        "protocol=repeated",
        "protocol.count=3",
        "protocol.test_fraction=0.34",
    ]
    shared, alone = place / "shared", place / "alone"
    call("train", place, *wanted, f"folder={shared}", "shard=1/2")
    assert "SROCC" not in capsys.readouterr().out
    assert not (shared / "results.json").exists()
    assert [(shared / f"split{k}" / "predictions.csv").is_file() for k in range(3)] == [
        True, False, True,
    ]  # fmt: skip
    call("train", place, *wanted, f"folder={shared}", "shard=2/2")
    assert "SROCC" in capsys.readouterr().out
    call("train", place, *wanted, f"folder={alone}")
    for name in ("predictions.csv", "results.json"):
        assert (shared / name).read_bytes() == (alone / name).read_bytes()


def test_a_sound_run_is_verified_and_a_tampered_file_named(finished, place, tmp_path, capsys):
    call("evaluate", place, f"verify={finished}", "rescore=2")
    printed = capsys.readouterr().out
    assert "holds; sha256" in printed
    assert "2 videos of each split score the same again, alone" in printed
    tampered = tmp_path / "run"
    shutil.copytree(finished, tampered)
    path = tampered / "split0" / "predictions.csv"
    path.write_text(path.read_text().replace("0.", "1.", 1))
    with pytest.raises(Failed):
        call("evaluate", place, f"verify={tampered}")
    printed = capsys.readouterr().out
    assert "does not hold" in printed
    assert "split0/predictions.csv was changed" in printed


def test_runs_are_compared_on_the_splits_that_they_share(finished, place, tmp_path, capsys):
    call(
        "train", place, *own_data(place)[:4], "protocol=imported", "seed=1",
        f"protocol.path={finished / 'splits'}", "trainer.max_epochs=3", "loader.batch_size=4",
        f"folder={tmp_path / 'second'}",
    )  # fmt: skip
    capsys.readouterr()
    call(
        "evaluate", place, f"runs=[{finished},{tmp_path / 'second'}]",
        f"output={tmp_path / 'comparison'}",
    )  # fmt: skip
    assert "1 splits, 3 videos in common" in capsys.readouterr().out
    assert (tmp_path / "comparison" / "comparison.html").is_file()


def test_several_databases_are_trained_on_as_one(place, tmp_path, capsys):
    """Own clips rated from 1 to 5 and small demo videos rated from 0 to 100, on one scale."""
    own = graded_clips(tmp_path / "own", count=16)
    folder = tmp_path / "run"
    wanted = [
        "data=combined", "data.parts=[csv,demo_camera]", "features=multiscale",
        f"data.read.readers.csv.labels={own / 'labels.csv'}",
        "data.read.readers.csv.mos_range=[1,5]",
        "+data.read.readers.demo_camera={_target_:vqa.databases.demo.read,_partial_:true,"
        f"root:{tmp_path / 'demo'},variant:demo_camera,contents:4,versions:4,frames:8,"
        "size:[64,48]}",
        "alignment=linear", "alignment.anchor=csv", "protocol.test_fraction=0.25",
        "trainer.max_epochs=2", "loader.batch_size=4",
    ]  # fmt: skip
    call("train", place, *wanted, f"folder={folder}")
    predictions = pd.read_csv(folder / "predictions.csv")
    assert {video.split("/")[0] for video in predictions["video"]} == {"csv", "demo_camera"}
    assert predictions["mos"].between(-1, 7).all()  # nobody's 0 to 100 is left
    alignment = json.loads((folder / "split0" / "alignment.json").read_text())
    slope, intercept = alignment["lines"]["demo_camera"]
    raw = pd.read_csv(folder / "videos.csv").set_index("video")["mos"]
    for row in predictions.itertuples():
        if row.video.startswith("demo_camera/"):
            assert row.mos == pytest.approx(slope * raw[row.video] + intercept)
    # Features are found by content, so each database alone would find them.
    assert len({path.parts[-3] for path in place.glob("cache/*/*/*.safetensors")}) == 1
    capsys.readouterr()
    call("evaluate", place, f"verify={folder}", "rescore=2")
    assert "holds; sha256" in capsys.readouterr().out
    call("evaluate", place, f"run={folder}")
    again = pd.read_csv(folder / "evaluations" / "combined" / "predictions.csv")
    pd.testing.assert_frame_equal(again, predictions, check_exact=True)
    assert (folder / "calibration.json").is_file()
    # On two scales at once a score would mean nothing.
    mixed = tmp_path / "mixed"
    call("train", place, *wanted[:-5], *wanted[-3:], f"folder={mixed}")
    assert not (mixed / "calibration.json").exists()
    call("evaluate", place, f"verify={mixed}")


def test_files_that_the_model_was_trained_on_are_left_out(finished, place, tmp_path, capsys):
    other = graded_clips(tmp_path / "other", count=4, seed=5)
    shutil.copy(place / "videos" / "clip3.mp4", other / "videos" / "clip1.mp4")
    call(
        "evaluate", place, f"run={finished}", "data=csv", "data.name=overlapping",
        f"data.labels={other / 'labels.csv'}", "data.mos_range=[1,5]",
    )  # fmt: skip
    folder = finished / "evaluations" / "overlapping"
    assert "videos/clip1.mp4" not in pd.read_csv(folder / "predictions.csv")["video"].tolist()
    assert "1 of 4 videos of overlapping are files of csv as well" in capsys.readouterr().out
    call("evaluate", place, f"verify={folder}")


def test_another_configuration_in_the_same_folder_is_refused(finished, place):
    with pytest.raises(Failed, match=r"another configuration \(.*seed differ\).*fresh=true"):
        call("train", place, *own_data(place), f"folder={finished}", "seed=1")


def test_evaluating_a_run_again_gives_the_same_numbers(finished, place):
    call("evaluate", place, f"run={finished}")
    again = pd.read_csv(finished / "evaluations" / "csv" / "predictions.csv")
    stored = pd.read_csv(finished / "predictions.csv")
    pd.testing.assert_frame_equal(again, stored, check_exact=True)


def test_evaluating_on_another_database_tests_all_of_it(finished, place, tmp_path):
    other = graded_clips(tmp_path / "other", count=4, seed=5)
    call(
        "evaluate", place, f"run={finished}", "data=csv", "data.name=other",
        f"data.labels={other / 'labels.csv'}", "data.mos_range=[1,5]",
    )  # fmt: skip
    folder = finished / "evaluations" / "other"
    assert len(pd.read_csv(folder / "predictions.csv")) == 4
    split = json.loads((folder / "splits" / "split0.json").read_text())
    assert all(video.startswith("csv:") for video in split["train"])
    assert (folder / "report.html").is_file()


@pytest.fixture(scope="module")
def scored(finished, place):
    """Scores of all clips, one broken file among them, and the exit status."""
    broken = place / "videos" / "broken.mp4"
    broken.write_bytes(b"no video at all")
    try:
        with pytest.raises(Failed) as failure:
            call(
                "evaluate", place, f"run={finished}", f"videos={place / 'videos'}",
                f"output={place / 'scores.json'}",
            )  # fmt: skip
    finally:
        broken.unlink()
    return json.loads((place / "scores.json").read_text())["videos"], failure.value


def test_scores_of_files_equal_the_predictions(finished, scored):
    videos, failure = scored
    assert "1 of 10 files failed" in str(failure)
    assert failure.status == 1
    by_name = {Path(video["video"]).name: video for video in videos}
    assert by_name["broken.mp4"]["score"] is None
    assert by_name["broken.mp4"]["error"]
    for row in pd.read_csv(finished / "predictions.csv").itertuples():
        video = by_name[Path(row.video).name]
        assert video["raw"] == pytest.approx(row.score, abs=1e-6)  # alone, not in a batch
        assert video["mos_range"] == [1, 5]
        assert len(video["frame_quality"]) == len(video["times_s"]) == video["frames"]
        assert video["reader"].startswith("pyav ")


def test_a_file_scores_the_same_alone_and_as_table(finished, scored, place, tmp_path):
    videos, _ = scored
    wanted = next(video for video in videos if video["score"] is not None)
    call(
        "evaluate", place, f"run={finished}", f"videos={wanted['video']}",
        f"output={tmp_path / 'one.csv'}", f"paths.cache={tmp_path / 'empty'}",
    )  # fmt: skip
    with (tmp_path / "one.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert float(row["score"]) == wanted["score"]
    timeline = pd.read_csv(tmp_path / "one.timeline.csv")
    assert timeline["frame_quality"].tolist() == wanted["frame_quality"]


def test_predictions_of_others(place, tmp_path, capsys):
    table = tmp_path / "theirs.csv"
    table.write_text("mos,score\n1,10\n2,20\n3,30\n4,45\n5,40\n")
    call("evaluate", place, f"predictions={table}")
    assert "0.9000" in capsys.readouterr().out


def test_published_predictions_give_the_papers_numbers(place, capsys):
    table = SHARED / "gstvqa" / "kon_cvd.csv"
    if not table.is_file():
        pytest.skip("the authors' predictions are not beside the checkout")
    call("evaluate", place, f"predictions={table}")
    printed = capsys.readouterr().out
    assert all(number in printed for number in ("0.7972", "0.5891", "0.7984"))


def test_extract_shares_the_work(place, tmp_path, capsys):
    wanted = [*own_data(place)[:4], f"paths.cache={tmp_path}"]
    for shard in ("1/2", "2/2", "1/1"):
        call("extract", place, *wanted, f"shard={shard}")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("5 made, 0 found, 0 failed")
    assert lines[1].startswith("4 made, 0 found, 0 failed")
    assert lines[2].startswith("0 made, 9 found, 0 failed")


def test_repeated_splits_and_vsfa_on_the_cached_features(finished, place):
    call(
        "train", place, "model=vsfa", *own_data(place), "protocol=repeated", "protocol.count=3",
        "protocol.test_fraction=0.34", "protocol.val_fraction=0.34", f"folder={place / 'vsfa'}",
    )  # fmt: skip
    results = json.loads((place / "vsfa" / "results.json").read_text())
    assert list(results["splits"]) == ["split0", "split1", "split2"]


def test_training_on_everything_tests_nothing_and_says_so(place, capsys, finished):
    wanted = [item for item in own_data(place) if not item.startswith("protocol")]
    call("train", place, *wanted, "protocol=full", f"folder={place / 'full'}")
    assert "SROCC" not in capsys.readouterr().out
    assert (place / "full" / "split0" / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("script", "overrides", "message"),
    [
        ("train", ["data=konvid"], r"konvid: .* is not a folder; set data\.root"),
        ("train", ["data=konvid", "data.root=null"], r"no folder given; set data\.root"),
        ("train", ["features=vgg16", "features.vgg16.weights=/none.pth"], r"no weights file at /n"),
        ("evaluate", [], r"expected one of run=<folder"),
        ("evaluate", ["run=/nowhere"], r"no run folder"),
        ("evaluate", ["predictions=/none.csv"], r"no such predictions file"),
    ],
)
def test_mistakes_get_one_clear_line(script, overrides, message, place):
    if script == "train" and overrides[0].startswith("features"):
        overrides = [*own_data(place)[:3], *overrides]
    with pytest.raises(Failed, match=message):
        call(script, place, *overrides)
