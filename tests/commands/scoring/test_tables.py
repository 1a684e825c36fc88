"""The forms of the outputs: tables, JSON, Parquet, the call of the page; what they may replace."""

import csv
import json
import os
import sys
import tracemalloc
import types

import pyarrow
import pytest
from pyarrow import parquet

from tests.commands.scoring.scores import SCORES
from tests.places import ROOT
from vqa.commands.scoring.journal import Row
from vqa.commands.scoring.outputs import Output, partial_of, wanted
from vqa.commands.scoring.score import Score
from vqa.commands.scoring.tables import COLUMNS, write

SUFFIXES = ("csv", "json", "jsonl", "parquet")
MODEL = {"name": "run", "scale": [1, 5], "opinions": None, "level": None, "timeline": "frames"}


def write_all(path, scores=SCORES, notes=(), **named):
    """Write all outputs of a job; return their paths."""
    outputs = wanted(path, named)
    for output in outputs:
        rows = (Row(f"/videos/{one.video}", one.entry()) for one in scores)
        write(output, rows, model={**MODEL, "notes": list(notes)}, command="vqa score")
    return [output.path for output in outputs]


def table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_tables_and_json_round_trip(tmp_path):
    files = write_all(tmp_path / "new" / "s.csv")
    assert [path.name for path in files] == ["s.csv", "s.timeline.csv"]
    rows = table(files[0])
    assert tuple(rows[0]) == COLUMNS
    assert float(rows[0]["score"]) == 3.25
    assert (rows[0]["note"], rows[1]["note"]) == ("two, or more", "odd")
    assert (rows[0]["run"], rows[0]["timeline"]) == ("run-1", "each frame")
    assert rows[1]["score"] == ""
    assert rows[1]["error"] == "not a video"
    assert rows[2]["video"] == SCORES[2].video
    assert files[1].read_text().splitlines()[2] == "a.mp4,0.04,3.5"
    (path,) = write_all(tmp_path / "s.json", notes=["beware"])
    content = json.loads(path.read_text())
    assert content["notes"] == ["beware"]
    assert content["videos"][0]["frame_quality"] == [3.0, 3.5]
    assert content["videos"][0]["timeline"] == "each frame"
    assert content["videos"][0]["note"] == "two, or more"
    assert content["videos"][1]["score"] is None
    (path,) = write_all(tmp_path / "s.jsonl")
    assert [json.loads(line) for line in path.read_text().splitlines()] == content["videos"]


def test_an_empty_json_and_upper_case_suffixes(tmp_path):
    (path,) = write_all(tmp_path / "s.JSON", scores=())
    assert json.loads(path.read_text()) == {"notes": [], "videos": []}
    assert [path.name for path in write_all(tmp_path / "S.CSV")] == ["S.CSV", "S.timeline.csv"]


def test_parquet_is_read_back(tmp_path):
    score = Score("c.mp4", 3.0, (1, 5), interval=(2.0, 4.0), percentile=50.0, level=0.9)
    (path,) = write_all(tmp_path / "s.parquet", [*SCORES, score])
    rows = parquet.read_table(path).to_pylist()
    assert [row["video"] for row in rows] == [one.video for one in [*SCORES, score]]
    assert tuple(rows[0]) == (*COLUMNS, "times_s", "frame_quality")
    assert rows[0]["frame_quality"] == [3.0, 3.5]
    assert (rows[1]["score"], rows[1]["error"]) == (None, "not a video")
    assert (rows[3]["interval_low"], rows[3]["interval_high"], rows[3]["level"]) == (2.0, 4.0, 0.9)


def test_the_page_gets_the_rows_with_their_paths(tmp_path, monkeypatch):
    given = {}

    def write_page(path, rows, *, model, command, raw, quiet):
        given.update(path=path, rows=list(rows), model=model, command=command)

    page = types.ModuleType("vqa.reports.scoring.page")
    page.write_page = write_page
    monkeypatch.setitem(sys.modules, "vqa.reports.scoring", types.ModuleType("scoring"))
    monkeypatch.setitem(sys.modules, "vqa.reports.scoring.page", page)
    (path,) = write_all(tmp_path / "s.html", notes=["beware"])
    assert given["path"] == path
    assert given["rows"] == [{**one.entry(), "path": f"/videos/{one.video}"} for one in SCORES]
    assert given["model"] == {**MODEL, "notes": ["beware"]}
    assert given["command"] == "vqa score"


def test_several_outputs_of_one_job_and_their_names(tmp_path):
    named = {"csv": tmp_path / "b", "timeline": tmp_path / "t", "parquet": None, "html": None}
    outputs = wanted(tmp_path / "a.jsonl", named)
    assert [(one.path.name, one.form) for one in outputs] == [
        ("a.jsonl", "jsonl"), ("b", "csv"), ("t", "timeline"),
    ]  # fmt: skip
    assert partial_of(outputs).name == "a.jsonl.partial"
    outputs = wanted(tmp_path / "a.csv", {}, "2/3")
    assert [one.path.name for one in outputs] == ["a.2-of-3.csv", "a.2-of-3.timeline.csv"]
    with pytest.raises(ValueError, match="two outputs have this name"):
        wanted(tmp_path / "a.csv", {"timeline": tmp_path / "a.csv"})
    with pytest.raises(ValueError, match="expected i/n"):
        wanted(tmp_path / "a.csv", {}, "4/3")


def test_another_suffix_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.csv, \.json, \.jsonl, \.parquet, \.html"):
        write_all(tmp_path / "s.xlsx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", SUFFIXES[:3])
def test_names_of_any_bytes_are_text(tmp_path, suffix):
    name = os.fsdecode(b"caf\xe9.mp4")
    path, *_ = write_all(tmp_path / f"s.{suffix}", [Score(name, 2.0, (1, 5), error=name)])
    text = path.read_text(encoding="utf-8")
    assert text.count("caf\\xe9.mp4" if suffix == "csv" else "caf\\\\xe9.mp4") == 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.csv", "video,mos\na,3\n"), ("theirs.csv", "video,score,mos\na,3,3\n"),
        ("a.json", "[1]"), ("b.jsonl", "x"), ("s.timeline.csv", "mine"), ("c.parquet", "x"),
        ("d.html", "<!doctype html><p>mine</p>"), ("e.csv.partial", "mine"),
    ],
)  # fmt: skip
def test_nothing_but_scores_is_overwritten(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"{name}: this file exists and holds no scores"):
        write_all(tmp_path / name.replace(".timeline", "").replace(".partial", ""))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text(encoding="utf-8") == text


def test_a_page_of_ours_may_be_replaced(tmp_path):
    template = ROOT / "vqa" / "reports" / "templates" / "page.html"
    (tmp_path / "s.html").write_text(template.read_text(encoding="utf-8"), encoding="utf-8")
    assert wanted(tmp_path / "s.html", {}) == [Output(tmp_path / "s.html", "html")]


def test_a_parquet_file_of_yours_is_not_replaced(tmp_path):
    parquet.write_table(pyarrow.table({"video": ["a"], "mos": [3.0]}), tmp_path / "s.parquet")
    with pytest.raises(ValueError, match=r"s\.parquet: this file exists and holds no scores"):
        wanted(tmp_path / "s.parquet", {})


def test_scores_and_empty_files_are_overwritten(tmp_path):
    (tmp_path / "empty.csv").touch()
    wanted(tmp_path / "empty.csv", {})
    for suffix in SUFFIXES:
        write_all(tmp_path / f"again.{suffix}")
        write_all(tmp_path / f"again.{suffix}")


def test_places_that_are_no_files_are_refused(tmp_path):
    (tmp_path / "d.json").mkdir()
    with pytest.raises(ValueError, match="expected a file"):
        wanted(tmp_path / "d.json", {})
    (tmp_path / "a.csv").touch()
    with pytest.raises(ValueError, match=r"folder that can be written to, found .*a\.csv"):
        wanted(tmp_path / "a.csv" / "s.csv", {})


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert wanted("~/s.json", {}) == [Output(tmp_path / "s.json", "json")]


@pytest.mark.parametrize("suffix", SUFFIXES[:3])
def test_memory_does_not_grow_with_the_rows(tmp_path, suffix):
    score = Score("a.mp4", 2.0, (1, 5), 300, [0.04] * 300, [2.0] * 300)

    def peak(count):
        tracemalloc.start()
        write_all(tmp_path / f"s.{suffix}", [score] * count)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)
    assert peak(60) < 2 * peak(6)
