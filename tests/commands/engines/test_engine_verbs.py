"""Verbs on an engine: what is shared out, and that the end state is that of one process."""

import json
from functools import partial

import pandas as pd
import pytest

from tests.commands.calling import Failed, call, run
from tests.commands.engines.here import Here, opened
from tests.fakes import graded_clips
from tests.places import CONF
from vqa.commands.engines import verbs

ENGINE = ["engine=slurm", "engine.array=3"]
NAMES = "[demo_coding,demo_camera]"
SIZE = {"contents": 4, "versions": 4, "frames": 8, "size": "[64,48]"}

pytestmark = pytest.mark.usefixtures("plain_reports")


@pytest.fixture
def engine(monkeypatch):
    made = Here()
    monkeypatch.setattr(verbs, "opened", partial(opened, engine=made))
    return made


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Data of a user's own, with a cache."""
    return graded_clips(tmp_path_factory.mktemp("own"), count=8)


def of(own, *words):
    """Overrides that choose these data."""
    return [
        "data=csv", f"data.labels={own / 'labels.csv'}", "data.mos_range=[1,5]",
        "features=multiscale", *words,
    ]  # fmt: skip


def training(own, *words):
    return of(
        own, "model=svr", "protocol=repeated", "protocol.count=2", "model.C=1", "model.gamma=1",
        f"paths.cache={own / 'cache'}", *words,
    )  # fmt: skip


def test_extraction_shares_the_videos(own, engine, tmp_path):
    call("extract", tmp_path, *of(own, *ENGINE))
    assert engine.verbs == [("extract", 3)]
    assert [words[-1] for words in engine.stages[0]] == ["shard=1/3", "shard=2/3", "shard=3/3"]
    assert not any("engine" in word for word in engine.stages[0][0])
    assert len(list((tmp_path / "cache").rglob("*.safetensors"))) == 8


def test_training_shares_features_then_splits_and_ends_as_one_process(own, engine, tmp_path):
    straight, shared = tmp_path / "straight", tmp_path / "shared"
    call("train", tmp_path, *training(own, f"folder={straight}"))
    call("train", tmp_path, *training(own, f"folder={shared}", *ENGINE))
    assert engine.verbs == [("features", 3), ("train", 2)]
    for name in ("predictions.csv", "results.json", "splits/split1.json"):
        assert (shared / name).read_bytes() == (straight / name).read_bytes(), name

    engine.stages.clear()  # a finished run is compared with its files, by one task
    call("train", tmp_path, *training(own, f"folder={shared}", *ENGINE))
    assert engine.verbs == [("train", 1)]


def test_a_failed_task_ends_the_command_with_its_number(own, engine, tmp_path):
    engine.status["train"] = 1
    with pytest.raises(Failed, match=r"2 of 2 tasks failed; .* rerun the command") as failed:
        call("train", tmp_path, *training(own, f"folder={tmp_path / 'run'}", *ENGINE))
    assert failed.value.status == 1
    assert "task 2 of 2 ended with status 1" in str(failed.value)


def test_a_share_cannot_be_chosen_beside_an_engine(own, engine, tmp_path):
    with pytest.raises(Failed, match="shard=1/2: expected no shard with an engine"):
        call("extract", tmp_path, *of(own, "shard=1/2", *ENGINE))
    assert engine.stages == []


def test_a_matrix_shares_its_rows(engine, tmp_path):
    small = [*(f"+data.read.{key}={value}" for key, value in SIZE.items())]
    words = [f"train={NAMES}", f"test={NAMES}", *small, "protocol.test_fraction=0.5"]
    words += ["model=svr", "model.C=1", "model.gamma=1", "features=multiscale"]
    call("cross", tmp_path, *words, f"output={tmp_path / 'matrix'}", *ENGINE)
    assert engine.verbs == [("features", 3), ("cross", 2)]
    shared = pd.read_csv(tmp_path / "matrix" / "matrix.csv")
    call("cross", tmp_path, *words, f"output={tmp_path / 'again'}")
    assert shared.equals(pd.read_csv(tmp_path / "again" / "matrix.csv"))
    assert len(shared) == 4
    with pytest.raises(Failed, match="fresh=true: expected fresh=false with an engine"):
        call("cross", tmp_path, *words, f"output={tmp_path / 'matrix'}", "fresh=true", *ENGINE)


STUDY = """\
title: Two models
notes: []
overrides: [features=multiscale]
metrics: [srocc]
columns:
  - {name: A, train: [data=konvid]}
rows:
  - {name: svr, train: [model=svr]}
  - {name: mean, train: [model=mean_mos]}
"""


def study(place, *words):
    path = place / "two.yaml"
    path.write_text(STUDY, encoding="utf-8")
    paths = [f"paths.{kind}={place / kind}" for kind in ("data", "cache", "runs")]
    run("study", path, "--smoke", *paths, f"output={place / 'out'}", *words)


def cells(place):
    return json.loads((place / "out" / "study.json").read_text(encoding="utf-8"))["cells"]


def test_a_study_shares_its_trainings_and_shows_what_is_finished(engine, tmp_path):
    engine.status["study"] = 1
    with pytest.raises(Failed, match="2 of 2 tasks failed"):
        study(tmp_path, *ENGINE)
    assert [cell["value"] for cell in cells(tmp_path)] == [None, None]
    engine.status.clear()
    engine.stages.clear()
    study(tmp_path, *ENGINE)
    assert engine.verbs == [("features", 3), ("study", 2)]
    assert "--smoke" in engine.stages[1][0]
    assert [cell["splits"] for cell in cells(tmp_path)] == [1, 1]


def test_shares_find_yaml_of_the_user(own, engine, tmp_path):
    conf = tmp_path / "conf"
    (conf / "features").mkdir(parents=True)
    text = (CONF / "features" / "multiscale.yaml").read_text(encoding="utf-8")
    text = text.replace("features.multiscale\n", "features.mine\n").replace(
        "name: multiscale", "name: mine"
    )
    (conf / "features" / "mine.yaml").write_text(text, encoding="utf-8")
    words = [word for word in of(own, *ENGINE) if not word.startswith("features")]
    call("extract", tmp_path, *words, "features=mine", f"--config-dir={conf}")
    assert f"--config-dir={conf}" in engine.stages[0][0]
    assert len(list((tmp_path / "cache").rglob("*.safetensors"))) == 8
