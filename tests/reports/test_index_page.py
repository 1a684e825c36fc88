"""The index of runs: what is listed, linked and escaped, and how it looks without scripts."""

import json
import os

import pytest

from tests.commands.calling import Failed, run
from tests.reports import page_folders
from tests.reports.html_page import Page, assert_well_made
from tests.runs.comparison.finished_runs import make, split
from vqa.runs.opening import open_run

AWKWARD = "half <i>done</i>"


def half_done(folder):
    settings = {"name": AWKWARD, "seed": 0, "model": {}, "data": {"name": "konvid"}}
    half = open_run(folder, settings)
    for number in range(3):
        half.begin(split(number))
    half.record("split1", [])


def study(folder, values=(0.5, None, 0.7)):
    folder.mkdir(parents=True)
    cells = [{"row": "a", "column": str(place), "value": one} for place, one in enumerate(values)]
    content = {"name": "gstvqa/table2", "title": "Table II", "cells": cells}
    (folder / "study.json").write_text(json.dumps(content))
    (folder / "study.html").write_text("")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("all") / "my runs"
    make(place, "done", 0.2)
    half_done(place / "sweep 1" / "half")
    study(place / "studies" / "table2")
    half_done(place / "studies" / "table2" / "inside")
    page_folders.matrix(place / "cross").joinpath("matrix.html").write_text("")
    page_folders.comparison(place / "comparison")
    run("runs", place, "--html")
    return place


@pytest.fixture(scope="module")
def page(place):
    return Page((place / "index.html").read_text())


def test_it_is_well_made(page):
    assert_well_made(page, drawings=False)


def test_all_is_listed_with_its_numbers(page):
    words = page.words()
    for text in (
        "my runs 2 runs, 1 finished; 1 study; 1 matrix; 1 comparison.",
        "Table II studies/table2 study 2 of 3 cells",
        "8 of 9 cells",
        "3 models",
        f"{AWKWARD} sweep 1/half run konvid 1 of 3 splits",
        "done run",
    ):
        assert text in words
    assert AWKWARD not in page.html
    assert page.html.count("<tr>") == 1 + 5


def test_pages_that_exist_are_linked_from_where_the_index_is(place, tmp_path_factory):
    def links(html):
        return {link for link in Page(html).values("href") if link.endswith(".html")}

    (place / "sweep 1" / "half" / "report.html").write_text("")
    run("runs", place, "--html")
    expected = {"studies/table2/study.html", "cross/matrix.html", "sweep%201/half/report.html"}
    assert links((place / "index.html").read_text()) >= expected
    elsewhere = place.parent / "here" / "all.html"
    elsewhere.parent.mkdir()
    run("runs", place, "--html", elsewhere)
    assert {f"../my%20runs/{link}" for link in expected} <= links(elsewhere.read_text())


def test_damaged_studies_are_skipped_with_a_reason(place, tmp_path, caplog):
    study(tmp_path / "a")
    (tmp_path / "a" / "study.json").write_text('{"title": "a", "cells": [1]}')
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "matrix.json").write_text("[]")
    run("runs", tmp_path, "--html")
    assert "Nothing here yet." in Page((tmp_path / "index.html").read_text()).words()
    assert caplog.text.count("skipped") == 2


def test_names_of_any_bytes_are_linked(tmp_path):
    study(tmp_path / os.fsdecode(b"caf\xe9"))
    run("runs", tmp_path, "--html")
    page = Page((tmp_path / "index.html").read_text())
    assert "caf%E9/study.html" in page.values("href")
    assert r"caf\xe9" in page.words()


def test_a_page_of_someone_else_is_left_alone(tmp_path):
    (tmp_path / "index.html").write_text("<p>My site</p>")
    with pytest.raises(Failed, match="expected no file, or a page that vqa wrote"):
        run("runs", tmp_path, "--html")
    assert (tmp_path / "index.html").read_text() == "<p>My site</p>"
    with pytest.raises(Failed, match=r"--html=.*: expected a file, found a folder"):
        run("runs", tmp_path, "--html", tmp_path)
