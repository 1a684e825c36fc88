"""The pages of scoring jobs in a real browser."""

import pytest

from tests.clips import write_clip
from tests.reports.browser import BROWSER, examine, examine_without_scripts
from tests.reports.scoring.job_rows import HOSTILE, MODEL, many, row
from vqa.evaluation.uncertainty import change
from vqa.reports.scoring.changes_page import Pair, write_changes_page
from vqa.reports.scoring.page import write_page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome is installed"),
]

COMMON = """
found.asked = performance.getEntriesByType("resource").map((entry) => entry.name)
  .filter((name) => !name.startsWith("data:"));
found.wide = document.documentElement.scrollWidth - innerWidth;
const told = (part) => getComputedStyle(part, "::before").content.startsWith('"Scroll');
const parts = [...document.querySelectorAll(".wide")];
found.told = parts.map((part) => [part.scrollWidth > part.clientWidth + 1, told(part)]);
found.title = document.title;
const table = document.querySelector("table.videos");
const column = (index) => [...table.tBodies[0].rows].map((row) => value(row.cells[index]));
"""
SORTED = (
    COMMON
    + """
const head = (name) => [...table.tHead.rows[0].cells].find((cell) => cell.textContent === name);
head("Worst moment").firstElementChild.click();
found.rising = column(4).map(Number);
head("Score").firstElementChild.click();
head("Score").firstElementChild.click();
found.falling = column(1).map(Number);
found.csv = csv(table).split("\\n")[1];
const field = document.querySelector("input[type=search]");
field.value = "script";
field.dispatchEvent(new Event("input"));
found.shown = [...table.tBodies[0].rows].filter((row) => row.offsetHeight).length;
found.bar = getComputedStyle(table.querySelector(".bar"), "::before").width;
"""
)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("job")
    clip = write_clip(folder / "clip.mp4", 30)
    rows = [*many(20, str(folder)), row(str(clip), 3.3, [3.0, 2.0, 3.5], note="odd " * 30)]
    rows += [
        row(f"{folder}/{HOSTILE}", 4.0, note=HOSTILE),
        row(f"{folder}/x.mp4", None, error="w" * 300),
    ]
    write_page(folder / "page.html", rows, model=MODEL, command="vqa score " + 50 * "clip.mp4 ")
    return folder / "page.html"


def test_on_a_phone(page, tmp_path):
    found, console = examine(page, SORTED, tmp_path, "--window-size=500,900")
    assert console == []
    assert found["asked"] == []
    assert found["wide"] <= 0
    assert found["told"][0] == [True, True]
    assert all(scrolls == told for scrolls, told in found["told"])
    assert found["title"].startswith("22 videos scored by ugc")
    known = [value for value in found["rising"] if value]
    assert known == sorted(known)
    assert found["falling"] == sorted(found["falling"], reverse=True)
    assert len(found["falling"]) == 22
    assert found["csv"].startswith("00019.mp4,4.80,4.20 to 5.00,95,4.60")
    assert found["shown"] == 1


def test_a_wide_screen_says_nothing_about_scrolling(page, tmp_path):
    found, _ = examine(page, COMMON, tmp_path, "--window-size=1400,900")
    assert found["told"][0] == [False, False]


def test_without_scripts_the_table_is_complete(page, tmp_path):
    script = """
    const tall = (part) => part.getBoundingClientRect().height > 0;
    found.rows = [...inner.querySelectorAll("table.videos tbody tr")].filter(tall).length;
    found.sparks = [...inner.querySelectorAll("svg.spark")].filter(tall).length;
    """
    found, _ = examine_without_scripts(page, script, tmp_path)
    assert (found["rows"], found["sparks"]) == (22, 21)


def test_the_page_of_changes_on_a_phone(tmp_path):
    pairs = [Pair(f"a long name {n}.mp4", "/old/a", "/new/a", 3.0, 2 + 0.1 * n) for n in range(9)]
    found = change([one.before for one in pairs], [one.after for one in pairs])
    write_changes_page(
        tmp_path / "page.html", pairs, found, unpaired=[], jobs=("x" * 80 + ".csv", "b.csv"),
        model="m" * 90, scale=None, notes=[], command="",
    )  # fmt: skip
    seen, console = examine(tmp_path / "page.html", COMMON, tmp_path, "--window-size=500,900")
    assert console == []
    assert seen["wide"] <= 0
    assert all(scrolls == told for scrolls, told in seen["told"])
