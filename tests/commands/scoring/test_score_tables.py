"""Files of scores, read back."""

import json

import pyarrow
import pytest
from pyarrow import parquet

from vqa.commands.scoring.journal import Row
from vqa.commands.scoring.outputs import Output
from vqa.commands.scoring.score import Score
from vqa.commands.scoring.score_tables import is_score_file, read_scores
from vqa.commands.scoring.tables import write

SCORES = [
    Score('/v/a, "1".mp4', 3.25, (1, 5), 2, [0.0, 0.04], [3.0, 3.5], run="run-1"),
    Score("/v/b.mp4", None, (1, 5), error="not a video", run="run-1"),
]


@pytest.mark.parametrize("suffix", ["csv", "json", "jsonl", "parquet"])
def test_what_a_job_wrote_is_read(tmp_path, suffix):
    rows = [Row(score.video, score.entry()) for score in SCORES]
    output = Output(tmp_path / f"s.{suffix}", suffix)
    write(output, rows, model={"notes": ["untrained"]}, command="")
    table = read_scores(tmp_path / f"s.{suffix}")
    assert table.scores == {'/v/a, "1".mp4': 3.25}
    assert table.failed == {"/v/b.mp4": "not a video"}
    assert table.models == {"run-1"}
    assert table.scales == {(1, 5)}
    assert table.notes == (("untrained",) if suffix == "json" else ())


def test_parquet_is_read(tmp_path):
    rows = [
        {"video": "/v/a.mp4", "score": 3.25, "mos_low": 1.0, "mos_high": 5.0, "run": "r",
         "frame_quality": [3.0], "error": ""},
        {"video": "/v/b.mp4", "score": None, "mos_low": 1.0, "mos_high": 5.0, "run": "r",
         "frame_quality": [], "error": "not a video"},
    ]  # fmt: skip
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "s.parquet")
    table = read_scores(tmp_path / "s.parquet")
    assert (table.scores, table.failed) == ({"/v/a.mp4": 3.25}, {"/v/b.mp4": "not a video"})
    (tmp_path / "bad.parquet").write_text("PAR1")
    with pytest.raises(ValueError, match=r"bad\.parquet: not Parquet"):
        read_scores(tmp_path / "bad.parquet")


def test_a_table_from_a_spreadsheet_is_read(tmp_path):
    path = tmp_path / "s.csv"
    path.write_bytes("\ufeffvideo,score,run\r\nä.mp4,4.5,r\r\n".encode())
    assert read_scores(path).scores == {"ä.mp4": 4.5}
    assert read_scores(path).scales == set()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("s.csv", "", "no scores in it; expected a file that vqa score wrote"),
        ("s.csv", "video,score\n", "no scores in it"),
        ("s.csv", "split,mos\na,3\n", "row 1 has no video and score but split, mos"),
        ("s.csv", "video,score\na.mp4,good\n", "row 1: not the score of a video .*good"),
        ("s.csv", "video,score\na.mp4,inf\n", "row 1: not the score of a video .*inf"),
        ("s.csv", "video,score\na.mp4,3\na.mp4,4\n", "row 2: a.mp4 is there twice"),
        ("s.csv", b"video,score\n\xff\xfe,3\n", "not a table of text"),
        ("s.json", "[]", "no list of videos in it"),
        ("s.json", "{", "not JSON"),
        ("s.json", '{"videos": [3]}', "row 1 has no video and score but int"),
        ("s.jsonl", '{"video": "a", "score": 3}\n{"vid', "line 2 is not JSON"),
        ("s.jsonl", '{"video": "a", "score": [3]}', "row 1: not the score of a video"),
        ("s.jsonl", '{"video": "a", "score": 3, "mos_range": [1]}', "row 1: not the score"),
    ],
)
def test_anything_else_is_refused_in_one_line(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=message) as caught:
        read_scores(path)
    assert str(path) in str(caught.value)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file; expected a file that vqa score"):
        read_scores(tmp_path / "s.csv")


def test_files_of_scores_are_told_from_runs(tmp_path):
    (tmp_path / "run.csv").mkdir()
    assert not is_score_file(str(tmp_path / "run.csv"))
    assert not is_score_file("runs/gstvqa-demo")
    assert all(map(is_score_file, ("a.csv", "~/b.JSONL", "c.json", "d.parquet")))


def test_names_that_are_not_utf8_stay(tmp_path):
    path = tmp_path / "s.jsonl"
    path.write_text(json.dumps({"video": "caf\\xe9.mp4", "score": 3, "run": None}))
    assert read_scores(path).scores == {"caf\\xe9.mp4": 3}
