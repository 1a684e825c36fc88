"""The pages in a real browser: no errors, complete, sortable, reachable by keyboard, printable."""

import re

import pytest

from tests import run_folders
from tests.reports import page_folders
from tests.reports.browser import BROWSER, browse, examine, examine_without_scripts
from tests.runs.comparison.finished_runs import make
from vqa.reports import paging, run_page
from vqa.reports.comparison_page import write_comparison
from vqa.reports.index_page import write_index
from vqa.reports.matrix_page import write_matrix_page
from vqa.reports.run_page import write_report
from vqa.runs.overview import find_runs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome is installed"),
]

COMMON = """
found.asked = performance.getEntriesByType("resource").map((entry) => entry.name);
const drawn = (svg) => svg.getBoundingClientRect().width > 100;
found.figures = [...document.querySelectorAll("svg")].filter(drawn).length;
found.wide = document.documentElement.scrollWidth - innerWidth;
const heads = [...document.querySelectorAll("table.sortable thead th")];
found.heads = heads.length;
const buttons = heads.flatMap((head) => [...head.querySelectorAll("button")]);
found.buttons = buttons.filter((button) => button.tabIndex === 0).length;
const scrolling = [...document.querySelectorAll(".wide")];
found.stuck = scrolling.filter((part) => part.tabIndex !== 0 || part.role !== "region").length;
// The flag is set where a part is wider than its frame, and nowhere else; it makes text visible.
const parts = [...document.querySelectorAll(".wide, .plot.broad, .map > div")];
const wider = parts.filter((part) => part.scrollWidth > part.clientWidth + 1);
const told = (part) => getComputedStyle(part, "::before").content.startsWith('"Scroll');
found.scrolling = wider.length;
found.untold = parts.filter((part) => wider.includes(part) !== told(part)).length;
// A headless window is not always active, so the CSS rule is read instead of its effect.
const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
const focused = rules.filter((rule) => (rule.selectorText || "").includes(":focus-visible"));
found.outline = focused.map((rule) => rule.style.getPropertyValue("outline"));
const control = document.querySelector("th button");
control.focus();
found.focused = document.activeElement === control;
"""
RUN = """
const table = document.getElementById("prediction-table");
const column = (index) => [...table.tBodies[0].rows].map((row) => value(row.cells[index]));
const head = (name) => [...table.tHead.rows[0].cells].find((cell) => cell.textContent === name);
head("Error").firstElementChild.click();
found.rising = column(5).map(Number);
found.sortedUp = head("Error").getAttribute("aria-sort");
head("Error").firstElementChild.click();
found.falling = column(5).map(Number);
found.sortedDown = head("Error").getAttribute("aria-sort");
head("Video").firstElementChild.click();
found.names = column(0);
found.onlyOne = table.querySelectorAll("[aria-sort]").length;
const field = document.querySelector("input[type=search]");
field.value = "SPLIT-1 1080p";
field.dispatchEvent(new Event("input"));
const shown = [...table.tBodies[0].rows].filter((row) => row.getBoundingClientRect().height > 0);
found.shown = shown.map((row) => [value(row.cells[1]), value(row.cells[6])]);
found.status = field.parentElement.querySelector("output").textContent;
found.csv = csv(table);
field.value = "Test1/";
field.dispatchEvent(new Event("input"));
found.awkward = csv(table);
HTMLAnchorElement.prototype.click = function () { found.file = this.download; };
document.querySelector("button[aria-label='Download CSV: predictions']").click();
const dot = document.querySelector("#agreement use.resolution-1");
const fill = () => getComputedStyle(dot).fill;
const legend = () => getComputedStyle(document.querySelector(".legend-resolution")).display;
found.before = [fill(), legend()];
document.getElementById("by-resolution").checked = true;
found.after = [fill(), legend()];
"""
PAGED = """
const table = document.getElementById("prediction-table");
const texts = (row) => [...row.cells].map((cell) => cell.textContent);
const shown = () => [...table.tBodies[0].rows].map(texts);
const head = (name) => [...table.tHead.rows[0].cells].find((cell) => cell.textContent === name);
const bar = table.closest("section").querySelector(".tools");
const tool = (name) => [...bar.querySelectorAll("button")].find((one) => one.textContent === name);
const status = () => bar.querySelector("output").textContent;
found.first = shown();
found.status = [status()];
tool("Next").click();
found.second = shown();
found.status.push(status());
head("Error").firstElementChild.click();
found.rising = shown().map((row) => Number(row[5]));
found.sorted = [head("Error").getAttribute("aria-sort")];
head("Error").firstElementChild.click();
found.falling = shown().map((row) => Number(row[5]));
found.sorted.push(head("Error").getAttribute("aria-sort"));
head("Video").firstElementChild.click();
found.names = shown().map((row) => row[0]);
const field = bar.querySelector("input");
const filter = (words) => {
  field.value = words;
  field.dispatchEvent(new Event("input"));
};
filter("SPLIT-1 1080p");
found.status.push(status());
while (!tool("Next").disabled) tool("Next").click();
found.last = shown().map((row) => [row[1], row[6]]);
filter("nothing like it");
found.status.push(status());
filter("Test1/");
const files = [];
URL.createObjectURL = (blob) => files.push(blob) && "";
HTMLAnchorElement.prototype.click = function () { found.file = this.download; };
tool("Download CSV").click();
found.bytes = files[0].size;
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    return {
        "run": write_report(run_folders.complete(folder / "run")),
        "comparison": write_comparison(page_folders.comparison(folder / "comparison")),
        "matrix": write_matrix_page(page_folders.matrix(folder / "matrix")),
    }


def assert_common(found, console, figures):
    assert console == []
    assert found["asked"] == []
    assert found["figures"] == figures
    assert found["wide"] <= 0
    assert found["heads"] == found["buttons"] > 0
    assert found["stuck"] == 0
    assert found["scrolling"] > 0
    assert found["untold"] == 0
    assert found["outline"]
    assert all("px solid" in outline for outline in found["outline"])
    assert found["focused"]


def test_a_long_table_turns_its_pages_sorts_and_filters_all_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(run_page, "MOST_ROWS", 100)
    monkeypatch.setattr(paging, "PAGE_ROWS", 20)
    predictions = run_folders.predictions()
    page = write_report(run_folders.complete(tmp_path / "run", predictions))
    found, console = examine(page, PAGED, tmp_path, "--window-size=390,900")
    assert console == []
    pages = [list(predictions["video"][begin : begin + 20]) for begin in (0, 20)]
    assert [[row[0] for row in found[key]] for key in ("first", "second")] == pages
    assert found["status"][:2] == ["1 to 20 of 144 rows", "21 to 40 of 144 rows"]
    assert found["rising"] == sorted(found["rising"])
    assert found["falling"] == sorted(found["falling"], reverse=True)
    assert found["falling"][0] > 0 > found["rising"][0]
    assert found["sorted"] == ["ascending", "descending"]
    assert found["names"] == sorted(found["names"])
    matching = int(re.fullmatch(r"1 to \d+ of (\d+) rows", found["status"][2])[1])
    assert 0 < matching < 48
    assert set(map(tuple, found["last"])) == {("split-1", "1080p")}
    assert found["status"][3] == "0 rows"
    assert found["file"] == "predictions.csv"
    assert found["bytes"] > 3 * len(run_folders.AWKWARD)


def test_the_run_report_sorts_filters_copies_and_colours(pages, tmp_path):
    found, console = examine(pages["run"], COMMON + RUN, tmp_path, "--window-size=500,900")
    assert_common(found, console, figures=4 + 3 + 4)
    assert found["rising"] == sorted(found["rising"])
    assert found["falling"] == sorted(found["rising"], reverse=True)
    assert len(found["rising"]) == 144
    assert (found["sortedUp"], found["sortedDown"]) == ("ascending", "descending")
    assert found["names"][0].startswith("content-00")
    assert found["onlyOne"] == 1
    assert len(found["shown"]) > 3
    assert set(map(tuple, found["shown"])) == {("split-1", "1080p")}
    assert found["status"] == f"{len(found['shown'])} of 144 rows"
    lines = found["csv"].splitlines()
    assert lines[0].startswith("Video,Split,MOS,Score,Mapped,Error,Resolution")
    assert len(lines) == 1 + len(found["shown"])
    assert run_folders.AWKWARD in found["awkward"]
    assert found["file"] == "predictions.csv"
    blue, hidden = found["before"]
    other, flex = found["after"]
    assert (hidden, flex) == ("none", "flex")
    assert (blue, other) == ("rgb(10, 108, 174)", "rgb(200, 80, 10)")


def test_the_comparison_page(pages, tmp_path):
    found, console = examine(pages["comparison"], COMMON, tmp_path, "--window-size=500,900")
    assert_common(found, console, figures=4)


def test_the_matrix_page_switches_its_metric(pages, tmp_path):
    switch = """
    const seen = () => [...document.querySelectorAll(".map")].filter((map) => map.offsetHeight)
      .map((map) => map.querySelector("figcaption").textContent);
    found.first = seen();
    document.getElementById("show-rmse").checked = true;
    found.second = seen();
    """
    found, console = examine(pages["matrix"], COMMON + switch, tmp_path, "--window-size=500,900")
    assert_common(found, console, figures=1)
    assert (found["first"], found["second"]) == (["SROCC"], ["RMSE"])


def test_the_index_of_runs_filters_and_sorts(tmp_path):
    place = tmp_path / "runs"
    for number, noise in enumerate((0.2, 2.0, 0.6)):
        make(place, f"run-{number}", noise)
    page = write_index(place / "index.html", place, find_runs(place))
    script = """
    const table = document.querySelector("table");
    const names = () => [...table.tBodies[0].rows].filter((row) => row.offsetHeight)
      .map((row) => value(row.cells[0]));
    const head = (name) => [...table.tHead.rows[0].cells].find((cell) => cell.textContent === name);
    head("SROCC").firstElementChild.click();
    found.rising = names();
    const [field, ...others] = document.querySelectorAll("input[type=search]");
    found.fields = 1 + others.length;
    field.focus();
    found.typing = document.activeElement === field;
    field.value = "run-2";
    field.dispatchEvent(new Event("input"));
    found.left = names();
    """
    found, console = examine(page, COMMON + script, tmp_path, "--window-size=500,900")
    assert_common(found, console, figures=0)
    assert found["rising"] == ["run-1", "run-2", "run-0"]
    assert (found["fields"], found["typing"], found["left"]) == (1, True, ["run-2"])


def test_an_intruding_script_does_not_run(pages, tmp_path):
    page = tmp_path / "intruded.html"
    text = pages["run"].read_text()
    page.write_text(text.replace("<h1>", "<script>document.title = 'taken'</script><h1>"))
    dom, console = browse(page, tmp_path / "profile", "--dump-dom")
    assert "<title>gstvqa-demo" in dom
    assert dom.count("<button") > 20
    assert len(console) == 1
    assert "Content Security Policy" in console[0]


def test_without_scripts_the_page_is_complete_and_the_switch_works(pages, tmp_path):
    script = """
    const tall = (part) => part.getBoundingClientRect().height > 0;
    found.rows = [...inner.querySelectorAll("#prediction-table tbody tr")].filter(tall).length;
    found.figures = [...inner.querySelectorAll("svg")].filter(tall).length;
    found.controls = inner.querySelectorAll("button, input[type=search]").length;
    const dot = inner.querySelector("#agreement use.resolution-1");
    found.before = inner.defaultView.getComputedStyle(dot).fill;
    inner.getElementById("by-resolution").click();
    found.after = inner.defaultView.getComputedStyle(dot).fill;
    """
    found, console = examine_without_scripts(pages["run"], script, tmp_path)
    assert len(console) == 1
    assert "sandboxed" in console[0]
    assert found["rows"] == 144
    assert found["figures"] == 4 + 3 + 4
    assert found["controls"] == 0
    assert found["before"] != found["after"] == "rgb(200, 80, 10)"


@pytest.mark.parametrize("name", ["run", "matrix"])
def test_it_prints_on_whole_pages_of_a4(pages, tmp_path, name):
    printed = tmp_path / "page.pdf"
    browse(pages[name], tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={printed}")
    data = printed.read_bytes()
    sizes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", data)
    assert len(sizes) >= {"run": 4, "matrix": 2}[name]
    for width, height in sizes:
        assert (float(width), float(height)) == (
            pytest.approx(595, abs=1),
            pytest.approx(842, abs=1),
        )
