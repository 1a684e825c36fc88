"""The page of a sweep."""

import pytest

from vqa.files import write_json
from vqa.reports.sweep_page import write_sweep_page


def measured(mean, std=0.02):
    return {
        "values": [mean], "mean": mean, "std": std, "over_seeds": [0.5, 0.9],
        "over_videos": [0.6, 0.8],
    }  # fmt: skip


def content(folder):
    metrics = ("srocc", "krocc", "plcc", "plcc_raw", "rmse", "rmse_raw")
    (folder.parent / "run").mkdir(parents=True)
    (folder.parent / "run" / "report.html").write_text("")
    rows = [
        {"values": {"model": name}, "runs": 2, "of": 3, "splits": 1, "videos": 48,
         "same_videos": False, "untrained": untrained, "folders": [],
         "metrics": {metric: measured(mean) for metric in metrics}}
        for name, mean, untrained in (("vsfa", 0.7, []), ("<b>", 0.8, []), ("none", 0.9, ["cnn"]))
    ]  # fmt: skip
    jobs = [
        {"values": {"model": "vsfa", "seed": "1"}, "status": "finished", "error": "",
         "run": str(folder.parent / "run")},
        {"values": {"model": "vsfa", "seed": "2"}, "status": "failed", "error": "no <space>",
         "run": None},
    ]  # fmt: skip
    return {
        "swept": ["model"], "over_seeds": True, "rows": rows, "jobs": jobs,
        "notes": ["WARNING: others"], "level": 0.95, "command": "vqa train -m seed=1,2,3",
    }  # fmt: skip


def test_rows_jobs_and_the_two_kinds_of_intervals(tmp_path):
    folder = tmp_path / "sweep"
    write_json(folder / "sweep.json", content(folder))
    page = write_sweep_page(folder)
    text = page.read_text()
    assert "what other seeds" in text
    assert "what other videos" in text
    assert text.count("&lt;b&gt;") >= 2
    assert "<b>:" not in text
    lead = "Mean SROCC 0.800 ± 0.020 over 2 seeds, the best of 2 on their test parts, so optimistic"
    assert f"{lead}: model=&lt;b&gt;." in text
    assert "failed: no &lt;space&gt;" in text
    assert 'href="../run/report.html"' in text
    assert "2 of 3" in text
    assert "48, differ" in text
    assert "WARNING: others" in text


def test_a_file_that_is_none_of_a_sweep_is_named(tmp_path):
    write_json(tmp_path / "sweep.json", {"rows": []})
    with pytest.raises(ValueError, match=r"sweep\.json: no swept"):
        write_sweep_page(tmp_path)
