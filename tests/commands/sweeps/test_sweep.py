"""`vqa train -m`: the jobs of a sweep and their table."""

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.commands.calling import Failed, run
from tests.fakes import graded_clips
from vqa.commands.sweeps.sweep import Sweep

SETTINGS = (
    "data=csv", "data.mos_range=[1,5]", "data.labels=labels.csv", "threads=1", "model=svr",
    "model.C=4", "model.gamma=1", "features=multiscale", "protocol.test_fraction=0.5",
)  # fmt: skip


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(graded_clips(tmp_path / "own"))
    return tmp_path / "own"


@pytest.mark.slow
def test_a_sweep_ends_with_one_table_and_a_page(place, capsys):
    """One job of the four fails; the others are summed up, and the command ends with its status."""
    sweep = ("-m", "seed=1,2", "model.epsilon=0.1,-1")
    with pytest.raises(Failed, match=r"job 1: model\.epsilon=-1: expected a number") as failure:
        run("train", *SETTINGS, *sweep)
    assert failure.value.status == 2
    printed = capsys.readouterr().out
    (folder,) = (place / "runs").glob("sweep-*")
    content = json.loads((folder / "sweep.json").read_text())
    assert content["swept"] == ["model.epsilon"]
    assert [row["runs"] for row in content["rows"]] == [2, 0]
    assert [job["status"] for job in content["jobs"]] == ["finished", "failed"] * 2
    assert list(pd.read_csv(folder / "sweep.csv")["model.epsilon"]) == [0.1, -1]
    assert "t interval of the mean, what other seeds would change" in printed
    assert "seed=2 model.epsilon=-1: failed: model.epsilon=-1: expected" in printed
    page = (folder / "sweep.html").read_text()
    assert page.count(">report</a>") == 2
    assert "../svr-csv-multiscale-" in page


def test_the_same_sweep_has_the_same_folder():
    def folder(*words):
        return Sweep(["model=svr", "features=multiscale", "-m", *words]).folder

    own = folder("seed=1,2", "model.epsilon=0.1,0.2")
    assert own == folder("model.epsilon=0.1,0.2", "paths.cache=elsewhere", "seed=1,2", "threads=1")
    assert own != folder("seed=1,2,3", "model.epsilon=0.1,0.2")
    assert folder("seed=1,2", "paths.runs=other") == Path("other") / folder("seed=1,2").name


def test_the_first_job_stands_for_all_even_if_it_is_wrong():
    swept = Sweep(["-m", "seed=5,6", "model=vsfa", "model.optimizer.lr=-1"])
    assert swept.keys == ["seed"]
    assert swept.settings["seed"] == 5
