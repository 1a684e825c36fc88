"""Files: complete or absent, JSON and CSV."""

import hashlib
import json
import math
import os

import numpy as np
import pytest

from vqa import files
from vqa.files import (
    content_hash,
    csv_text,
    plain,
    read_json,
    replacing,
    shown,
    user_path,
    write_atomically,
    write_csv,
    write_json,
)

NOT_UTF_8 = os.fsdecode(b"caf\xe9.mp4")


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


@pytest.mark.parametrize("name", ["a" * 255, "视" * 85, NOT_UTF_8])
def test_a_name_of_any_bytes_and_of_the_greatest_length_can_be_written(tmp_path, name):
    path = write_atomically(tmp_path / name, "x")
    assert path.read_bytes() == b"x"
    assert list(tmp_path.iterdir()) == [path]


def test_names_that_are_not_utf_8_are_shown_as_escapes(tmp_path):
    assert shown(NOT_UTF_8) == "caf\\xe9.mp4"
    assert shown(tmp_path / "视.mp4") == f"{tmp_path}/视.mp4"
    table = write_csv(tmp_path / "a.csv", ["video"], [[NOT_UTF_8], ["视.mp4"]])
    assert table.read_text(encoding="utf-8") == "video\ncaf\\xe9.mp4\n视.mp4\n"
    path = write_json(tmp_path / "a.json", {NOT_UTF_8: NOT_UTF_8})
    assert read_json(path) == {"caf\\xe9.mp4": "caf\\xe9.mp4"}
    assert write_atomically(tmp_path / "a.txt", NOT_UTF_8).read_bytes() == b"caf\\xe9.mp4"


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/a") == tmp_path / "a"
    assert user_path("a~") == files.Path("a~")
    assert user_path("~nosuchuser/a") == files.Path("~nosuchuser/a")


def test_a_hash_follows_every_byte_although_size_and_time_stay(tmp_path):
    path = tmp_path / "a.mp4"
    for data in (b"a" * 70_000_000, b"a" * 35_000_000 + b"b" + b"a" * 34_999_999):
        path.write_bytes(data)
        os.utime(path, ns=(10**18, 10**18))
        assert content_hash(path) == hashlib.sha256(data).hexdigest()


def test_an_untouched_file_is_hashed_once(tmp_path, monkeypatch):
    path = write_atomically(tmp_path / "a.mp4", b"a")
    monkeypatch.setattr(files.time, "time_ns", lambda: 4 * 10**18)  # long after the last change
    first = content_hash(path)
    monkeypatch.setattr(hashlib, "file_digest", None)
    assert content_hash(path) == first


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_not_a_regular_file_is_refused_without_waiting(tmp_path, make):
    make(tmp_path / "a.mp4")
    with pytest.raises(OSError, match=r"regular file|directory"):
        content_hash(tmp_path / "a.mp4")
