from collections import Counter

import pytest

from vqa.databases import tid2013
from vqa.databases.records import DatabaseError

# As in the release: names in both cases, which differ between files and list.
LINES = ("5.51429 I01_01_1.bmp", "0.24242 i25_24_5.bmp", "7.21429 I01_02_1.bmp")
FILES = ("i01_01_1.bmp", "I25_24_5.BMP", "i01_02_1.bmp")


@pytest.fixture
def release(tmp_path):
    (tmp_path / "distorted_images").mkdir()
    for name in FILES:
        (tmp_path / "distorted_images" / name).touch()
    (tmp_path / "mos_with_names.txt").write_text("\r\n".join(LINES) + "\r\n", encoding="utf-8")
    (tmp_path / "mos_std.txt").write_text("0.13\r\n0.21\r\n0.17\r\n", encoding="utf-8")
    return tmp_path


def test_official_release(release, caplog):
    database = tid2013.read(release)
    assert (database.name, database.mos_range) == ("tid2013", (0.0, 9.0))
    first, second, third = database.videos
    assert [video.id for video in database.videos] == [
        "i01_01_1.bmp",
        "i01_02_1.bmp",
        "i25_24_5.bmp",
    ]
    assert [video.mos for video in database.videos] == [5.51429, 7.21429, 0.24242]
    assert [video.mos_std for video in database.videos] == [0.13, 0.17, 0.21]
    assert (first.content, first.group) == (second.content, "01") == ("i01", "01")
    assert (third.content, third.group) == ("i25", "24")
    assert third.path == release / "distorted_images" / "I25_24_5.BMP"
    assert {(video.width, video.height, video.frames) for video in database.videos} == {
        (512, 384, 1)
    }
    assert "lists 3 videos, the release 3000" in caplog.text


def test_the_whole_release(tmp_path, caplog):
    """3000 names in upper and lower case; every image gets its own MOS and deviation."""
    folder = tmp_path / "tid2013" / "distorted_images"
    folder.mkdir(parents=True)
    lines, spreads, wanted = [], [], {}
    for content in range(1, 26):
        for kind in range(1, 25):
            for level in range(1, 6):
                key = f"{content:02}_{kind:02}_{level}.bmp"
                capital = (content + kind) % 2
                (folder / f"{'I' if capital else 'i'}{key}").touch()
                mos, spread = round(9 - content * kind * level / 3100 * 9, 5), round(level / 7, 4)
                lines.append(f"{mos} {'i' if capital else 'I'}{key}")
                spreads.append(str(spread))
                wanted[f"i{key}"] = (mos, spread, f"i{content:02}", f"{kind:02}")
    (tmp_path / "tid2013" / "mos_with_names.txt").write_text(
        "\n".join(reversed(lines)) + "\n", encoding="utf-8"
    )
    (tmp_path / "tid2013" / "mos_std.txt").write_text(
        "\n".join(reversed(spreads)) + "\n", encoding="utf-8"
    )
    database = tid2013.read(tmp_path)
    assert len(database) == 3000
    assert {
        video.id: (video.mos, video.mos_std, video.content, video.group)
        for video in database.videos
    } == wanted
    assert all(video.path.name.lower() == video.id for video in database.videos)
    assert all(video.path.is_file() for video in database.videos)
    assert set(Counter(video.content for video in database.videos).values()) == {120}
    assert len({video.content for video in database.videos}) == 25
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_images_without_folder_and_without_spreads(release):
    (release / "mos_std.txt").unlink()
    database = tid2013.read(release / "distorted_images", labels=release / "mos_with_names.txt")
    assert [video.mos_std for video in database.videos] == [None] * 3


def test_missing_images(release):
    (release / "distorted_images" / "I25_24_5.BMP").unlink()
    with pytest.raises(DatabaseError, match=r"1 of 3 .*i25_24_5.bmp.*ponomarenko"):
        tid2013.read(release)
    assert tid2013.read(release, missing="skip").skipped == ("i25_24_5.bmp",)


def test_missing_root_and_labels(release):
    with pytest.raises(DatabaseError, match=r"not a folder.*ponomarenko"):
        tid2013.read(release / "nowhere")
    (release / "mos_with_names.txt").unlink()
    with pytest.raises(DatabaseError, match=r"looked for mos_with_names.txt"):
        tid2013.read(release)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("5.5 I01_01_1.bmp", "i01_01_1.bmp.*keep one row per video"),
        ("9.5 I01_03_1.bmp", "i01_03_1.bmp: 9.5"),
        ("good I01_03_1.bmp", "mos of i01_03_1.bmp is 'good'"),
        ("5.5", "'5.5' is not `<mos> i01_01_1.bmp`"),
        ("I01_03_1.bmp 5.5", "is not `<mos> i01_01_1.bmp`"),
    ],
)
def test_invalid_labels(release, line, message):
    (release / "mos_with_names.txt").write_text("\n".join([*LINES, line]), encoding="utf-8")
    (release / "mos_std.txt").write_text("0.1 0.1 0.1 0.1", encoding="utf-8")
    with pytest.raises(DatabaseError, match=message):
        tid2013.read(release)


def test_spreads_of_another_length(release):
    (release / "mos_std.txt").write_text("0.13\n0.21\n", encoding="utf-8")
    with pytest.raises(DatabaseError, match=r"mos_std.txt: 2 values for 3 images"):
        tid2013.read(release)


def test_labels_in_another_encoding(release):
    (release / "mos_with_names.txt").write_bytes(b"5.5 \xff\xfe.bmp")
    with pytest.raises(DatabaseError, match=r"mos_with_names.txt: not UTF-8 text"):
        tid2013.read(release)
