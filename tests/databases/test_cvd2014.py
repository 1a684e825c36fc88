from collections import Counter

import pytest

from tests.places import SHARED
from vqa.databases import cvd2014
from vqa.databases.records import DatabaseError

REAL = SHARED / "labels" / "CVD2014.labels.txt"
MOS = {
    "Test1/City/Test01_City_D01.avi": 67.29,
    "Test1/City/Test01_City_D02.avi": -6.5,
    "Test3/City/Test03_City_D12.avi": 20.65,
    "Test3/Talking_head/Test03_Talking_Head_D10.avi": 53.33,
    "Test6/Talking_head/Test06_Talking_head_D01.avi": 93.38,
}


def write_official(root, rows):
    ratings = root / "CVD2014_ratings"
    ratings.mkdir(exist_ok=True)
    lines = ["File_name;Content;Realignment MOS", *rows, ";;", ";;"]
    (ratings / "Realignment_MOS.csv").write_bytes("\r\n".join(lines).encode("utf-8-sig"))


def official_rows():
    """Rows as in the release: no suffix, decimal comma."""
    for key, mos in MOS.items():
        _, scene, name = key.split("/")
        yield f"{name.removesuffix('.avi')};{scene};{mos:.2f}".replace(".", ",")


@pytest.fixture
def release(tmp_path):
    for key in MOS:
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).touch()
    write_official(tmp_path, official_rows())
    return tmp_path


def check(database, release):
    assert database.name == "cvd2014"
    assert database.mos_range == (-10.0, 100.0)
    assert {video.id: video.mos for video in database.videos} == MOS
    assert all(video.path == release / video.id for video in database.videos)
    assert [video.content for video in database.videos] == [
        "Test1/City",
        "Test1/City",
        "Test3/City",
        "Test3/Talking_head",
        "Test6/Talking_head",
    ]
    assert [video.group for video in database.videos] == [
        "Test1",
        "Test1",
        "Test3",
        "Test3",
        "Test6",
    ]


def test_official_release(release, caplog):
    check(cvd2014.read(release), release)
    assert "lists 5 videos, the release 234" in caplog.text


def test_text_labels(release):
    (release / "CVD2014_ratings" / "Realignment_MOS.csv").unlink()
    lines = [f"{key}, 14.948471, 29.1, {mos}" for key, mos in MOS.items()]
    (release / "CVD2014.labels.txt").write_text("\n".join(lines), encoding="utf-8")
    database = cvd2014.read(release)
    check(database, release)
    assert {video.frame_rate_hz for video in database.videos} == {29.1}


def test_missing_videos(release):
    (release / "Test3/City/Test03_City_D12.avi").unlink()
    with pytest.raises(DatabaseError, match=r"1 of 5 .*Test03_City_D12.avi.*zenodo"):
        cvd2014.read(release)
    database = cvd2014.read(release, missing="skip")
    assert database.skipped == ("Test3/City/Test03_City_D12.avi",)


def test_missing_root_and_labels(release):
    with pytest.raises(DatabaseError, match=r"not a folder.*zenodo"):
        cvd2014.read(release / "nowhere")
    (release / "CVD2014_ratings" / "Realignment_MOS.csv").unlink()
    with pytest.raises(DatabaseError, match=r"looked for Realignment_MOS.csv, CVD2014.labels.txt"):
        cvd2014.read(release)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Test01_City_D01;City;20,00", "Test1/City/Test01_City_D01.avi.*keep one row"),
        ("Test01_City_D03;City;NaN", "Test01_City_D03.avi: nan"),
        ("Test01_City_D03;City;5333", "Test01_City_D03.avi: 5333"),
        ("Test09_City_D03;City;20,00", "'Test09_City_D03' is not a video name"),
    ],
)
def test_invalid_labels(release, row, message):
    write_official(release, [*official_rows(), row])
    with pytest.raises(DatabaseError, match=message):
        cvd2014.read(release)


def test_labels_in_another_encoding(release):
    path = release / "CVD2014_ratings" / "Realignment_MOS.csv"
    path.write_bytes("File_name;Content;Realignment MOS\nTest01_Cité_D01;;1\n".encode("latin-1"))
    with pytest.raises(DatabaseError, match=r"Realignment_MOS.csv: not UTF-8 text"):
        cvd2014.read(release)


def test_real_label_table(tmp_path):
    if not REAL.is_file():
        pytest.skip("the published label tables are not here")
    for line in REAL.read_text(encoding="utf-8").splitlines():
        path = tmp_path / line.split(",")[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    database = cvd2014.read(tmp_path, labels=REAL)
    mos = [video.mos for video in database.videos]
    assert len(database) == 234
    assert (min(mos), max(mos)) == (-6.5, 93.38)
    assert sum(mos) / 234 == pytest.approx(44.93, abs=5e-3)
    contents = Counter(video.content for video in database.videos)
    assert sorted(Counter(contents.values()).items()) == [
        (9, 3),
        (10, 3),
        (13, 3),
        (14, 3),
        (16, 6),
    ]
    assert len({video.group for video in database.videos}) == 6
