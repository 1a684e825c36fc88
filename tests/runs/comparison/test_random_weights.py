"""A run on random weights is marked on every output and leads none, however well it scores."""

import csv
import json
from types import SimpleNamespace

import pytest

from tests.reports.html_page import Page
from tests.runs.comparison.finished_runs import make
from vqa.commands import runs as listing
from vqa.files import write_json
from vqa.reports.comparison_page import ranked, write_comparison
from vqa.reports.run_page import write_report
from vqa.runs.comparison import compare, write_comparison_files
from vqa.runs.comparison.formatting import format_comparison
from vqa.runs.used_features import hold_features

MARKED = "lucky (random weights)"


def mark(run):
    source = SimpleNamespace(
        name="cnn", weights="cnn random sha256:0", fingerprint="0", untrained=True
    )
    hold_features(run.folder, [source])


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The best scores are those of random weights."""
    folder = tmp_path_factory.mktemp("runs")
    made = [make(folder, name, noise) for name, noise in (("lucky", 0.05), ("a", 0.5), ("b", 0.8))]
    mark(made[0])
    return made


@pytest.fixture(scope="module")
def folder(runs, tmp_path_factory):
    """A comparison with timed features."""
    for run, seconds in zip(runs, (1.0, 2.0, 3.0), strict=True):
        features = {"cnn": {"dim": 8, "seconds_a_video": seconds}}
        write_json(
            run.folder / "timing.json", {"features": features, "training_s": 1.0, "splits": 3}
        )
    place = tmp_path_factory.mktemp("comparison")
    write_comparison_files(compare(runs, resamples=200), place)
    write_comparison(place)
    return place


def test_tables_json_and_text_mark_it(folder):
    content = json.loads((folder / "comparison.json").read_text())
    assert [model["label"] for model in content["models"]] == [MARKED, "a", "b"]
    assert [model["untrained"] for model in content["models"]] == [["cnn"], [], []]
    with (folder / "models.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["label"], row["untrained"]) for row in rows] == [
        (MARKED, "cnn"), ("a", ""), ("b", ""),
    ]  # fmt: skip
    assert (folder / "predictions.csv").read_text().startswith(f"split,video,mos,{MARKED},a,b")
    lines = format_comparison(content).splitlines()
    assert all(MARKED in line for line in lines if "lucky" in line)


def test_the_page_ranks_it_last_and_leaves_it_out_of_the_verdict(folder):
    content = json.loads((folder / "comparison.json").read_text())
    assert ranked(content) == ["a", "b", MARKED]
    html = (folder / "comparison.html").read_text()
    verdict = html.split('<p class="verdict">')[1].split("</p>")[0]
    assert verdict.startswith("a has the highest median SROCC")
    assert verdict.endswith(f"Left out: {MARKED}.")
    assert "every other model" in verdict or "not significantly" in verdict
    shown = Page(html).words().replace(content["models"][0]["folder"], "")
    assert shown.count("lucky") == shown.count(MARKED) + 1 > 10  # once as `model_name`
    for table in content["groups"]:
        for row in table["rows"]:
            assert f"<b>{row['values'][MARKED]['srocc']:.3f}</b>" not in html
    for name in ("ranking", "cost"):
        assert "random" in (folder / "figures" / f"{name}.svg").read_text()


def test_alone_or_among_its_own_kind_nothing_is_claimed(runs, tmp_path):
    def verdict(*chosen):
        place = tmp_path / "-".join(run.folder.name for run in chosen)
        write_comparison_files(compare(chosen, resamples=50), place)
        html = write_comparison(place).read_text()
        return html.split('<p class="verdict">')[1].split("</p>")[0]

    against_one = verdict(runs[0], runs[1])
    assert against_one.startswith("a has the highest median SROCC")
    assert "better" not in against_one
    other = make(tmp_path, "other", 0.1)
    write_json(other.folder / "notes.json", ["The features of x have RANDOM weights."])
    assert verdict(runs[0], other).startswith("Every model has random weights")


def test_the_list_of_runs_marks_it(runs, capsys):
    place = runs[0].folder.parent
    listing.main(str(place))
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()[1:]}
    assert ["(random weights)" in lines[str(run.folder)] for run in runs] == [True, False, False]
    listing.main(str(place), as_json=True)
    content = {row["name"]: row["untrained"] for row in json.loads(capsys.readouterr().out)}
    assert content == {"lucky": "cnn", "a": "", "b": ""}
    listing.main(str(place), as_csv=True)
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert {row["name"]: row["untrained"] for row in rows} == content


def test_the_page_of_the_run_and_its_figures_mark_it(runs):
    html = write_report(runs[0].folder).read_text()
    words = Page(html).words()
    assert "Video quality report, random weights" in words
    assert "Random weights (cnn): these numbers say nothing about quality. Median SROCC" in words
    figures = list((runs[0].folder / "figures").glob("*.svg"))
    assert len(figures) == 4
    assert all("random weights" in path.read_text() for path in figures)
    trained = write_report(runs[1].folder).read_text()
    assert "andom weights" not in trained
