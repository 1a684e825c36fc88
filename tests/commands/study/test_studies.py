"""Every study in smoke size; resuming, sharing, failures and released predictions."""

import json
import shutil

import pandas as pd
import pytest

from tests.commands.calling import Failed, run
from tests.places import SHARED
from vqa.commands.study import work
from vqa.commands.study.definition import names


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Databases, features and runs that all studies of this module share."""
    return tmp_path_factory.mktemp("studies")


@pytest.fixture(autouse=True)
def plain_reports(monkeypatch):
    """Runs without their pages, which take most of the time and are tested elsewhere."""
    monkeypatch.setattr("vqa.commands.conclusion.write_evidence", lambda *_: None)
    monkeypatch.setattr(
        "vqa.commands.conclusion.write_report",
        lambda folder: (folder / "report.html").write_text(""),
    )


def study(place, name, *words):
    """Run a study in smoke size; return study.json."""
    paths = [f"paths.{kind}={place / kind}" for kind in ("data", "cache", "runs")]
    run("study", name, "--smoke", *paths, *words)
    own = [word.partition("=")[2] for word in words if word.startswith("output=")]
    folder = own[0] if own else place / "runs" / "studies" / f"{name.replace('/', '-')}-smoke"
    return json.loads((type(place)(folder) / "study.json").read_text())


@pytest.mark.parametrize("name", names())
def test_smoke(place, name):
    found = study(place, name)
    folder = place / "runs" / "studies" / f"{name.replace('/', '-')}-smoke"
    assert (folder / "study.html").is_file()
    assert all(one["finished"] for one in found["trainings"])
    assert found["notes"][0].startswith("SMOKE")
    for cell in found["cells"]:
        assert cell["empty"] or cell["splits"] >= 1
        assert cell["difference"] is None  # nothing is compared with the paper
    for picture in found["pictures"]:
        assert all((folder / file).stat().st_size for file in picture["files"])
    assert found["cells"] or found["pictures"]


TINY = """
title: mine
overrides: [model=svr, features=multiscale, protocol=repeated, protocol.count=2]
metrics: [srocc]
aggregate: mean
columns:
  - {name: A, train: [data=konvid]}
  - {name: B, train: [data=cvd2014]}
  - {name: mean, average: [A, B], weights: videos}
rows: [ours, {name: theirs, as_printed: true, printed: [.5, .6, .55]}]
"""


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(TINY)
    return path


def test_a_killed_study_resumes_and_makes_each_training_once(place, own, tmp_path, monkeypatch):
    done = []
    train = work.train

    def until_killed(experiment):
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(experiment.folder)
        return train(experiment)

    monkeypatch.setattr(work, "train", until_killed)
    output = tmp_path / "out"
    paths = [f"paths.{kind}={place / kind}" for kind in ("data", "cache")]
    words = [str(own), "--smoke", *paths, f"paths.runs={tmp_path / 'runs'}", f"output={output}"]
    with pytest.raises(Failed):
        run("study", *words)
    partly = json.loads((output / "study.json").read_text())
    assert [cell["value"] is not None for cell in partly["cells"][:3]] == [True, False, False]
    written = (
        done[0] / "model.safetensors",
        (done[0] / "split0" / "predictions.csv").stat().st_mtime_ns,
    )
    monkeypatch.setattr(work, "train", train)
    run("study", *words)
    whole = json.loads((output / "study.json").read_text())
    assert whole["cells"][0] == partly["cells"][0]
    assert (done[0] / "split0" / "predictions.csv").stat().st_mtime_ns == written[1]
    one, other, mean = (cell["value"] for cell in whole["cells"][:3])
    assert mean == pytest.approx((18 * one + 18 * other) / 36)
    assert [cell["printed"] for cell in whole["cells"][3:]] == [0.5, 0.6, 0.55]


def test_shards_share_the_trainings(place, own, tmp_path):
    words = [f"paths.runs={tmp_path / 'runs'}", f"output={tmp_path / 'out'}"]
    first = study(place, str(own), *words, "shard=1/2")
    assert [cell["empty"] for cell in first["cells"][:2]] == ["", "left to another job"]
    second = study(place, str(own), *words, "shard=2/2")
    assert all(not cell["empty"] for cell in second["cells"][:3])
    assert len(list((tmp_path / "runs").glob("svr-*"))) == 2


def test_a_training_that_fails_costs_its_cells_only(place, own, tmp_path):
    own.write_text(TINY.replace("data=cvd2014", "data=cvd2014, protocol.count=0"))
    with pytest.raises(Failed, match="count=0: expected at least one split") as caught:
        study(place, str(own), f"paths.runs={tmp_path / 'runs'}", f"output={tmp_path / 'out'}")
    assert caught.value.status == 1
    found = json.loads((tmp_path / "out" / "study.json").read_text())
    known = [cell["value"] is not None for cell in found["cells"][:3]]
    assert known == [True, False, False]
    assert "count=0" in found["cells"][1]["empty"]


def test_absent_databases_leave_their_cells_empty(own, tmp_path, capsys):
    paths = [f"paths.{kind}={tmp_path / kind}" for kind in ("data", "cache", "runs")]
    run("study", str(own), *paths)
    printed = capsys.readouterr().out
    assert "konvid is absent" in printed
    found = json.loads((tmp_path / "runs" / "studies" / "mine" / "study.json").read_text())
    assert [cell["value"] for cell in found["cells"]] == [None] * 6
    assert "konvid is absent" in found["cells"][0]["empty"]


@pytest.mark.skipif(not (SHARED / "gstvqa").is_dir(), reason="no released predictions here")
def test_table_2_from_the_released_predictions(tmp_path):
    """The printed numbers of Chen et al., Table II, to four decimals."""
    words = [f"paths.{kind}={tmp_path / kind}" for kind in ("data", "cache", "runs")]
    run("study", "gstvqa/table2", f"predictions={SHARED / 'gstvqa'}", *words)
    folder = tmp_path / "runs" / "studies" / "gstvqa-table2"
    table = pd.read_csv(folder / "table.csv")
    known = table[table["value"].notna() & (table["column"] != "average")]
    assert len(known) == 24
    assert (known["difference"].abs() <= 1.01e-4).all()  # PWRC of one pair differs by .0001
    assert (known[known["metric"] != "pwrc"]["difference"].abs() < 5.1e-5).all()
    assert known["inside"].all()
    mean = table[(table["row"] == "KoNViD-1k") & (table["column"] == "average")]
    assert mean["value"].iloc[0] == pytest.approx((0.7972 + 0.6200 + 0.6797) / 3, abs=1e-4)


def test_released_predictions_of_matlab_files_and_wrong_folders(tmp_path):
    from scipy.io import savemat

    pairs = {"mos": [[1.0], [2], [3], [4]], "pred": [[1.0], [3], [2], [4]]}
    savemat(tmp_path / "kon_cvd.mat", pairs)
    words = [f"paths.{kind}={tmp_path / kind}" for kind in ("data", "cache", "runs")]
    run("study", "gstvqa/table2", f"predictions={tmp_path}", *words)
    found = json.loads((tmp_path / "runs" / "studies" / "gstvqa-table2" / "study.json").read_text())
    assert found["cells"][0]["value"] == pytest.approx(0.8)
    with pytest.raises(Failed, match="expected files such as"):
        run("study", "gstvqa/table2", f"predictions={tmp_path / 'data'}", *words)
    with pytest.raises(Failed, match="no predictions of vsfa/table1 were released"):
        run("study", "vsfa/table1", f"predictions={tmp_path}", *words)


def test_usage(tmp_path, capsys):
    run("study")
    printed = capsys.readouterr().out
    assert all(name in printed for name in names())
    run("study", "gstvqa/table2", "--plan", f"paths.data={tmp_path}")
    assert "4 trainings, 12 tests" in capsys.readouterr().out
    assert not (tmp_path / "runs").exists()
    for words, message in {
        ("gstvqa/table2", "data=konvid"): "the study says which data",
        ("model=svr",): "expected the name of a study",
        ("gstvqa/table2", "--plam"): "unrecognized arguments",
        ("gstvqa/table2", "trainer.max_epoch=3"): "there is no setting trainer.max_epoch",
    }.items():
        with pytest.raises(Failed, match=message):
            run("study", *words)
    shutil.rmtree(tmp_path)
