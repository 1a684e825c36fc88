"""Figures as SVG: stable, readable, and suited to a page."""

import re
import xml.etree.ElementTree as ET

import pytest

from tests import run_folders
from vqa.reports import figures
from vqa.reports.style import VARIABLES
from vqa.reports.svg import inline, to_svg

NAMESPACE = {"svg": "http://www.w3.org/2000/svg"}


@pytest.fixture(scope="module")
def table():
    return run_folders.predictions(splits=1)


@pytest.fixture(scope="module")
def svg(table):
    return to_svg(figures.scatter(table), list(table["video"]))


def test_the_same_figure_is_the_same_text(table, svg):
    assert to_svg(figures.scatter(table), list(table["video"])) == svg
    assert "<dc:date>" not in svg


def test_letters_stay_text(svg):
    texts = [text.text for text in ET.fromstring(svg).iterfind(".//svg:text", NAMESPACE)]
    assert {"score", "MOS"} <= set(texts)


def test_every_dot_has_the_name_of_its_video(table, svg):
    titles = [title.text for title in ET.fromstring(svg).iterfind(".//svg:title", NAMESPACE)]
    assert titles == list(table["video"])
    assert run_folders.AWKWARD in titles
    assert "<b>bold</b>" not in svg


def test_a_single_dot_has_its_name_too(table):
    one = table.head(1)
    svg = to_svg(figures.scatter(one), list(one["video"]), ["red"])
    titles = [title.text for title in ET.fromstring(svg).iterfind(".//svg:title", NAMESPACE)]
    assert titles == list(one["video"])
    assert 'class="red"' in svg


def test_names_must_match_the_dots(table):
    with pytest.raises(ValueError, match="expected 48 names, one per dot, found 2"):
        to_svg(figures.scatter(table), ["a", "b"])


def test_dots_carry_their_classes(table):
    kinds = [f"resolution-{index % 3}" for index in range(len(table))]
    svg = to_svg(figures.scatter(table), list(table["video"]), kinds)
    uses = ET.fromstring(svg).iterfind(".//svg:use[@class]", NAMESPACE)
    assert [use.get("class") for use in uses] == kinds


def test_inline_svg_names_no_address_and_follows_the_page(svg):
    page = inline(svg, "one", 'label with "quotes"')
    assert page.startswith('<svg role="img" aria-label="label with &quot;quotes&quot;"')
    assert "http" not in page
    assert "<style" not in page
    assert not any(colour in page for colour in VARIABLES)
    assert "var(--blue)" in page
    assert "DejaVu" not in page
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert all(name.startswith("one-") for name in ids)
    used = re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', page)
    assert {a or b for a, b in used} <= set(ids)
    ET.fromstring(page)
