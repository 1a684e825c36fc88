"""Every study in smoke size; resuming, sharing, failures and released predictions."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tests.commands.calling import Failed, run
from tests.places import SHARED
from vqa.commands.study import work
from vqa.commands.study.command import OWN, do
from vqa.commands.study.composing import Composer, smoke_settings
from vqa.commands.study.definition import names, read
from vqa.commands.study.planning import Plan

# Slow ones whose like is tested here, or that tests/commands/study/figures has in miniature.
LEFT_OUT = (
    "clifvqa/table1", "gram/table1", "gram/table2", "saliency/fig2", "saliency/fig3",
    "saliency/fig6", "saliency/fig7", "saliency/table1", "saliency/table2", "vsfa/fig4",
)  # fmt: skip
# Their corners differ from that of clifvqa/table2 or gram/fig2 in one setting.
ALIKE = ("clifvqa/table3", "clifvqa/table4", "clifvqa/table5", "gram/fig3")
EMPTY = ("as printed", "the database trained on", "demo_camera has no such videos")

pytestmark = pytest.mark.usefixtures("plain_reports")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Databases, features and runs that all studies of this module share."""
    return tmp_path_factory.mktemp("studies")


@pytest.fixture(scope="module")
def composer(place):
    """One for all studies, which share many of their trainings; it composes each once."""
    paths = [f"paths.{kind}={place / kind}" for kind in ("data", "cache", "runs")]
    return Composer(paths, smoke=smoke_settings())


def study(place, name, *words, runs=None, output=None):
    """Run a study in smoke size; return study.json."""
    runs = runs or place / "runs"
    output = output or runs / "studies" / f"{Path(name).stem}-smoke"
    places = {"data": place / "data", "cache": place / "cache", "runs": runs}
    paths = [f"paths.{kind}={folder}" for kind, folder in places.items()]
    run("study", name, "--smoke", *paths, f"output={output}", *words)
    return json.loads((output / "study.json").read_text())


def check(found, folder):
    """Check what holds for every study in smoke size."""
    assert (folder / "study.html").is_file()
    assert found["notes"][0].startswith("SMOKE")
    for cell in found["cells"]:
        assert cell["empty"] or cell["splits"] >= 1
        assert cell["difference"] is None  # nothing is compared with the paper
    for picture in found["pictures"]:
        assert all((folder / file).stat().st_size for file in picture["files"])
    assert found["cells"] or found["pictures"]


def corner(whole):
    """The upper left corner of a table: two cells that are no averages, or a whole figure."""
    kept = {
        axis: [one for one in whole.axis(axis) if not one.derived and not one.as_printed][:count]
        for axis, count in {"blocks": 1, "rows": 1, "columns": 2}.items()
    }
    return replace(whole, **kept) if whole.rows else whole


@pytest.mark.filterwarnings("ignore:An input array is nearly constant")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.exhaustive] * (name in ALIKE))
        for name in names()
        if name not in LEFT_OUT
    ],
)
def test_a_corner_of_every_study(composer, name, tmp_path):
    """One training with its tests, and all outputs; the rest is left to other jobs."""
    plan = Plan(corner(read(name)), composer)
    assert do(plan, OWN | {"output": str(tmp_path), "shard": "1/99"}, smoke=True) == 0
    found = json.loads((tmp_path / "study.json").read_text())
    check(found, tmp_path)
    assert not plan.trainings or any(one["finished"] for one in found["trainings"])


@pytest.mark.exhaustive
@pytest.mark.filterwarnings("ignore:An input array is nearly constant")
@pytest.mark.parametrize("name", names())
def test_every_study_as_a_whole(place, name, tmp_path):
    found = study(place, name, output=tmp_path)
    check(found, tmp_path)
    assert all(one["finished"] for one in found["trainings"])
    assert all(cell["splits"] or cell["empty"] in EMPTY for cell in found["cells"])


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
    written = (done[0] / "split0" / "predictions.csv").stat().st_mtime_ns
    monkeypatch.setattr(work, "train", train)
    run("study", *words)
    whole = json.loads((output / "study.json").read_text())
    assert whole["cells"][0] == partly["cells"][0]
    assert (done[0] / "split0" / "predictions.csv").stat().st_mtime_ns == written
    one, other, mean = (cell["value"] for cell in whole["cells"][:3])
    assert mean == pytest.approx((18 * one + 18 * other) / 36)
    assert [cell["printed"] for cell in whole["cells"][3:]] == [0.5, 0.6, 0.55]


def test_shards_share_the_trainings(place, own, tmp_path):
    runs = tmp_path / "runs"
    first = study(place, str(own), "shard=1/2", runs=runs)
    assert [cell["empty"] for cell in first["cells"][:2]] == ["", "left to another job"]
    second = study(place, str(own), "shard=2/2", runs=runs)
    assert all(not cell["empty"] for cell in second["cells"][:3])
    assert len(list((tmp_path / "runs").glob("svr-*"))) == 2


def test_a_training_that_fails_costs_its_cells_only(place, own, tmp_path):
    own.write_text(TINY.replace("data=cvd2014", "data=cvd2014, init_from=nowhere"))
    with pytest.raises(Failed, match="nowhere is no run folder") as caught:
        study(place, str(own), runs=tmp_path / "runs", output=tmp_path / "out")
    assert caught.value.status == 1
    found = json.loads((tmp_path / "out" / "study.json").read_text())
    known = [cell["value"] is not None for cell in found["cells"][:3]]
    assert known == [True, False, False]
    assert "nowhere" in found["cells"][1]["empty"]


def test_absent_databases_leave_their_cells_empty(own, tmp_path, capsys):
    paths = [f"paths.{kind}={tmp_path / kind}" for kind in ("data", "cache", "runs")]
    run("study", str(own), *paths)
    printed = capsys.readouterr().out
    assert "konvid is absent" in printed
    found = json.loads((tmp_path / "runs" / "studies" / "mine" / "study.json").read_text())
    assert [cell["value"] for cell in found["cells"]] == [None] * 6
    assert "konvid is absent" in found["cells"][0]["empty"]


@pytest.mark.skipif(not (SHARED / "gstvqa").is_dir(), reason="no released predictions here")
@pytest.mark.parametrize(
    "pairs", [["kon_liveq"], pytest.param(None, marks=pytest.mark.exhaustive)], ids=["one", "all"]
)
def test_table_2_from_the_released_predictions(tmp_path, pairs):
    """The printed numbers of Chen et al., Table II, to four decimals."""
    (tmp_path / "released").mkdir()
    for file in (SHARED / "gstvqa").glob("*.csv"):
        if pairs is None or file.stem in pairs:
            shutil.copy(file, tmp_path / "released")
    words = [f"paths.{kind}={tmp_path / kind}" for kind in ("data", "cache", "runs")]
    run("study", "gstvqa/table2", f"predictions={tmp_path / 'released'}", *words)
    folder = tmp_path / "runs" / "studies" / "gstvqa-table2"
    table = pd.read_csv(folder / "table.csv")
    known = table[table["value"].notna() & (table["column"] != "average")]
    assert len(known) == (4 if pairs else 24)
    assert (known["difference"].abs() <= 1.01e-4).all()  # PWRC of one pair differs by .0001
    assert (known[known["metric"] != "pwrc"]["difference"].abs() < 5.1e-5).all()
    assert known["inside"].all()
    if pairs:
        return
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
