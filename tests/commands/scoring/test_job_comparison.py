"""`vqa compare before.csv after.csv`: two scoring jobs, video by video."""

import csv
import json
import re
import shutil

import pytest

from tests.clips import write_clip
from vqa.cli import main


def write_job(path, scores, run="model", scale=(1, 5), failed=None):
    """Write a .jsonl of scores by path."""
    rows = [{"video": v, "score": s, "error": ""} for v, s in scores.items()]
    rows += [{"video": v, "score": None, "error": e} for v, e in (failed or {}).items()]
    lines = [json.dumps(row | {"run": run, "mos_range": scale}) + "\n" for row in rows]
    path.write_text("".join(lines))
    return str(path)


BEFORE = {"/old/a.mp4": 4.0, "/old/b.mp4": 3.0, "/old/c.mp4": 2.0, "/old/d.mp4": 3.0}
AFTER = {"/new/a.mkv": 2.5, "/new/b.mkv": 3.25, "/new/c.mkv": 2.0, "/new/e.mkv": 1.0}


@pytest.fixture
def jobs(tmp_path):
    return [
        write_job(tmp_path / "before.jsonl", BEFORE),
        write_job(tmp_path / "after.jsonl", AFTER, failed={"/new/d.mkv": "truncated"}),
    ]


def test_it_prints_and_writes_what_changed(jobs, tmp_path, capsys):
    assert main(["compare", *jobs, "--output", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "3 videos, model model, scale 1 to 5, higher is better" in printed
    assert "mean change      -0.417  95 % interval -2.768 to +1.935 (Student's t)" in printed
    assert "better             33 %  worse 33 %, the same 33 %" in printed
    assert "2 files without a partner or a score; comparison.csv has why" in printed
    (loss,) = [line for line in printed.splitlines() if line.startswith("a.mp4")]
    assert loss.split() == ["a.mp4", "4.00", "2.50", "-1.500"]
    with (tmp_path / "out" / "comparison.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["video"] for row in rows] == ["a.mp4", "c.mp4", "b.mp4", "d.mp4", "e.mkv"]
    assert [row["difference"] for row in rows] == ["-1.5", "0.0", "0.25", "", ""]
    assert rows[0]["after_file"] == "/new/a.mkv"
    assert rows[3]["remark"] == "failed after: truncated"
    assert rows[4]["remark"] == "only after: no file of this name before, or several"
    assert "b.mp4" in (tmp_path / "out" / "comparison.html").read_text()


def test_the_page_has_pictures_of_both_versions(tmp_path, capsys):
    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
    write_clip(tmp_path / "old" / "a.mp4", 8)
    shutil.copy(tmp_path / "old" / "a.mp4", tmp_path / "new" / "a.mkv")
    before = {f"{tmp_path}/old/{name}.mp4": 3.0 for name in "ab"}
    after = {f"{tmp_path}/new/{name}.mkv": 3.5 for name in "ab"}
    jobs = [
        write_job(tmp_path / f"{name}.jsonl", job)
        for name, job in {"before": before, "after": after}.items()
    ]
    assert main(["compare", *jobs, "--output", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "comparison.html").read_text()
    assert page.count("data:image/webp") == 2  # those of b are gone
    assert "The scores of 2 videos rose by 0.500 on average" in page


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"run": "other"}, "has scores of model model, .* of other; expected one model"),
        ({"scale": (0, 100)}, "has scores of scale 1 to 5, .* of 0 to 100; expected one scale"),
        ({"scores": {"/new/z.mp4": 3.0}}, "share no scored video; expected the same file names"),
        ({"scores": {}, "failed": {"/new/a.mp4": "gone"}}, "share no scored video"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(tmp_path, capsys, other, message):
    before = write_job(tmp_path / "before.jsonl", BEFORE)
    after = write_job(tmp_path / "after.jsonl", **({"scores": AFTER} | other))
    assert main(["compare", before, after, "--output", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.search(message, error)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("count", [1, 3])
def test_two_files_are_expected(jobs, tmp_path, capsys, count):
    words = ["compare", *(jobs * 2)[:count], "--output", str(tmp_path / "out")]
    assert main(words) == 2
    assert "expected two files of scores (.csv, .json" in capsys.readouterr().err


def test_a_run_and_a_file_of_scores_do_not_mix(jobs, tmp_path, capsys):
    assert main(["compare", str(tmp_path), jobs[0], "--output", str(tmp_path / "out")]) == 2
    assert "expected two files of scores" in capsys.readouterr().err
