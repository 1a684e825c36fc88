import pytest

from vqa.databases import liveapv
from vqa.databases.records import DatabaseError

ROWS = (
    ("football/a_pristine.mp4", 81.5, "football", "a", ""),
    ("football/a_judder.mp4", 40.25, "football", "a", "judder"),
    ("football/b_judder.mp4", 45.0, "football", "b", "judder"),
    ("tennis/c_flicker.mp4", 30.0, "tennis", "c", "flicker"),
)
HEADER = "video,mos,content,source,distortion,mos_std"


def write(root, rows, header=HEADER):
    lines = [",".join(map(str, (*row, 9.5)[: header.count(",") + 1])) for row in rows]
    (root / "liveapv.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


@pytest.fixture
def release(tmp_path):
    for name, *_ in ROWS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    write(tmp_path, ROWS)
    return tmp_path


def test_a_whole_table(release, caplog):
    database = liveapv.read(release)
    assert (database.name, database.mos_range) == ("liveapv", (0.0, 100.0))
    by_id = {video.id: video for video in database.videos}
    assert [by_id[row[0]].mos for row in ROWS] == [row[1] for row in ROWS]
    assert [by_id[row[0]].content for row in ROWS] == ["football"] * 3 + ["tennis"]
    assert [by_id[row[0]].group for row in ROWS] == [None, "judder", "judder", "flicker"]
    assert {video.mos_std for video in database.videos} == {9.5}
    assert "lists 4 videos, the release 315" in caplog.text


def test_grouping_by_source(release):
    database = liveapv.read(release, group_by="source")
    assert [video.content for video in database.videos] == ["a", "a", "b", "c"]
    with pytest.raises(DatabaseError, match="group_by='scene'; expected content or source"):
        liveapv.read(release, group_by="scene")


def test_the_smallest_table(release):
    write(release, ROWS, header="video,mos,content")
    database = liveapv.read(release)
    assert {(video.group, video.mos_std) for video in database.videos} == {(None, None)}
    with pytest.raises(DatabaseError, match="expected columns source; found video, mos, content"):
        liveapv.read(release, group_by="source")


def test_missing_root_table_and_videos(release):
    with pytest.raises(DatabaseError, match=r"not a folder.*LIVE_APV_Study"):
        liveapv.read(release / "nowhere")
    (release / ROWS[0][0]).unlink()
    with pytest.raises(DatabaseError, match=r"1 of 4 .*a_pristine.mp4"):
        liveapv.read(release)
    (release / "liveapv.csv").unlink()
    with pytest.raises(DatabaseError, match=r"looked for liveapv.csv, LIVE_APV.csv"):
        liveapv.read(release)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((ROWS[0][0], 10, "football", "a", ""), "a_pristine.mp4.*keep one row"),
        (("x.mp4", 101, "golf", "d", ""), "x.mp4: 101"),
        (("x.mp4", 50, "", "d", ""), "1 rows have no content, for example x.mp4"),
        (("x.mp4", 50, "tennis", "a", ""), "a source belongs to several contents"),
    ],
)
def test_invalid_labels(release, row, message):
    write(release, [*ROWS, row])
    with pytest.raises(DatabaseError, match=message):
        liveapv.read(release)
