"""Files: complete or absent, JSON and CSV."""

import json
import math

import numpy as np
import pytest

from vqa.files import csv_text, plain, read_json, replacing, write_atomically, write_csv, write_json


def test_text_is_written_in_one_step_and_folders_are_made(tmp_path):
    path = write_atomically(tmp_path / "a" / "b.txt", "é\n")
    assert path.read_bytes() == "é\n".encode()
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    target = write_atomically(tmp_path / "a" / "file.mp4", "old")

    def write_half():
        with replacing(target) as temporary:
            temporary.write_bytes(b"half")
            raise RuntimeError("disk")

    with pytest.raises(RuntimeError, match="disk"):
        write_half()
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


def test_json_has_null_for_nan_and_plain_numbers(tmp_path):
    path = tmp_path / "results.json"
    write_json(path, {"a": math.nan, "b": np.float32(0.5), "c": [np.inf, np.int64(3)], 4: None})
    assert json.loads(path.read_text()) == {"a": None, "b": 0.5, "c": [None, 3], "4": None}
    write_json(path, {"d": np.array([1.0, np.nan]), "e": tmp_path, "f": np.bool_(True)})
    assert json.loads(path.read_text()) == {"d": [1.0, None], "e": str(tmp_path), "f": True}
    assert [file.name for file in tmp_path.iterdir()] == ["results.json"]
    assert plain({"g": (np.float64("nan"), "é")}) == {"g": [None, "é"]}


def test_json_that_cannot_be_written_leaves_the_old_file(tmp_path):
    path = tmp_path / "results.json"
    write_json(path, {"kept": 1})
    with pytest.raises(TypeError):
        write_json(path, {"bad": object()})
    assert json.loads(path.read_text()) == {"kept": 1}


def test_json_is_utf_8_and_ends_with_a_line_break(tmp_path):
    path = write_json(tmp_path / "a.json", {"é": [1]})
    assert path.read_bytes() == '{\n  "é": [\n    1\n  ]\n}\n'.encode()
    assert write_json(path, {"b": 1}, indent=1).read_bytes() == b'{\n "b": 1\n}\n'
    assert read_json(path) == {"b": 1}


def test_absent_json_is_none_and_damaged_json_is_named(tmp_path):
    path = tmp_path / "a.json"
    assert read_json(path) is None
    for damaged in (b'{"a": ', b"\xff\xfe"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"a\.json: not JSON .*cut off"):
            read_json(path)


def test_a_table_is_written_with_quotes_where_needed(tmp_path):
    rows = [["a,b", 0.1 + 0.2], ['say "x"', None], ["é", 3]]
    expected = 'name,value\n"a,b",0.30000000000000004\n"say ""x""",\né,3\n'
    assert csv_text(["name", "value"], rows) == expected
    path = write_csv(tmp_path / "deep" / "t.csv", ["name", "value"], iter(rows))
    assert path.read_bytes() == expected.encode()


def test_a_table_that_fails_keeps_the_old_file(tmp_path):
    path = write_csv(tmp_path / "t.csv", ["a"], [[1]])

    def rows():
        yield [2]
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write_csv(path, ["a"], rows())
    assert path.read_text() == "a\n1\n"
    assert list(tmp_path.iterdir()) == [path]
