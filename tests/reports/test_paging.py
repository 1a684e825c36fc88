"""Long tables in pages: what the browser gets, and what a reader without scripts sees."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from tests import run_folders
from tests.reports.html_page import Page, assert_well_made
from vqa.reports import paging, run_page
from vqa.reports.run_page import write_report


def decoded(data):
    """The columns as `paged.js` reads them."""
    found = {}
    for place, column in enumerate(json.loads(data)["columns"]):
        values, last = column["values"], ""
        if "shared" in column:
            for row, (same, rest) in enumerate(zip(column["shared"], values, strict=True)):
                last = values[row] = last[:same] + rest
        found[place] = [column["names"][k] for k in values] if "names" in column else values
    return found


def test_columns_of_texts_and_numbers_survive():
    videos = ["a/1.mp4", "a/12.mp4", "é/😀1.mp4", "é/😀2.mp4", "</script>", "b"]
    table = pd.DataFrame(
        {
            "video": videos,
            "split": ["x"] * 6,
            "mos": [1 / 3, np.nan, 12345.678, -0.00012345678, np.inf, 0],
        }
    )
    data = paging.as_data(table, digits=3)
    assert "<" not in data
    found = decoded(data)
    assert found[0] == videos
    assert found[1] == ["x"] * 6
    assert found[2] == [0.33333, None, 12346.0, -0.00012346, None, 0.0]


def test_rows_that_fit_depend_on_the_length_of_names(monkeypatch):
    short = pd.DataFrame({"video": [f"{k}" for k in range(99)], "split": "a"})
    monkeypatch.setattr(paging, "MOST_BYTES", 10_000)
    many, few = (
        paging.rows_that_fit(short.assign(video=short["video"] + beginning), numbers=4)
        for beginning in ("", "x" * 200)
    )
    assert many > 4 * few > 0
    monkeypatch.setattr(paging, "MOST_ROWS", 7)
    assert paging.rows_that_fit(short, numbers=4) == 7


@pytest.fixture
def long_tables(monkeypatch):
    """144 predictions count as many."""
    monkeypatch.setattr(run_page, "MOST_ROWS", 100)
    monkeypatch.setattr(run_page, "PAGE_ROWS", 10)
    monkeypatch.setattr(run_page, "MOST_DOTS", 100)
    return run_folders.predictions()


def test_a_long_table_shows_its_first_page_and_carries_the_others(long_tables, tmp_path):
    html = write_report(run_folders.complete(tmp_path / "run", long_tables)).read_text()
    assert_well_made(Page(html))
    assert 'src="' not in re.sub(r'src="data:', "", html)
    words = Page(html).words()
    assert "predictions.csv has all digits." in words
    assert "Drawn are 100 of 144 predictions: the highest and lowest MOS" in words
    (data,) = re.findall(r'id="prediction-rows">(.*?)</script>', html, re.DOTALL)
    found = decoded(data)
    assert found[0] == list(long_tables["video"])
    assert found[2] == pytest.approx(list(long_tables["mos"]), rel=1e-4)
    table = html[html.index('id="prediction-table"') :]
    assert table[: table.index("</table>")].count("<tr>") == 1 + 10
    assert len(re.findall("<use [^>]*><title>", html)) == 3 * 100


def test_a_table_beyond_what_fits_keeps_the_extremes(long_tables, tmp_path, monkeypatch):
    monkeypatch.setattr(paging, "MOST_ROWS", 120)
    long_tables.loc[77, "mos"] = 9.0
    html = write_report(run_folders.minimal(tmp_path / "run", long_tables)).read_text()
    assert "has all digits and 24 more rows" in Page(html).words()
    (data,) = re.findall(r'id="prediction-rows">(.*?)</script>', html, re.DOTALL)
    found = decoded(data)
    assert len(found[0]) == 120
    assert long_tables["video"][77] in found[0]
    assert 9.0 in found[2]


def test_a_short_table_is_plain_html(tmp_path):
    html = write_report(run_folders.minimal(tmp_path / "run")).read_text()
    assert "prediction-rows" not in html
    assert "Drawn are" not in html
    assert "function paged" not in html
