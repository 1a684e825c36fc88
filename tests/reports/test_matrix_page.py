"""The page on a matrix of databases."""

import json

import pytest

from tests.reports import page_folders
from tests.reports.html_page import Page, assert_well_made
from vqa.reports.matrix_page import write_matrix_page


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return page_folders.matrix(tmp_path_factory.mktemp("matrices") / "demo")


@pytest.fixture(scope="module")
def html(folder):
    return write_matrix_page(folder).read_text()


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_it_is_well_made(page):
    assert_well_made(page)


def test_verdict_and_sections(page):
    words = page.words()
    assert (
        "Mean SROCC 0.747 on the database trained on (3 cells), 0.508 on others (4 cells)." in words
    )
    for text in (
        "vsfa <i>across</i> databases",
        "8 of 9 cells computed",
        "Features come from untrained weights.",
        "konvid to livevqc: 7 videos are files of both and were skipped.",
        "What a cell means",
        "python train.py --config-name cross",
        "livequalcomm livevqc not computed",
        "konvid livevqc whole 1200 10 7 0.7100 0.660 to 0.760",
    ):
        assert text in words


def test_names_are_escaped(html):
    assert "<i>across" not in html


def test_every_metric_has_its_map_and_its_switch(folder, html):
    names = {path.name for path in (folder / "figures").iterdir()}
    assert names == {"matrix-srocc.svg", "matrix-plcc.svg", "matrix-rmse.svg"}
    for metric in ("srocc", "plcc", "rmse"):
        assert f"#maps:has(#show-{metric}:checked) .map-{metric} {{ display: block; }}" in html
    assert html.count(" checked>") == 1
    assert 'id="show-srocc" checked>' in html


def test_the_chosen_metric_comes_first(tmp_path):
    folder = page_folders.matrix(tmp_path / "demo")
    path = folder / "matrix.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"metric": "rmse"}))
    assert 'id="show-rmse" checked>' in write_matrix_page(folder).read_text()


def test_reports_are_linked_from_the_cells(tmp_path):
    folder = page_folders.matrix(tmp_path / "demo")
    report = tmp_path / "run 1: a" / "report.html"
    report.parent.mkdir()
    report.write_text("")
    path = folder / "matrix.json"
    content = json.loads(path.read_text())
    content["cells"][0]["run"] = str(report.parent)
    content["cells"][1]["run"] = "javascript:alert(1)"
    path.write_text(json.dumps(content))
    page = Page(write_matrix_page(folder).read_text())
    assert [v for v in page.values("href") if "report" in v] == ["../run%201%3A%20a/report.html"]


def test_a_matrix_with_nothing_computed_is_shown_as_such(tmp_path):
    folder = page_folders.matrix(tmp_path / "demo")
    path = folder / "matrix.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"cells": []}))
    page = Page(write_matrix_page(folder).read_text())
    assert "No cell has SROCC yet." in page.words()
    assert "0 of 9 cells computed" in page.words()
    assert_well_made(page)


def test_faults_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"matrix\.json: no such file"):
        write_matrix_page(tmp_path)
    folder = page_folders.matrix(tmp_path / "demo")
    path = folder / "matrix.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"metric": "psnr"}))
    with pytest.raises(ValueError, match=r"matrix\.json: metric='psnr': expected one of srocc, kr"):
        write_matrix_page(folder)
    del content["cells"][2]["n"]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"matrix\.json: cell 2 has no n"):
        write_matrix_page(folder)


def test_cells_of_random_weights_are_marked_and_left_out_of_the_means(tmp_path):
    folder = page_folders.matrix(tmp_path / "demo")
    path = folder / "matrix.json"
    content = json.loads(path.read_text())
    content["cells"][0]["untrained"] = ["cnn"]  # konvid to konvid, the best
    path.write_text(json.dumps(content))
    words = Page(write_matrix_page(folder).read_text()).words()
    assert (
        "Mean SROCC 0.725 on the database trained on (2 cells), 0.508 on others (4 cells). "
        "1 cell with random weights left out."
    ) in words
    assert "konvid konvid by protocol, random weights 240" in words
    assert "random weights" in (folder / "figures" / "matrix-srocc.svg").read_text()
    for cell in content["cells"]:
        cell["untrained"] = ["cnn"]
    path.write_text(json.dumps(content))
    words = Page(write_matrix_page(folder).read_text()).words()
    assert "Every cell has random weights: these numbers say nothing about quality." in words
