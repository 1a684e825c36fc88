"""A study's table as text, Markdown, LaTeX, CSV and page."""

import csv
import io
import re

import pytest

from tests.reports.html_page import Page
from vqa.files import write_json
from vqa.reports.study import as_csv, as_latex, as_markdown, as_text, write_study_page


def cell(row, column, metric, value, **more):
    return {
        "block": "", "row_group": "", "row": row, "column_group": "Trained on A", "column": column,
        "metric": metric, "value": value, "low": None, "high": None, "std": None,
        "std_population": None, "splits": 1, "videos": 9, "printed": None,
        "printed_deviation": None, "difference": None, "inside": None, "empty": "",
        "untrained": [], "runs": [],
    } | more  # fmt: skip


@pytest.fixture
def study():
    known = {"low": 0.7, "high": 0.9, "std": 0.02, "std_population": 0.01}
    return {
        "name": "paper/table1", "title": "A & B_c", "source": "Them, 2020", "aggregate": "mean",
        "deviation": "sample", "digits": 3, "level": 0.95,
        "blocks": [{"name": "", "group": ""}],
        "rows": [{"name": "λ = 0", "group": ""}, {"name": "theirs", "group": ""}],
        "columns": [{"name": "X", "group": "Trained on A"}, {"name": "Y", "group": "Trained on A"}],
        "metrics": ["srocc", "plcc_raw"],
        "titles": {"srocc": "SROCC", "plcc_raw": "PLCC raw"},
        "cells": [
            cell("λ = 0", "X", "srocc", 0.8, printed=0.85, difference=-0.05, inside=True, **known),
            cell(
                "λ = 0", "X", "plcc_raw", 0.8,
                printed=0.95, difference=-0.15, inside=False, **known,
            ),
            cell("λ = 0", "Y", "srocc", None, empty="konvid is absent", printed=0.5),
            cell("λ = 0", "Y", "plcc_raw", None, empty="konvid is absent"),
            cell(
                "theirs", "X", "srocc", None,
                empty="as printed", printed=0.6, printed_deviation=0.1,
            ),
            cell("theirs", "X", "plcc_raw", None, empty="as printed"),
            cell("theirs", "Y", "srocc", None, empty="as printed"),
            cell("theirs", "Y", "plcc_raw", None, empty="as printed"),
        ],
        "trainings": [
            {"name": "data=a", "folder": "/x", "finished": False, "missing": "a is absent"}
        ],
        "notes": ["Read me."], "smoke": False, "command": "vqa study paper/table1",
    }  # fmt: skip


def test_text(study):
    text = as_text(study)
    lines = text.splitlines()
    assert lines[0].split() == ["Trained", "on", "A"]
    assert lines[1].split() == ["X", "Y"]
    assert lines[2].split() == ["SROCC", "PLCC", "raw", "SROCC", "PLCC", "raw"]
    assert re.search(r"λ = 0 +0\.800 ± 0\.020 +0\.800 ± 0\.020 +– +–", text)
    assert re.search(r"95 % interval +0\.700 to 0\.900", text)
    assert re.search(r"printed +0\.850 +0\.950 +0\.500", text)
    assert re.search(r"difference +-0\.050 inside +-0\.150 outside", text)
    assert re.search(r"printed +0\.600 ± 0\.100", text)
    assert max(map(len, lines)) <= 118


def test_wide_tables_go_on_below(study):
    names = [f"column number {place}" for place in range(20)]
    study["columns"] = [{"name": name, "group": ""} for name in names]
    study["rows"] = study["rows"][:1]
    study["cells"] = [cell("λ = 0", name, "srocc", 0.5, column_group="") for name in names]
    study["titles"] = {"srocc": "SROCC"}
    text = as_text(study)
    assert max(map(len, text.splitlines())) <= 118
    assert all(name in text for name in names)


def test_markdown(study):
    text = as_markdown(study)
    assert "| λ = 0 | 0.800 ± 0.020 [0.700, 0.900] | 0.800 ± 0.020 [0.700, 0.900] | – | – |" in text
    assert "| *printed* | 0.850 (-0.050 inside) | 0.950 (-0.150 outside) | 0.500 |  |" in text
    assert "- Read me." in text
    widths = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert widths == {6}


def test_latex_is_balanced_and_escaped(study):
    text = as_latex(study)
    assert r"\caption{A \& B\_c." in text
    assert r"$\lambda$ = 0 & 0.800 $\pm$ 0.020 {\scriptsize [0.700, 0.900]}" in text
    assert r"\multicolumn{4}{c}{Trained on A} \\\cmidrule(lr){2-5}" in text
    assert text.count("{") == text.count("}")
    assert text.count(r"\begin") == text.count(r"\end")
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    for line in body.splitlines():
        if "&" in line and "multicolumn" not in line:
            assert len(re.findall(r"(?<!\\)&", line)) == 4


def test_csv_has_a_line_for_each_cell(study):
    rows = list(csv.DictReader(io.StringIO(as_csv(study))))
    assert len(rows) == 8
    assert rows[0]["value"] == "0.8"
    assert rows[1]["inside"] == "False"
    assert rows[2]["value"] == ""
    assert rows[2]["empty"] == "konvid is absent"


def test_page(study, tmp_path):
    write_json(tmp_path / "study.json", study)
    page = Page(write_study_page(tmp_path).read_text())
    text = " ".join(" ".join(page.text).split())
    assert "2 of 4 numbers computed; the interval holds the printed number in 1 of 2." in text
    assert "A & B_c" in text
    assert "printed 0.600 ± 0.100" in text
    assert ("td", "title", "konvid is absent") in page.attributes
    assert ("small", "class", "outside") in page.attributes
    assert page.headings[0] == 1
