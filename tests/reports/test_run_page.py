"""The report of a made-up run: complete, escaped, self-contained, and robust against gaps."""

import base64
import hashlib
import json
import re
import shutil

import pytest

from tests import run_folders
from tests.reports.html_page import Page, assert_well_made
from vqa.reports.run_page import write_report


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return run_folders.complete(tmp_path_factory.mktemp("runs") / "demo")


@pytest.fixture(scope="module")
def html(folder):
    return write_report(folder).read_text()


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_metrics_alongside_are_below_the_table(folder, page):
    further = json.loads((folder / "results.json").read_text())["summary"]["further"]
    assert f"PWRC {further['pwrc']:.4f}" in page.words()


def test_headline_and_sections(folder, page):
    results = json.loads((folder / "results.json").read_text())
    median = results["summary"]["median"]["srocc"]
    low, high = results["summary"]["interval"]["srocc"]
    words = page.words()
    assert (
        f"Median SROCC {median:.3f} (95 % interval {low:.3f} to {high:.3f}) over 3 splits" in words
    )
    assert "gstvqa-demo" in words
    for heading in (
        "Read this first",
        "Scores and opinions",
        "Learning curves",
        "Largest errors",
        "All predictions",
        "Videos that failed 2",
        "The run",
        "Reproduce this",
    ):
        assert heading in words
    for metric in ("srocc", "krocc", "plcc", "plcc_raw", "rmse", "rmse_raw"):
        assert f"{results['splits']['split-1'][metric]:.4f}" in words


def test_run_header_notes_and_failures(folder, page):
    words = page.words()
    split = json.loads((folder / "splits" / "split-0.json").read_text())
    for text in (
        "Features come from <untrained> weights",
        "truncated after 41 of 240 frames",
        "GSTVQA",
        "multiscale",
        "4c1f09ad2be7",
        "torch 2.15.0",
        "CPU, 2 threads",
        "3 min 13 s",
        split["sha256"][:12],
        "python train.py model=gstvqa data=demo seed=0 data.filter='a<b'",
        "_target_: vqa.models.gstvqa.GSTVQA",
    ):
        assert text in words


def test_names_are_escaped_everywhere(html, page):
    assert run_folders.AWKWARD in page.words()
    for markup in ("<b>bold</b>", "<i>cut</i>", "<untrained>", "a<b"):
        assert markup not in html


def test_it_is_well_made(page):
    assert_well_made(page)


def test_pictures_and_timelines_are_inside(page):
    pictures = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    assert len(pictures) == 4
    assert all(value.startswith("data:image/jpeg;base64,/9j/") for value in pictures)
    labels = [v for tag, n, v in page.attributes if (tag, n) == ("svg", "aria-label")]
    assert sum("frame quality" in label for label in labels) == 4
    assert sum("over the epochs" in label for label in labels) == 3


def test_only_our_own_script_may_run(html):
    script = re.search(r"<script>(.*?)</script>", html, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_every_section_is_in_the_navigation(html):
    menu = re.search(r"<nav.*?</nav>", html, re.DOTALL)[0]
    headings = re.findall(r'<h2 id="([\w-]+)"', html)
    assert re.findall(r'href="#([\w-]+)"', menu) == headings
    assert len(headings) == 9


def test_groups_come_from_the_videos_table(page):
    words = page.words()
    for text in ("By kind of video", "Resolution", "1080p", "25 Hz", "noise & <i>grain</i>"):
        assert text in words
    tables = [v for _, n, v in page.attributes if n == "data-name"]
    assert tables == [
        "splits", "resolution", "frame_rate", "duration", "group", "content", "predictions",
        "failures",
    ]  # fmt: skip


def test_dots_have_the_name_and_the_groups_of_their_video(html):
    scatter = html[html.index('<g id="scatter-videos">') :]
    scatter = scatter[: scatter.index("</g>\n   </g>")]
    assert scatter.count("<title>") == 144
    assert "split-0: content-01/v006.mp4\nMOS 3.427, score 3.370" in scatter
    kinds = set(re.findall(r'<use class="([^"]*)"', scatter))
    assert "resolution-4 frame_rate-2 duration-2 group-2" in kinds
    assert "#agreement:has(#by-group:checked) use.group-1 { fill: var(--group-1)" in html
    assert "#agreement:has(#by-group:checked) use.group-2 { fill: var(--muted)" in html


def test_tables_are_whole_without_scripts(html):
    bare = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    table = bare[bare.index('id="prediction-table"') :]
    assert table[: table.index("</table>")].count("<tr>") == 1 + 144
    assert "<button" not in bare


def test_figures_are_written_as_files(folder, html):
    names = {path.name for path in (folder / "figures").iterdir()}
    assert names == {
        "scatter.svg",
        "errors-over-mos.svg",
        "errors-over-mapped.svg",
        "splits.svg",
        "curve-0-loss.svg",
        "curve-1-srocc.svg",
        "curve-2-critic_loss.svg",
    }
    assert (folder / "figures" / "scatter.svg").read_text().startswith("<?xml")


def test_the_same_run_gives_the_same_report(folder, html):
    assert write_report(folder).read_text() == html


def test_predictions_alone_are_enough(tmp_path):
    folder = run_folders.minimal(tmp_path / "bare", run_folders.predictions(splits=1))
    page = Page(write_report(folder).read_text())
    words = page.words()
    assert re.search(r"SROCC 0\.\d{3} \(95 % interval .*\) on 48 test videos\.", words)
    for absent in (
        "Learning curves",
        "Read this first",
        "Videos that failed",
        "Reproduce this",
        "By kind of video",
        "Colour the dots",
    ):
        assert absent not in words
    assert_well_made(page)


def test_permuted_labels_are_noted(tmp_path):
    """If scores are unrelated to the opinions, the reader is told before any number."""
    table = run_folders.predictions(splits=1)
    honest = Page(write_report(run_folders.minimal(tmp_path / "honest", table)).read_text())
    assert "interval of SROCC contains 0" not in honest.words()
    permuted = table.assign(mos=table["mos"].sample(frac=1, random_state=0).to_numpy())
    page = Page(write_report(run_folders.minimal(tmp_path / "permuted", permuted)).read_text())
    assert "The interval of SROCC contains 0" in page.words()


def test_undefined_metrics_are_shown_as_such(tmp_path):
    table = run_folders.predictions()
    table.loc[table["split"] == "split-1", "score"] = 2.0
    words = Page(write_report(run_folders.complete(tmp_path / "a", table)).read_text()).words()
    assert "1 of 3 splits have no correlation" in words
    constant = run_folders.predictions(splits=1).assign(score=2.0)
    html = write_report(run_folders.complete(tmp_path / "b", constant)).read_text()
    words = Page(html).words()
    assert "SROCC is undefined on 48 test videos" in words
    assert "nan" not in words.replace("Features", "")


def test_a_straight_line_instead_of_a_curve_is_noted(tmp_path):
    few = run_folders.predictions(splits=1, videos=4, tested=4)
    words = Page(write_report(run_folders.minimal(tmp_path / "few", few)).read_text()).words()
    assert "PLCC and RMSE of 1 split (split-0) are after a straight line" in words


def test_pictures_outside_the_run_folder_stay_out(folder, tmp_path, caplog):
    copy = shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    cases = json.loads((copy / "evidence.json").read_text())
    cases[0]["strip"] = "../secret.jpg"
    cases[1]["strip"] = "evidence/gone.jpg"
    (copy / "evidence.json").write_text(json.dumps(cases))
    html = write_report(copy).read_text()
    assert html.count("data:image/jpeg") == 2
    assert "../secret.jpg: no such picture inside the run folder" in caplog.text


def test_empty_and_blank_files_are_tolerated(tmp_path):
    folder = run_folders.minimal(tmp_path / "gaps", run_folders.predictions(splits=1))
    (folder / "failures.csv").write_text("video,cause\n")
    (folder / "videos.csv").write_text("video,mos,height,codec\n")
    (folder / "config.yaml").write_text("")
    (folder / "notes.json").write_text("[]")
    (folder / "split-0").mkdir()
    (folder / "split-0" / "history.csv").write_text("epoch,train_loss,val_loss\n0,1.5,\n1,1.2,\n")
    words = Page(write_report(folder).read_text()).words()
    assert "Learning curves" in words
    assert "Videos that failed" not in words


def test_errors_name_the_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"predictions\.csv: no such predictions file"):
        write_report(tmp_path)
    folder = run_folders.minimal(tmp_path / "cut")
    (folder / "results.json").write_text('{"splits":')
    with pytest.raises(ValueError, match=r"results\.json: not JSON .*cut off"):
        write_report(folder)
    folder = run_folders.complete(tmp_path / "odd")
    (folder / "videos.csv").write_text("video,height\na,tall\n")
    with pytest.raises(ValueError, match=r"videos\.csv: .*tall.*expected numbers or empty cells"):
        write_report(folder)
