"""The page of two scoring jobs."""

import re

import pytest

from tests.reports.html_page import Page, assert_well_made
from tests.reports.scoring.job_rows import HOSTILE
from vqa.evaluation.uncertainty import change
from vqa.reports.scoring import changes_page as module
from vqa.reports.scoring.changes_page import Pair, Unpaired, names_of, write_changes_page


def written(path, scores, names=None, unpaired=()):
    pairs = [
        Pair(name, f"/old/{name}", f"/new/{name}", *both)
        for name, both in zip(names or map(str, range(len(scores))), scores, strict=True)
    ]
    pairs.sort(key=lambda pair: pair.difference)
    found = change([one.before for one in pairs], [one.after for one in pairs])
    write_changes_page(
        path, pairs, found, unpaired=unpaired, jobs=("before.csv", "after.csv"), model="ugc",
        scale=(1, 5), notes=["Random <weights>."], command="vqa compare before.csv after.csv",
    )  # fmt: skip
    html = path.read_text()
    page = Page(html)
    assert_well_made(page)
    return html, page.words()


def test_it_is_complete_and_escaped(tmp_path):
    unpaired = [Unpaired("e.mp4", "/old/e.mp4", "", "only before: <none>")]
    scores = [(4.0, 2.0), (3.0, 3.0), (2.0, 2.5)]
    html, words = written(tmp_path / "p.html", scores, ["a.mp4", HOSTILE, "c.mp4"], unpaired)
    for text in (
        "before.csv to after.csv",
        "No clear change over 3 videos: on average -0.500",
        "33 % got better, 33 % worse",
        "Random <weights>.",
        "Not compared 1",
        "only before: <none>",
        "vqa compare before.csv after.csv",
        "-2.000",
        "+0.500",
        HOSTILE,
    ):
        assert text in words
    assert html.count("<script>") == 1
    assert html.index("-2.000</b>") < html.index("+0.000</b>") < html.index("+0.500</b>")
    assert "--a:0;--b:50" in html
    assert "--a:50;--b:62" in html


def test_a_clear_change_is_said(tmp_path):
    scores = [(4.0, 3.0 + 0.01 * n) for n in range(20)]
    _, words = written(tmp_path / "p.html", scores)
    assert "The scores of 20 videos fell by 0.905 on average (95 % interval -0.933" in words


@pytest.mark.parametrize("scores", [[(3.0, 3.0)], [(3.0, 2.0)], [(3.0, 3.0), (4.0, 4.0)]])
def test_few_or_equal_pairs(tmp_path, scores):
    written(tmp_path / "p.html", scores)


def test_many_pairs_stay_bounded(tmp_path, monkeypatch):
    for name, most in (("ROWS", 90), ("PICTURED", 8), ("DOTS", 20), ("UNPAIRED", 3)):
        monkeypatch.setattr(module, name, most)
    unpaired = [Unpaired(f"{n}.mp4", "", f"/new/{n}.mp4", "only after") for n in range(5)]
    scores = [(3.0, 2.0 + 0.01 * n) for n in range(100)]
    html, words = written(tmp_path / "p.html", scores, unpaired=unpaired)
    assert html.count('class="video both"') == 90
    assert len(re.findall("<use[^>]*><title>", html)) == 20
    assert "90 of 100 videos are on this page: the largest losses and an even sample" in words
    assert "8 videos have pictures" in words
    assert "Not compared 5" in words
    assert "The first 3 are listed." in words


def test_names_are_paths_below_the_folder_of_all():
    paths = ["/v/a/1.mp4", "/v/b/2.mp4"]
    assert list(names_of(paths).values()) == ["a/1.mp4", "b/2.mp4"]
    assert names_of([]) == {}
