from collections import Counter
from pathlib import Path

import pytest

from tests.places import SHARED
from vqa.databases import lsvq
from vqa.databases.records import DatabaseError

REAL = SHARED / "labels"
TRAIN = {"yfcc-batch1/725": 76.84, "ia-batch1/XcorpsMotorSports3.3": 52.5, "backup/24924": 40.0}
TEST = {"yfcc-batch1/747": 67.75, "ia-batch2/Some_Show": 20.25}
HEADER = "name,p1,height,width,mos_p1,mos,frame_number,fn_last_frame,is_test,is_valid"


def row(name, mos, test, *, size=(540, 960), frames=300, valid="True"):
    return f'{name},"[0, 1, 2]",{size[0]},{size[1]},50,{mos},{frames},{frames},{test},{valid}'


def official_rows():
    return [row(name, mos, False) for name, mos in TRAIN.items()] + [
        row(name, mos, True) for name, mos in TEST.items()
    ]


def write(path, rows, header=HEADER):
    path.write_text("\n".join(filter(None, [header, *rows])) + "\n", encoding="utf-8")


@pytest.fixture
def release(tmp_path):
    for name in (*TRAIN, *TEST):
        path = tmp_path / f"{name}.mp4"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    write(tmp_path / "labels_train_test.csv", official_rows())
    return tmp_path


def check(database):
    assert (database.name, database.mos_range) == ("lsvq", (0.0, 100.0))
    assert database.origin == "YFCC100M"
    found = {video.id: (video.mos, video.split, video.group) for video in database.videos}
    assert found == {
        "yfcc-batch1/725.mp4": (76.84, "train", "yfcc"),
        "ia-batch1/XcorpsMotorSports3.3.mp4": (52.5, "train", "ia"),
        "backup/24924.mp4": (40.0, "train", "backup"),
        "yfcc-batch1/747.mp4": (67.75, "test", "yfcc"),
        "ia-batch2/Some_Show.mp4": (20.25, "test", "ia"),
    }


def test_official_release(release, caplog):
    database = lsvq.read(release)
    check(database)
    video = database.videos[0]
    assert (video.width, video.height, video.frames) == (960, 540, 300)
    assert caplog.messages == ["lsvq: the label table lists 5 videos, the release 35238"]


def test_parts(release):
    assert {video.id for video in lsvq.read(release, parts=["test"]).videos} == {
        f"{name}.mp4" for name in TEST
    }
    assert len(lsvq.read(release, parts=["train"])) == 3
    with pytest.raises(DatabaseError, match=r"parts=\['val'\]; expected train, test or both"):
        lsvq.read(release, parts=["val"])
    with pytest.raises(DatabaseError, match=r"parts=\[\]"):
        lsvq.read(release, parts=[])


def test_text_lists(release):
    (release / "labels_train_test.csv").unlink()
    lists = [release / "LSVQ_train.labels.txt", release / "LSVQ_test.labels.txt"]
    for path, part in zip(lists, (TRAIN, TEST), strict=True):
        write(path, [f"{name}.mp4, -1, -1, {mos}" for name, mos in part.items()], header=None)
    check(lsvq.read(release))
    check(lsvq.read(release, labels=lists))
    assert len(lsvq.read(release, labels=lists[1], parts=["test"])) == 2
    lists[1].unlink()
    with pytest.raises(DatabaseError, match=r"looked for LSVQ_test.labels.txt, labels_test.txt"):
        lsvq.read(release)
    lists[0].rename(release / "mine.txt")
    with pytest.raises(DatabaseError, match=r"mine.txt: which part is this\? expected a column"):
        lsvq.read(release, labels=release / "mine.txt")


def test_a_table_without_is_valid(release):
    rows = [line.rsplit(",", 1)[0] for line in official_rows()]
    write(release / "labels_train_test.csv", rows, header=HEADER.removesuffix(",is_valid"))
    check(lsvq.read(release))


def test_broken_rows_are_skipped_and_counted_once(release, caplog):
    broken = [
        row("ia-batch1/none", 50, False, frames=0),
        row("ia-batch1/one", 50, False, frames=1),
        row("ia-batch1/flat", 50, True, size=(0, 960)),
        row("ia-batch1/unrated", "", False),
        row("ia-batch1/strange", "nan", False),
        row("ia-batch1/refused", 50, False, valid="False"),
    ]
    write(release / "labels_train_test.csv", [*official_rows(), *broken])
    check(lsvq.read(release))
    assert caplog.messages[0] == (
        "lsvq: skipped 6 of 11 rows, which are broken: 1 marked as invalid, "
        "2 with 0 or 1 frames, 2 without MOS, 1 without size"
    )
    assert len(caplog.messages) == 2  # the other is the count of the release


def test_a_frame_rate_that_is_a_time_base(release, caplog):
    path = release / "LSVQ_train.labels.txt"
    lines = ["yfcc-batch1/725.mp4, 8, 90000, 76.84", "yfcc-batch1/747.mp4, 8, 29.97, 67.75"]
    write(path, lines, header=None)
    assert [video.id for video in lsvq.read(release, labels=path).videos] == ["yfcc-batch1/747.mp4"]
    assert "skipped 1 of 2 rows, which are broken: 1 with 90000 frames per second" in caplog.text


def test_1080p_is_a_separate_database(release, caplog):
    write(
        release / "labels_test_1080p.csv",
        ["yfcc-batch1/747,1080,1920,67.75,240", "ia-batch2/Some_Show,1080,1920,20.25,0"],
        header="name,height,width,mos,frame_number",
    )
    database = lsvq.read_1080p(release)
    assert (database.name, database.origin) == ("lsvq_1080p", "YFCC100M")
    (video,) = database.videos
    assert (video.id, video.split, video.group) == ("yfcc-batch1/747.mp4", "test", "yfcc")
    assert caplog.messages == [
        "lsvq_1080p: skipped 1 of 2 rows, which are broken: 1 with 0 or 1 frames",
        "lsvq_1080p: the label table lists 1 videos, the release 3573",
    ]


def test_missing_root_labels_and_videos(release):
    with pytest.raises(DatabaseError, match=r"not a folder.*PatchVQ"):
        lsvq.read(release / "nowhere")
    with pytest.raises(DatabaseError, match=r"lsvq_1080p: no label file; looked for labels_test_1"):
        lsvq.read_1080p(release)
    (release / "yfcc-batch1/747.mp4").unlink()
    with pytest.raises(DatabaseError, match=r"1 of 5 .*yfcc-batch1/747.mp4.*PatchVQ"):
        lsvq.read(release)
    assert lsvq.read(release, missing="skip").skipped == ("yfcc-batch1/747.mp4",)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (row("yfcc-batch1/747", 1, True), "yfcc-batch1/747.mp4.*keep one row per video"),
        (row("yfcc-batch1/9", 101, True), "yfcc-batch1/9.mp4: 101"),
        (row("yfcc-batch1/9", 50, "perhaps"), "is_test is 'perhaps', expected True or False"),
        (row("747", 50, True), "'747' is not a video name; expected yfcc-batch1/747"),
    ],
)
def test_invalid_labels(release, line, message):
    write(release / "labels_train_test.csv", [*official_rows(), line])
    with pytest.raises(DatabaseError, match=message):
        lsvq.read(release)


@pytest.fixture
def no_disk(monkeypatch):
    """Let all files exist, so that the test need not create 39,000 of them."""
    monkeypatch.setattr(Path, "is_file", lambda path: True)


def test_real_lists(tmp_path, no_disk):
    lists = [REAL / "LSVQ_train.labels.txt", REAL / "LSVQ_test.labels.txt"]
    if not REAL.is_dir():
        pytest.skip("the published label tables are not here")
    database = lsvq.read(tmp_path, labels=lists)
    splits = Counter(video.split for video in database.videos)
    assert splits == {"train": 28056, "test": 7186}
    groups = Counter(video.group for video in database.videos if video.split == "train")
    assert groups == {"ia": 14406, "yfcc": 13551, "backup": 99}
    mos = [video.mos for video in database.videos]
    assert (min(mos), max(mos)) == pytest.approx((2.448, 91.033), abs=1e-3)
    assert sum(mos) / len(mos) == pytest.approx(59.804859, abs=1e-5)


def test_real_1080p_list(tmp_path, no_disk, caplog):
    if not REAL.is_dir():
        pytest.skip("the published label tables are not here")
    database = lsvq.read_1080p(tmp_path, labels=REAL / "LSVQ_1080p.labels.txt")
    assert len(database) == 3573
    assert not caplog.text
    mos = [video.mos for video in database.videos]
    assert (min(mos), max(mos)) == pytest.approx((17.722, 91.419), abs=1e-3)
    assert {video.split for video in database.videos} == {"test"}
