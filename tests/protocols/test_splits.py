import csv
import json
from dataclasses import replace

import pytest

from vqa.protocols.splits import Split, SplitError, read_split, write_split, write_splits_csv

SPLIT = Split("split3", ("a", "ö/b"), ("c",), ("d", "e"), "content", 7)


def test_round_trip(tmp_path):
    path = tmp_path / "splits" / "split3.json"
    write_split(SPLIT, path)
    assert read_split(path) == SPLIT
    assert [file.name for file in path.parent.iterdir()] == ["split3.json"]
    assert json.loads(path.read_text(encoding="utf-8"))["sha256"] == SPLIT.sha256


def test_hash_depends_on_the_content_and_not_on_the_order():
    assert len(SPLIT.sha256) == 64
    assert replace(SPLIT, train=("ö/b", "a"), test=("e", "d")).sha256 == SPLIT.sha256
    changed = [
        replace(SPLIT, name="split4"),
        replace(SPLIT, train=("a",)),
        replace(SPLIT, val=("d",), test=("c", "e")),
        replace(SPLIT, group_by="video"),
        replace(SPLIT, seed=8),
    ]
    assert len({split.sha256 for split in [SPLIT, *changed]}) == 6


def test_hash_does_not_change_between_releases():
    """The hash is a recorded value; another value would refuse every existing split file."""
    assert SPLIT.sha256 == "b7089af42fd5f5e788a776a5301ea4975eb4c5f77a27e010927b2a45f0913124"


@pytest.mark.parametrize(
    ("field", "value"),
    [("train", ["a"]), ("test", ["d", "f"]), ("seed", 8), ("name", "x"), ("group_by", "video")],
)
def test_an_edited_file_is_refused(tmp_path, field, value):
    path = tmp_path / "split3.json"
    write_split(SPLIT, path)
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | {field: value}), encoding="utf-8")
    with pytest.raises(SplitError, match=r"split3.json: the content has hash .* make the split"):
        read_split(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train": "abc"}, "train absent or of the wrong type"),
        ({"test": ["d", 5]}, "test absent or of the wrong type"),
        ({"seed": "7", "sha256": None}, "seed, sha256 absent"),
    ],
)
def test_other_json_is_refused(tmp_path, change, message):
    path = tmp_path / "split3.json"
    write_split(SPLIT, path)
    path.write_text(
        json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8"
    )
    with pytest.raises(SplitError, match=f"split3.json: not a split file: {message}"):
        read_split(path)


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "null", "\xff"])
def test_files_that_are_not_split_files(tmp_path, text):
    path = tmp_path / "split.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(SplitError, match=r"split.json: not a split file"):
        read_split(path)
    with pytest.raises(SplitError, match=r"absent.json: the split file cannot be opened"):
        read_split(tmp_path / "absent.json")


@pytest.mark.parametrize(
    "parts", [(("a", "a"), (), ()), (("a",), ("a",), ()), (("a",), (), ("a",))]
)
def test_a_video_is_in_one_part(parts):
    with pytest.raises(SplitError, match=r"1 ids appear more than once .* for example a"):
        Split("split0", *parts, "content", 0)


def test_nothing_to_train_on():
    with pytest.raises(SplitError, match="split0: the training part is empty"):
        Split("split0", (), (), ("a",), "content", 0)


def test_table_of_splits(tmp_path):
    """Reading is tested with `vqa.protocols.imported`."""
    path = tmp_path / "made" / "splits.csv"
    write_splits_csv([SPLIT, replace(SPLIT, name="full", val=(), test=(), seed=1)], path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [file.name for file in path.parent.iterdir()] == ["splits.csv"]
    assert list(rows[0]) == ["split", "video", "part", "group_by", "seed"]
    assert [tuple(row.values()) for row in rows] == [
        ("split3", "a", "train", "content", "7"),
        ("split3", "ö/b", "train", "content", "7"),
        ("split3", "c", "val", "content", "7"),
        ("split3", "d", "test", "content", "7"),
        ("split3", "e", "test", "content", "7"),
        ("full", "a", "train", "content", "1"),
        ("full", "ö/b", "train", "content", "1"),
    ]
