"""The cross-database matrix, over two small variants of the demo."""

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.commands.calling import Failed, call
from vqa.commands.cross import cross_database, format_matrix, write_matrix
from vqa.databases.demo import read
from vqa.files import write_csv

NAMES = ("demo_coding", "demo_timing")
SIZE = {"contents": 4, "versions": 4, "frames": 8, "size": [64, 48]}
SMALL = [
    *(f"+data.read.{key}={value}".replace(" ", "") for key, value in SIZE.items()),
    "trainer.max_epochs=2", "protocol.test_fraction=0.5",
]  # fmt: skip


def matrix(place, *overrides, without=()):
    """Run the command in this process."""
    small = [word for word in SMALL if not word.startswith(tuple(without))]
    call("cross", place, *small, *overrides)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("cross")
    names = ",".join(NAMES)
    matrix(place, f"train=[{names}]", f"test=[{names}]", f"output={place / 'matrix'}")
    return place


def test_the_matrix_has_every_cell(made):
    content = json.loads((made / "matrix" / "matrix.json").read_text())
    cells = {(cell["train"], cell["test"]): cell for cell in content["cells"]}
    assert set(cells) == {(a, b) for a in NAMES for b in NAMES}
    for (train, test), cell in cells.items():
        own = train == test
        assert cell["kind"] == ("protocol" if own else "whole")
        assert cell["n"] == (8 if own else 16)
        assert cell["splits"] == 1
        assert cell["excluded"] == 0
        low, high = cell["interval"]["srocc"]
        assert low <= cell["metrics"]["srocc"] <= high
    table = pd.read_csv(made / "matrix" / "matrix.csv")
    assert len(table) == 4
    assert (made / "matrix" / "matrix.html").is_file()
    printed = format_matrix(content)
    assert all(name in printed for name in NAMES)
    assert printed.count("*") == 3  # the diagonal, and the line that explains it


def test_random_weights_are_marked_in_table_and_text(made, tmp_path):
    content = json.loads((made / "matrix" / "matrix.json").read_text())
    assert [cell["untrained"] for cell in content["cells"]] == [[]] * 4
    assert "†" not in format_matrix(content)
    content["cells"][1]["untrained"] = ["cnn"]
    lines = format_matrix(content).splitlines()
    assert lines[-1] == "† random weights: says nothing about quality"
    assert sum("†" in line for line in lines) == 2
    write_matrix(content, tmp_path)
    marks = pd.read_csv(tmp_path / "matrix.csv")["untrained"].fillna("")
    assert marks.tolist() == ["", "cnn", "", ""]


def test_cells_are_those_of_their_runs(made):
    content = json.loads((made / "matrix" / "matrix.json").read_text())
    for cell in content["cells"]:
        results = json.loads((Path(cell["run"]) / "results.json").read_text())
        summary = results["summary"]
        assert summary["median"] | summary["further"] == cell["metrics"]


def test_again_nothing_is_trained(made, monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("trained again")

    monkeypatch.setattr("vqa.training.learners.neural.NeuralLearner.fit", refuse)
    before = (made / "matrix" / "matrix.csv").read_bytes()
    names = ",".join(NAMES)
    matrix(made, f"train=[{names}]", f"test=[{names}]", f"output={made / 'matrix'}")
    assert (made / "matrix" / "matrix.csv").read_bytes() == before


def test_files_of_both_databases_are_left_out(made):
    """The demo shares photographs with its variant, and so the files of the pristine versions."""
    matrix(made, "train=[demo_coding]", "test=[demo]", f"output={made / 'overlap'}")
    (cell,) = json.loads((made / "overlap" / "matrix.json").read_text())["cells"]
    assert cell["excluded"] > 0
    assert cell["n"] == 16 - cell["excluded"]
    assert "were left out" in " ".join(cell["notes"])


def test_models_of_the_protocol_can_test_elsewhere_too(made):
    matrix(
        made, "train=[demo_coding]", "test=[demo_timing]", "whole=null", "protocol=repeated",
        "protocol.count=2", f"output={made / 'splits'}",
    )  # fmt: skip
    (cell,) = json.loads((made / "splits" / "matrix.json").read_text())["cells"]
    assert (cell["kind"], cell["splits"], cell["n"]) == ("whole", 2, 16)


def label_table(path, name):
    """Write a label table of the videos of a variant."""
    videos = read(path.parent / "data" / name, variant=name, **SIZE).videos
    rows = [(video.path.relative_to(path.parent), video.mos, video.content) for video in videos]
    return write_csv(path, ["video", "mos", "content"], rows)


def test_label_tables_are_databases_of_their_names(made):
    mine = label_table(made / "my rated.csv", "demo_coding")
    theirs = label_table(made / "theirs.csv", "demo_timing")
    matrix(
        made, f"train=[{mine}]", f"test=[{mine},{theirs}]", "whole=null",
        "features=multiscale", f"output={made / 'tables'}", without=("+data.read",),
    )  # fmt: skip
    content = json.loads((made / "tables" / "matrix.json").read_text())
    assert (content["train"], content["test"]) == (["my rated"], ["my rated", "theirs"])
    assert [cell["n"] for cell in content["cells"]] == [8, 16]


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ("['demo','no/such.csv']", "test=no/such.csv: expected a label table, found no such file"),
        ("['{0}/a/labels.csv','{0}/b/labels.csv']", "labels: expected databases of different name"),
        ("['{0}/a/x\ty.csv']", "expected a name of letters.*rename the table"),
    ],
)
def test_label_tables_that_cannot_be_told_apart_are_refused(tmp_path, tables, message):
    for name in ("a/labels.csv", "b/labels.csv", "a/x\ty.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("video,mos\n")
    with pytest.raises(Failed, match=f"^error: .*{message}"):
        call("cross", tmp_path, "train=[demo]", f"test={tables.format(tmp_path)}")


@pytest.mark.slow
def test_a_recipe_with_a_protocol_of_its_own_is_trained_on_whole_databases_too(made):
    matrix(
        made, "experiment=gram/5b", "features.gram.weights=random", "train=[demo_coding]",
        "test=[demo_coding,demo_camera]", "protocol.rounds=1", "protocol.folds=2",
        "+data.read.versions=2", "+data.read.frames=2", f"output={made / 'gram'}",
        without=("protocol.test_fraction",),
    )  # fmt: skip
    own, other = json.loads((made / "gram" / "matrix.json").read_text())["cells"]
    assert (own["kind"], own["splits"], own["n"]) == ("protocol", 2, 8)
    assert (other["kind"], other["splits"], other["n"]) == ("whole", 1, 8)


@pytest.mark.parametrize("names", [[], ["demo", "demo"]])
def test_names_must_be_there_once(names, tmp_path):
    with pytest.raises(ValueError, match="each once"):
        cross_database(names, ["demo"], None, tmp_path)
