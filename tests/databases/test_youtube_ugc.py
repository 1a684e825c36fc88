import csv
from collections import Counter
from pathlib import Path

import pytest

from tests.places import SHARED
from vqa.databases import youtube_ugc
from vqa.databases.records import DatabaseError

REAL = SHARED
# One-based rows of the 1380-row table that VIDEVAL's benchmark calls grey.
GREY_ROWS = """
3 6 10 22 23 46 51 52 68 74 77 99 103 122 136 141 158 173 368 426 467 477 506 563 594 639 654
657 666 670 671 681 690 697 702 703 710 726 736 764 768 777 786 796 977 990 1012 1015 1023 1091
1118 1205 1282 1312 1336 1344 1380
"""
MOS = {
    "Animation_1080P-0c4f": 3.94,  # grey
    "Animation_1080P-01b3": 3.649,
    "Sports_2160P-1b70": 4.2,
    "Vlog_360P-2973": 1.242,  # grey
    "Vlog_720P-7b31": 3.1,
}
HEADER = "vid,category,resolution,x_Subjects,MOSFull,MOSChunk00,stdFull,width,height,framerate"


def row(vid, mos):
    category, lines = vid.split("P-")[0].split("_")
    return f"{vid},{category},{lines},125,{mos},9,0.468,1920,1080,29.97"


def official(vid):
    category, lines = vid.split("P-")[0].split("_")
    return Path("original_videos", category, f"{lines}P", f"{vid}.mkv")


@pytest.fixture
def release(tmp_path):
    for vid in MOS:
        path = tmp_path / official(vid)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    rows = [row(vid, mos) for vid, mos in reversed(MOS.items())]
    (tmp_path / "MOS_for_YouTube_UGC_dataset.csv").write_text(
        "\n".join([HEADER, *rows]), encoding="utf-8"
    )
    return tmp_path


def check(database):
    assert (database.name, database.mos_range) == ("youtube_ugc", (1.0, 5.0))
    assert [(video.id, video.mos) for video in database.videos] == sorted(MOS.items())
    groups = [video.group for video in database.videos]
    assert groups == ["1080P", "1080P", "2160P", "360P", "720P"]
    assert all(video.content_id == video.id and video.path.is_file() for video in database.videos)


def test_official_release(release, caplog):
    database = youtube_ugc.read(release)
    check(database)
    assert all(video.path == release / official(video.id) for video in database.videos)
    assert {(video.mos_std, video.ratings) for video in database.videos} == {(0.468, 125)}
    assert "lists 5 videos, the release 1380" in caplog.text


def test_flat_copy_with_text_labels(release):
    lines = []
    for vid, mos in MOS.items():
        name = f"{vid}_crf_10_ss_00_t_20.0.mp4"
        (release / official(vid)).rename(release / name)
        lines.append(f"{name}, 20.0, 29.97, {mos}")
    (release / "mine.txt").write_text("\n".join(lines), encoding="utf-8")
    check(youtube_ugc.read(release, labels=release / "mine.txt"))


def test_the_original_wins_over_a_copy(release):
    vid = "Vlog_720P-7b31"
    (release / f"{vid}_crf_10_ss_00_t_20.0.mp4").touch()
    (release / f"{vid}.mp4").touch()
    paths = {video.id: video.path for video in youtube_ugc.read(release).videos}
    assert paths[vid] == release / official(vid)


def test_columns_are_found_by_name(release):
    """Per-resolution copies start each row with its number."""
    table = release / "MOS_for_YouTube_UGC_dataset.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    numbered = [f",{lines[0]}", *(f"{index},{line}" for index, line in enumerate(lines[1:]))]
    table.write_text("\n".join(numbered), encoding="utf-8")
    check(youtube_ugc.read(release))


def test_resolutions_and_grey(release, caplog):
    def ids(**options):
        return [video.id for video in youtube_ugc.read(release, **options).videos]

    assert ids(resolutions=[360, 2160]) == ["Sports_2160P-1b70", "Vlog_360P-2973"]
    assert ids(grey="drop") == ["Animation_1080P-01b3", "Sports_2160P-1b70", "Vlog_720P-7b31"]
    assert ids(resolutions=[1080], grey="drop") == ["Animation_1080P-01b3"]
    # The whole table is compared with the release, not the chosen part.
    assert set(caplog.messages) == {"youtube_ugc: the label table lists 5 videos, the release 1380"}
    with pytest.raises(DatabaseError, match=r"resolutions=\[1000\]; expected some of \[360, 480"):
        ids(resolutions=[1000])
    with pytest.raises(DatabaseError, match=r"resolutions=\[\]"):
        ids(resolutions=[])
    with pytest.raises(DatabaseError, match="grey='no'; expected keep or drop"):
        ids(grey="no")


def test_missing_videos(release):
    (release / official("Vlog_720P-7b31")).unlink()
    with pytest.raises(DatabaseError, match=r"1 of 5 .*Vlog/720P/Vlog_720P-7b31.mkv.*ugc-dataset"):
        youtube_ugc.read(release)
    assert youtube_ugc.read(release, missing="skip").skipped == ("Vlog_720P-7b31",)


@pytest.mark.parametrize(
    ("vid", "mos", "message"),
    [
        ("Vlog_720P-7b31", 3.0, "Vlog_720P-7b31.*keep one row per video"),
        ("Vlog_720P-7b32", 5.5, "Vlog_720P-7b32: 5.5"),
        ("Vlog_720P-7b32", "", "Vlog_720P-7b32: nan"),
        ("Vlog_720P-clip", 3.0, "'Vlog_720P-clip' is not a vid"),
    ],
)
def test_invalid_labels(release, vid, mos, message):
    table = release / "MOS_for_YouTube_UGC_dataset.csv"
    table.write_text(f"{table.read_text(encoding='utf-8')}\n{row(vid, mos)}\n", encoding="utf-8")
    with pytest.raises(DatabaseError, match=message):
        youtube_ugc.read(release)


def real_rows():
    table = REAL / "labels" / "YOUTUBE_UGC_metadata.csv"
    if not table.is_file():
        pytest.skip("the published label tables are not here")
    with table.open() as file:
        return table, list(csv.DictReader(file))


def test_grey_names_are_the_published_rows():
    _, rows = real_rows()
    assert tuple(rows[int(number) - 1]["vid"] for number in GREY_ROWS.split()) == youtube_ugc.GREY
    assert len(set(youtube_ugc.GREY)) == 57


def test_real_label_table(tmp_path, caplog):
    table, rows = real_rows()
    for line in rows:
        (tmp_path / f"{line['vid']}.mkv").touch()
    database = youtube_ugc.read(tmp_path, labels=table)
    assert not caplog.text
    mos = [video.mos for video in database.videos]
    assert len(database) == len({video.content_id for video in database.videos}) == 1380
    assert (min(mos), max(mos)) == (1.242, 4.698)
    assert sum(mos) / 1380 == pytest.approx(3.542948, abs=1e-6)
    counts = Counter(video.group for video in database.videos)
    assert counts == {"360P": 258, "480P": 311, "720P": 297, "1080P": 374, "2160P": 140}
    ratings = [video.ratings for video in database.videos]
    assert (min(ratings), max(ratings)) == (103, 159)
    assert len(youtube_ugc.read(tmp_path, labels=table, grey="drop")) == 1323


@pytest.mark.parametrize(("lines", "videos"), [(360, 224), (480, 265), (720, 256), (1080, 294)])
def test_real_tables_of_one_resolution(tmp_path, lines, videos):
    _, rows = real_rows()
    own = REAL / "saliency-study" / f"YOUTUBE_UGC_{lines}P_metadata.csv"
    whole = {line["vid"]: float(line["MOSFull"]) for line in rows}
    for vid in whole:
        (tmp_path / f"{vid}.mkv").touch()
    database = youtube_ugc.read(tmp_path, labels=own)
    assert len(database) == videos
    assert {video.group for video in database.videos} == {f"{lines}P"}
    assert all(video.mos == pytest.approx(whole[video.id]) for video in database.videos)
