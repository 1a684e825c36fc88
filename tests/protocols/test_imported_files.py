import json
import logging
from dataclasses import replace

import numpy as np
import pytest

from tests.protocols.databases import CVD, KONVID, make_database
from tests.protocols.mat_files import write_simplevqa, write_vsfa
from vqa.protocols import SplitError, full, holdout, imported, kfold, repeated
from vqa.protocols.splits import Split, write_split, write_splits_csv

SMALL = make_database([2, 2, 2])
A, B, C, D, E, F = (video.id for video in SMALL.videos)


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def write_all(splits, folder):
    for split in splits:
        write_split(split, folder / f"{split.name}.json")
    return folder


@pytest.mark.parametrize(
    "splits",
    [
        repeated(CVD, count=12, val_fraction=0.2, seed=3),
        kfold(CVD, rounds=2),
        full(CVD),
    ],
    ids=["repeated", "kfold", "full"],
)
def test_splits_keep_their_hashes(tmp_path, splits):
    write_splits_csv(splits, tmp_path / "splits.csv")
    assert imported(CVD, tmp_path / "splits.csv") == splits
    folder = write_all(splits, tmp_path / "run" / "splits")
    for path in (folder, tmp_path / "run", str(folder)):
        again = imported(CVD, path)
        assert {split.sha256 for split in again} == {split.sha256 for split in splits}
    assert imported(CVD, folder / f"{splits[0].name}.json") == splits[:1]


def test_split_files_are_read_in_the_order_of_their_numbers(tmp_path):
    splits = repeated(CVD, count=12)
    assert imported(CVD, write_all(splits, tmp_path)) == splits
    assert imported(CVD, tmp_path, count=3) == splits[:3]
    with pytest.raises(SplitError, match="count=13: expected 1 to 12"):
        imported(CVD, tmp_path, count=13)


def test_splits_by_video_stay_by_video(tmp_path, caplog):
    splits = repeated(CVD, count=2, group_by="video")
    for path in (write_all(splits, tmp_path / "splits"), tmp_path / "splits.csv"):
        write_splits_csv(splits, tmp_path / "splits.csv")
        with pytest.raises(SplitError, match=r"2 of 2 splits .*group_by=video"):
            imported(CVD, path)
        caplog.clear()
        assert imported(CVD, path, group_by="video") == splits
        assert "94 of 94 test videos show a scene of the training part" in caplog.text


def test_edited_split_files_are_refused(tmp_path):
    [split] = holdout(CVD)
    write_split(split, tmp_path / "split0.json")
    content = json.loads((tmp_path / "split0.json").read_text(encoding="utf-8"))
    content["test"].append(content["train"].pop())
    (tmp_path / "split0.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(SplitError, match=r"split0.json: the content has hash"):
        imported(CVD, tmp_path)


def test_long_table(tmp_path):
    rows = f"video,part,split\n{A},train,one\n{B}, Train,one\n{C},val,one\n{E},test,one\n"
    path = write(tmp_path / "splits.csv", f"\ufeff{rows}{A},test,two\n{C},train,two\n")
    assert imported(SMALL, path) == [
        Split("one", (A, B), (C,), (E,), "content", 0),
        Split("two", (C,), (), (A,), "content", 0),
    ]


def test_wide_table(tmp_path, caplog):
    stem = A.removesuffix(".mp4")
    rows = f"{stem},train,test\n{B},train,test\nDATA/{C.upper()},test,train\n{E},,val\n"
    path = write(tmp_path / "splits.csv", f"video,first,2nd\n{rows}")
    assert imported(SMALL, path) == [
        Split("first", (A, B), (), (C,), "content", 0),
        Split("2nd", (C,), (E,), (A, B), "content", 0),
    ]
    assert "2 of 6 videos are in no split" in caplog.text


def test_a_single_column_called_split_is_wide(tmp_path):
    path = write(tmp_path / "labels.csv", f"video,split\n{A},train\n{C},test\n")
    [split] = imported(SMALL, path)
    # The column is the split's name, which must not be the name of a folder in every run.
    assert (split.name, split.train, split.test) == ("split", (A,), (C,))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the split table is empty"),
        ("video\na\n", "found the columns video; expected"),
        ("clip,part,split\na,train,x\n", "found the columns clip, part, split; expected"),
        ("video,mos,split\na,3.5,train\n", r"1 entries are not parts, for example '3.5' in split"),
        ("split,video,part\nx,a,training\n", "'training' in split 'x'; expected train, val, test"),
        ("split,video,part\n", "the split table is empty"),
        ("split,video,part\nx,a,train\nx,a,test\n", r"1 ids appear more than once .* example a"),
        ("split,video,part\nx,a,test\n", "x: the training part is empty"),
        (
            "split,video,part,seed\nx,a,train,one\n",
            r"split 'x' has group_by 'content' and seed 'one'",
        ),
        ("split,video,part,group_by\nx,a,train,scene\n", r"split 'x' has group_by 'scene'"),
        ("split,video,part\n../x,a,train\n", r"the splits are called ../x; expected different"),
        ("split,video,part\nsplits,a,train\n", "the splits are called splits; expected"),
        ("split,video,part\nx,a,train\nX,a,train\n", "the splits are called x, X; expected"),
    ],
)
def test_invalid_tables(tmp_path, text, message):
    path = write(tmp_path / "splits.csv", text)
    with pytest.raises(SplitError, match=f"splits.csv: .*{message}"):
        imported(SMALL, path)


def test_one_video_under_two_names(tmp_path):
    stem = A.removesuffix(".mp4")
    path = write(tmp_path / "splits.csv", f"video,x\n{A},train\n{stem},test\n")
    with pytest.raises(SplitError, match=f"x: 1 ids appear more than once .* example {A}"):
        imported(SMALL, path)


@pytest.mark.parametrize(
    ("parts", "leaked"),
    [
        ("train,test", "1 of 1"),
        ("val,test", "1 of 1"),
        ("train,val", "0 of 1"),
    ],
)
def test_a_content_in_two_parts_is_refused_by_default(tmp_path, parts, leaked, caplog):
    first, second = parts.split(",")
    rest = {"train", "val", "test"} - {first, second}
    text = f"video,x\n{A},{first}\n{B},{second}\n{C},{rest.pop()}\n"
    path = write(tmp_path / "splits.csv", text)
    message = f"1 of 1 splits have a content in several parts, for example x: scene0; {leaked} test"
    with pytest.raises(SplitError, match=message):
        imported(SMALL, path)
    [split] = imported(SMALL, path, group_by="video")
    assert split.group_by == "video"
    assert message in caplog.text


def test_splits_with_divided_contents_are_marked(tmp_path):
    """The contents of the database decide, not the table's column `group_by`."""
    text = f"split,video,part,group_by\nx,{A},train,content\nx,{B},test,content\n"
    divided = f"y,{A},train,official\ny,{B},test,official\n"
    whole = f"z,{A},train,content\nz,{C},test,content\n"
    path = write(tmp_path / "splits.csv", text + divided + whole)
    splits = imported(SMALL, path, group_by="video")
    assert [split.group_by for split in splits] == ["video", "official", "content"]


def test_videos_that_the_database_lacks(tmp_path, caplog):
    gone = "absent/clip.mp4"
    database = replace(SMALL, videos=SMALL.videos[1:], skipped=(A,))
    path = write(tmp_path / "s.csv", f"video,x\n{A},train\n{B},train\n{C},test\n{gone},test\n")
    message = (
        f"2 of 4 videos are not in toy \\({gone}, {A}\\); 1 of them are labelled but not on disk"
    )
    with pytest.raises(SplitError, match=f"{message}; protocol.missing=skip"):
        imported(database, path)
    [split] = imported(database, path, missing="skip")
    assert (split.train, split.test) == ((B,), (C,))
    assert "2 of 4 videos are not in toy" in caplog.text


def test_skipping_must_not_empty_a_part(tmp_path):
    database = replace(SMALL, videos=SMALL.videos[:4])
    path = write(tmp_path / "s.csv", f"video,x\n{A},train\n{E},test\n")
    with pytest.raises(SplitError, match="x: the database has no video of the test part"):
        imported(database, path, missing="skip")


def test_splits_of_another_database(tmp_path):
    write_all(repeated(KONVID, count=2), tmp_path)
    other = make_database([3, 3])
    other = replace(other, videos=tuple(replace(v, id=f"other/{v.id}x") for v in other.videos))
    with pytest.raises(SplitError, match=r"1200 of 1200 videos .* to another database"):
        imported(other, tmp_path, missing="skip")


def test_a_skipped_video_does_not_match_a_namesake(tmp_path):
    """Without the skipped id, `1.mp4` would match the only other candidate."""
    videos = tuple(
        replace(video, id=name, content=None)
        for video, name in zip(SMALL.videos, ["x/1.mp4", "x/2.mp4"], strict=False)
    )
    path = write(tmp_path / "s.csv", "video,s\n1.mp4,train\nx/2.mp4,test\n")
    database = replace(SMALL, videos=videos)
    assert imported(database, path)[0].train == ("x/1.mp4",)
    with pytest.raises(SplitError, match=r"1 of 2 videos are not in toy \(1.mp4\)"):
        imported(replace(database, skipped=("y/1.mp4",)), path)


def test_different_mos_are_reported(tmp_path, caplog):
    names = [video.id for video in SMALL.videos]
    orders = np.array([[1, 2, 3, 4, 5, 6]])
    mos = np.array([[video.mos for video in SMALL.videos]])
    write_vsfa(tmp_path / "same.mat", orders, names, scores=mos)
    imported(SMALL, tmp_path / "same.mat", group_by="video")
    assert "MOS differ" not in caplog.text
    write_vsfa(tmp_path / "other.mat", orders, names, scores=mos + 0.2 * (np.arange(6) < 4))
    imported(SMALL, tmp_path / "other.mat", group_by="video")
    assert "4 of 6 MOS differ from those of toy" in caplog.text


def test_shares_apply_only_to_matrices(tmp_path):
    splits = holdout(CVD, val_fraction=0.1)
    write_splits_csv(splits, tmp_path / "splits.csv")
    assert imported(CVD, tmp_path / "splits.csv", test_fraction=0.5, val_fraction=0.0) == splits
    names = [video.id for video in KONVID.videos[:20]]
    database = replace(KONVID, videos=KONVID.videos[:20])
    write_simplevqa(tmp_path / "data.mat", np.arange(20)[None], names)
    [split] = imported(database, tmp_path / "data.mat", test_fraction=0.5, val_fraction=0.0)
    assert (len(split.train), len(split.val), len(split.test)) == (10, 0, 10)


def test_imported_splits_report_the_leaks_by_video(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    splits = repeated(CVD, count=2)
    write_all(splits, tmp_path)
    caplog.clear()
    imported(CVD, tmp_path)
    assert "a split by video would have leaked" in caplog.text


def test_delimiters_and_short_rows(tmp_path):
    path = write(tmp_path / "splits.csv", f"video;x;y\n{A};Train\n{C};test;train\n")
    assert imported(SMALL, path) == [
        Split("x", (A,), (), (C,), "content", 0),
        Split("y", (C,), (), (), "content", 0),
    ]
    with pytest.raises(SplitError, match=r"splits.csv, line 2: 3 entries, expected 2"):
        imported(SMALL, write(path, f"video,x\n{A},train,test\n"))
    with pytest.raises(SplitError, match=r"splits.csv: columns x appear twice"):
        imported(SMALL, write(path, f"video,x,x\n{A},train,test\n"))
    path.write_bytes("video,x\nfête.mp4,train\n".encode("latin-1"))
    with pytest.raises(SplitError, match=r"splits.csv: not UTF-8 text"):
        imported(SMALL, path)


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        (None, {}, "no splits given; set protocol.path"),
        ("", {}, "no splits found; expected a .csv"),
        ("nowhere", {}, "nowhere: no splits found; expected a .csv"),
        ("nowhere.json", {}, "nowhere.json: no splits found"),
        ("nowhere.csv", {}, "nowhere.csv: the split table cannot be opened"),
        ("s.txt", {}, "s.txt: not a split file: not JSON"),
        ("s.txt", {"group_by": "scene"}, "group_by='scene': expected content or video"),
        ("s.txt", {"missing": "ignore"}, "missing='ignore': expected error or skip"),
    ],
)
def test_invalid_calls(tmp_path, path, options, message):
    write(tmp_path / "s.txt", "train: a")
    with pytest.raises(SplitError, match=message):
        imported(SMALL, None if path is None else tmp_path / path, **options)
