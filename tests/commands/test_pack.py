"""vqa pack: model folders that score as their run does, hold all they need, and nothing else."""

import json
import re
import shutil

import numpy as np
import pytest
import torch
from torchvision.models import resnet18

from tests.commands.calling import Failed, call, run
from tests.fakes import graded_clips
from vqa.runs import RunError
from vqa.runs.calibration import Calibration
from vqa.runs.opening import load_run


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Nine clips, and a run of an SVR on the features of a network with local weights."""
    place = graded_clips(tmp_path_factory.mktemp("packed"))
    torch.manual_seed(0)
    torch.save(resnet18().state_dict(), place / "backbone.pth")
    train(
        place, place / "run", "features=resnet18", "features.resnet18.frames=2",
        f"features.resnet18.weights={place / 'backbone.pth'}", "protocol.test_fraction=0.34",
    )  # fmt: skip
    run("pack", place / "run", "--output", place / "model", "--name", "own")
    return place


def train(place, folder, *overrides):
    call(
        "train", place, "model=svr", "data=csv", "data.mos_range=[1,5]", "threads=1",
        f"data.labels={place / 'labels.csv'}", f"folder={folder}", *overrides,
    )  # fmt: skip


def scores(model, place, output):
    run("score", model, place / "videos" / "clip2.mp4", "--output", output,
        "--cache", output.parent / "cache")  # fmt: skip
    (row,) = json.loads(output.read_text(encoding="utf-8"))["videos"]
    return {key: row[key] for key in ("score", "raw", "interval", "percentile", "frame_quality")}


def test_a_model_folder_scores_as_its_run_does_and_needs_nothing_of_it(place, tmp_path):
    expected = scores(place / "run", place, tmp_path / "run.json")
    assert expected["score"] is not None
    moved = tmp_path / "elsewhere"
    shutil.copytree(place / "model", moved)
    hidden = place.with_name("hidden")
    (place / "backbone.pth").rename(hidden)
    try:
        assert scores(moved, place, tmp_path / "model.json") == expected
    finally:
        hidden.rename(place / "backbone.pth")


def test_a_model_folder_names_no_path_and_no_video_of_the_training(place):
    files = [path for path in (place / "model").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".md", ".yaml", ".safetensors", ".pth"}
    for path in files:
        content = path.read_bytes()
        assert str(place).encode() not in content, path
        assert not re.search(rb"clip\d", content), path
    config = load_run(place / "model").config
    assert config["features"]["resnet18"]["extractor"]["weights"] == "./weights/backbone.pth"
    card = (place / "model" / "README.md").read_text(encoding="utf-8")
    assert card.startswith("# own\n\nScores videos from 1 to 5, the MOS scale of csv;")
    assert re.search(r"\| all \| 3 \| -?[\d.]+", card)


def test_a_model_folder_is_packed_and_tested_again(place, tmp_path):
    run("pack", place / "model", "--output", tmp_path / "again")
    for part in ("split0/model.safetensors", "calibration.json", "weights/backbone.pth"):
        again, model = tmp_path / "again" / part, place / "model" / part
        assert again.read_bytes() == model.read_bytes()
    # All videos of this table are files that the model was trained on or tested with.
    with pytest.raises(Failed, match=r"all 9 videos of csv are files that .* was trained on"):
        call(
            "evaluate", tmp_path, f"run={place / 'model'}", "data=csv", "data.mos_range=[1,5]",
            f"data.labels={place / 'labels.csv'}",
        )  # fmt: skip
    graded_clips(tmp_path / "new", seed=1)
    call(
        "evaluate", tmp_path, f"run={place / 'model'}", "data=csv", "data.mos_range=[1,5]",
        f"data.labels={tmp_path / 'new' / 'labels.csv'}", "data.name=new",
    )  # fmt: skip
    results = json.loads((place / "model" / "evaluations" / "new" / "results.json").read_text())
    assert results["splits"]["split0"]["n"] == 9


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("weights/backbone.pth", lambda path: path.write_bytes(path.read_bytes() + b"0")),
        ("split0/model.safetensors", lambda path: path.write_bytes(b"0" * 100)),
        ("config.yaml", lambda path: path.write_text(path.read_text() + "\nmore: 1\n")),
        ("calibration.json", lambda path: path.write_text("{}")),
    ],
)
def test_a_changed_file_is_refused(place, tmp_path, file, change):
    model = tmp_path / "model"
    shutil.copytree(place / "model", model)
    change(model / file)
    with pytest.raises(Failed, match=rf"{file}.*(is not the file|does not hold|expected)"):
        scores(model, place, tmp_path / "scores.json")


def test_a_model_folder_reads_no_file_outside_it(place, tmp_path):
    """A stranger's folder, with a manifest that fits it, names a file of the user's."""
    model = tmp_path / "model"
    shutil.copytree(place / "model", model)
    outside = "./weights/../../secret.pth"
    (tmp_path / "secret.pth").write_bytes((place / "backbone.pth").read_bytes())
    path = model / "config.yaml"
    path.write_text(path.read_text().replace("./weights/backbone.pth", outside))
    manifest = json.loads((model / "manifest.json").read_text())
    (model / "manifest.json").write_text(json.dumps({**manifest, **_hash_of(path)}))
    with pytest.raises(Failed, match=r"no weights file at weights/\.\./\.\./secret\.pth"):
        scores(model, place, tmp_path / "scores.json")


def _hash_of(path):
    import hashlib

    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}


def test_mistakes_are_one_line(place, tmp_path):
    with pytest.raises(Failed, match=r"^error: .*model is not empty; choose another --output"):
        run("pack", place / "run", "--output", place / "model")
    with pytest.raises(Failed, match=r"computes its features itself \(resnet18\); leave"):
        run("pack", place / "run", "--output", tmp_path / "x", "--features", "nss")
    with pytest.raises(Failed, match=r"--about .*absent.md: expected a text file"):
        run("pack", place / "run", "--output", tmp_path / "x", "--about", "absent.md")
    (tmp_path / "empty").mkdir()
    with pytest.raises(Failed, match="is no run folder"):
        run("pack", tmp_path / "empty", "--output", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_run_on_a_matrix_is_packed_with_what_computes_its_features(place, tmp_path):
    """The run on all videos scores; the folds of the same settings give interval and card."""
    rng, rows = np.random.default_rng(0), ["video," + ",".join(f"f{k}" for k in range(186))]
    for index in range(9):
        rows.append(f"videos/clip{index}.mp4," + ",".join(map(str, rng.random(186) + index)))
    (tmp_path / "matrix.csv").write_text("\n".join(rows))
    matrix = ["features=external", f"features.external.path={tmp_path / 'matrix.csv'}"]
    train(place, tmp_path / "full", *matrix, "protocol=full")
    train(place, tmp_path / "folds", *matrix, "protocol=kfold", "protocol.folds=3",
          "protocol.rounds=2")  # fmt: skip
    (tmp_path / "about.md").write_text("## About\n\nText of my own.\n")
    with pytest.raises(Failed, match=r"learned from a matrix of features \(external\): give what"):
        run("pack", tmp_path / "full", "--output", tmp_path / "none")
    with pytest.raises(Failed, match="the model takes 186 features, those given are 1836"):
        run("pack", tmp_path / "full", "--output", tmp_path / "wrong", "--features", "nss")
    assert not (tmp_path / "wrong").exists()
    run(
        "pack", tmp_path / "full", "--folds", tmp_path / "folds", "--features", "multiscale",
        "--output", tmp_path / "model", "--about", tmp_path / "about.md",
    )  # fmt: skip
    packed = Calibration.load(tmp_path / "model")
    folds = Calibration.load(tmp_path / "folds")
    assert Calibration.load(tmp_path / "full").errors is None
    assert len(packed.errors.relative) == len(folds.errors.relative) == 9 * 2
    assert packed.errors.videos == 9
    card = (tmp_path / "model" / "README.md").read_text()
    assert "| all, median of the splits | 9 |" in card  # two rounds of three folds
    assert card.endswith("Text of my own.\n")
    assert scores(tmp_path / "model", place, tmp_path / "scores.json")["interval"]
    with pytest.raises(Failed, match=r"--folds .*expected a run of the same settings.*features"):
        run("pack", tmp_path / "full", "--folds", place / "run", "--features", "multiscale",
            "--output", tmp_path / "other")  # fmt: skip


def test_a_model_without_a_model_is_refused(place, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(place / "model", model)
    shutil.rmtree(model / "split0")
    with pytest.raises(Failed, match="no trained model"):
        scores(model, place, tmp_path / "scores.json")
    with pytest.raises(RunError, match="no trained model"):
        load_run(model).parts()
