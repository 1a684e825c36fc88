"""The page on several models."""

import json

import pytest

from tests.reports import page_folders
from tests.reports.browser import BROWSER, examine
from tests.reports.html_page import Page, assert_well_made
from tests.reports.page_folders import AWKWARD
from vqa.evaluation.metrics import METRICS
from vqa.evaluation.text import seconds_text
from vqa.reports.comparison_page import ranked, significance, write_comparison


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return page_folders.comparison(tmp_path_factory.mktemp("comparisons") / "demo")


@pytest.fixture(scope="module")
def found(folder):
    return json.loads((folder / "comparison.json").read_text())


@pytest.fixture(scope="module")
def html(folder):
    return write_comparison(folder).read_text()


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_it_is_well_made(page):
    assert_well_made(page)


def test_verdict_and_sections(found, page):
    words = page.words()
    value = found["summaries"]["vsfa"]["median"]["srocc"]
    assert f"vsfa has the highest median SROCC, {value:.3f} (95 % interval" in words
    assert f"significantly better than {AWKWARD}." in words
    for text in (
        "Ranking",
        "Further metrics",
        "Significant differences",
        "Scores and opinions",
        "By kind of video",
        "The models",
        "Reproduce this",
        "3 shared splits 94 videos 144 predictions per model",
        found["notes"][0],
        found["command"],
    ):
        assert text in words
    for summary in found["summaries"].values():
        for metric, value in summary["median"].items():
            if value is None:  # how far the raters agree is not known
                assert METRICS[metric].needs_ci95
                assert METRICS[metric].title not in words
            else:
                assert f"{value:.4f}" in words, metric


def test_names_are_escaped(html, page):
    assert AWKWARD in page.words()
    for markup in ("<b>&", "co</b>", "a<b'"):
        assert markup not in html


def test_pairs_have_all_their_p_values(page):
    assert "vsfa gstvqa SROCC 0.0651 0.025 to 0.115 0.210 0.012 0.034 0.420 neither" in page.words()
    assert "< 0.001" in page.words()


def test_significance_reads_both_ways(found):
    cells = significance(found)
    assert cells["vsfa", AWKWARD]["verdict"] == "better"
    assert cells[AWKWARD, "vsfa"]["verdict"] == "worse"
    assert cells["gstvqa", "vsfa"] == {
        "verdict": "same",
        "symbol": "=",
        "text": "gstvqa is not significantly different from vsfa, p 0.420",
        "p": "0.420",
    }
    assert cells["vsfa", "vsfa"]["symbol"] == ""
    untested = significance(found | {"pairs": []})
    assert untested["vsfa", "gstvqa"]["text"] == "not tested"


def test_significance_is_also_told_in_words(page):
    assert f"vsfa is better than {AWKWARD}, p 0.001" in page.words()


def test_the_best_comes_first_and_the_undefined_last(found):
    assert ranked(found) == ["vsfa", "gstvqa", AWKWARD]
    assert ranked(found | {"metric": "rmse"}) == ["vsfa", "gstvqa", AWKWARD]
    summaries = json.loads(json.dumps(found["summaries"]))
    summaries["vsfa"]["median"]["srocc"] = None
    assert ranked(found | {"summaries": summaries}) == ["gstvqa", AWKWARD, "vsfa"]


def test_every_model_has_its_scatter(folder, html):
    names = {path.name for path in (folder / "figures").iterdir()}
    assert names == {"ranking.svg", "scatter-0.svg", "scatter-1.svg", "scatter-2.svg"}
    assert html.count("<title>") == 1 + 3 * 144


def test_reports_are_linked_where_they_are(folder, tmp_path):
    copy = page_folders.comparison(tmp_path / "demo")
    report = copy / "runs" / AWKWARD.replace("/", "-") / "report.html"
    content = json.loads((copy / "comparison.json").read_text())
    content["models"][2]["folder"] = f"runs/{report.parent.name}"
    (copy / "comparison.json").write_text(json.dumps(content))
    report.parent.mkdir(parents=True)
    report.write_text("")
    page = Page(write_comparison(copy).read_text())
    links = [value for value in page.values("href") if value.endswith("report.html")]
    assert links == ["runs/clip%20%3Cb%3E%26%20co%3C-b%3E/report.html"]


def test_costs_are_a_table_and_a_picture(tmp_path):
    html = write_comparison(page_folders.eleven(tmp_path / "eleven")).read_text()
    page = Page(html)
    assert_well_made(page)
    words = page.words()
    assert "Accuracy, dimension and run time" in words
    assert "times from different machines are not comparable" in words
    assert "Only in the table" not in words
    for label, dimension, seconds, training, _ in page_folders.ELEVEN:
        assert f" {dimension} {seconds_text(seconds)} {seconds_text(training)}" in words, label
    (title,) = [title for title in html.split("<title>") if title.startswith("NSS_CNN: SROCC 0.")]
    told = "features 115 s per video, 3884 dimensions, training 29.6 s per split</title>"
    assert told in title
    assert (tmp_path / "eleven" / "figures" / "cost.svg").is_file()


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome is installed")
def test_eleven_models_fit_a_narrow_window(tmp_path):
    page = write_comparison(page_folders.eleven(tmp_path / "eleven"))
    script = """
    found.wide = document.documentElement.scrollWidth - innerWidth;
    const picture = document.querySelector(".dense");
    found.scrolls = picture.scrollWidth > picture.clientWidth;
    found.named = picture.querySelectorAll("title").length;
    """
    found, console = examine(page, script, tmp_path, "--window-size=500,900")
    assert (found, console) == ({"wide": 0, "scrolls": True, "named": 11}, [])


def test_unknown_costs_are_dashes_without_dots(tmp_path):
    costs = {"vsfa": (4096, 2.5, 60.0), "gstvqa": (1472, 7.5, None), AWKWARD: (None, None, 9.0)}
    folder = page_folders.timed(page_folders.comparison(tmp_path / "demo"), costs)
    html = write_comparison(folder).read_text()
    words = Page(html).words()
    assert "1472 7.50 –" in words
    assert f"Only in the table, because a time or a value is unknown: {AWKWARD}." in words
    assert html.count(" s per video, ") == 2

    page_folders.timed(folder, costs | {"gstvqa": (1472, None, None)})
    (folder / "figures" / "cost.svg").unlink()
    html = write_comparison(folder).read_text()
    assert "Costs of each model" in html
    assert "plot broad dense" not in html
    assert not (folder / "figures" / "cost.svg").exists()


def test_without_costs_the_page_does_not_mention_them(html, folder):
    page_folders.timed(folder, dict.fromkeys(page_folders.LABELS, (None, None, None)))
    for text in (html, write_comparison(folder).read_text()):
        assert "run time" not in text
        assert "Costs of each model" not in text


def test_one_split_has_no_spread_and_no_t(tmp_path):
    words = Page(write_comparison(page_folders.comparison(tmp_path / "one", 1)).read_text()).words()
    assert "Mean and standard deviation" not in words
    assert "highest SROCC" in words
    assert "0.210 – 0.034" in words


def test_faults_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"comparison\.json: no such file"):
        write_comparison(tmp_path)
    (tmp_path / "comparison.json").write_text('{"title": "x"}')
    with pytest.raises(ValueError, match=r"comparison\.json: no models, shared, .*expected"):
        write_comparison(tmp_path)
    folder = page_folders.comparison(tmp_path / "demo")
    scores = folder / "predictions.csv"
    text = scores.read_text()
    scores.write_text(text.replace("gstvqa", "other", 1))
    with pytest.raises(ValueError, match="no column gstvqa; found split, video, mos, vsfa, other"):
        write_comparison(folder)
    lines = text.splitlines()
    scores.write_text("\n".join([lines[0], lines[1].rsplit(",", 1)[0] + ",", *lines[2:]]))
    with pytest.raises(ValueError, match=r"cells of clip .* that are not finite numbers"):
        write_comparison(folder)
    content = json.loads((folder / "comparison.json").read_text())
    del content["summaries"]["vsfa"]
    (folder / "comparison.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="no summaries of vsfa; expected one per model"):
        write_comparison(folder)
