import logging

import pytest

from vqa.databases import csv_table as table
from vqa.databases.records import DatabaseError


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a label table next to three videos in `own/`."""
    folder = tmp_path / "own"
    (folder / "clips").mkdir(parents=True)
    for name in ("a.mp4", "b.mp4", "clips/c.yuv"):
        (folder / name).touch()

    def write(text, encoding="utf-8"):
        path = folder / "labels.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


PLAIN = "video,mos\na.mp4,3.5\nb.mp4,2\nclips/c.yuv,1.25\n"


def test_the_smallest_table(write):
    path = write(PLAIN)
    database = table.read(path, mos_range=[1, 5])
    assert database.name == "csv"
    assert database.mos_range == (1.0, 5.0)
    assert [(video.id, video.mos) for video in database.videos] == [
        ("a.mp4", 3.5),
        ("b.mp4", 2.0),
        ("clips/c.yuv", 1.25),
    ]
    assert all(video.path == path.parent / video.id for video in database.videos)
    assert all(video.content_id == video.id for video in database.videos)


def test_every_column(write, caplog):
    text = (
        "rater,video;mos;mos_std;ratings;content;width;height;frame_rate_hz;split;group\n"
        "x;a.mp4;3,5;0,5;24;city;;;;Train;blur\n"
        "y;clips/c.yuv;2,0;;;city;1920;1080;25;test;\n"
    ).replace("rater,", "rater;")
    with caplog.at_level(logging.INFO):
        first, second = table.read(write(text, "utf-8-sig"), mos_range=(1, 5)).videos
    assert (first.mos, first.mos_std, first.ratings, first.content) == (3.5, 0.5, 24, "city")
    assert (first.width, first.height, first.frame_rate_hz) == (None, None, None)
    assert (first.split, first.group) == ("train", "blur")
    assert (second.width, second.height, second.frame_rate_hz) == (1920, 1080, 25.0)
    assert (second.split, second.group) == ("test", None)
    assert (second.mos_std, second.ratings) == (None, None)
    assert "ignored the columns rater" in caplog.text


def test_root_given(write, tmp_path):
    path = write(PLAIN)
    elsewhere = tmp_path / "labels.csv"
    path.rename(elsewhere)
    assert len(table.read(elsewhere, path.parent, mos_range=[1, 5])) == 3
    with pytest.raises(DatabaseError, match=r"nowhere is not a folder; set data.root"):
        table.read(elsewhere, tmp_path / "nowhere")
    with pytest.raises(DatabaseError, match="none of the labelled files exists"):
        table.read(elsewhere, mos_range=[1, 5])


def test_paths_outside_and_absolute(write, tmp_path):
    inside = tmp_path / "own" / "a.mp4"
    outside = tmp_path / "else.mp4"
    outside.touch()
    text = f"video,mos\n{inside},3\n../else.mp4,2\nclips\\c.yuv,1\n"
    database = table.read(write(text), mos_range=[1, 5])
    assert [video.id for video in database.videos] == [
        "a.mp4",
        outside.as_posix().lstrip("/"),
        "clips/c.yuv",
    ]
    assert all(video.path.is_file() for video in database.videos)


def test_two_spellings_of_one_video_are_duplicates(write):
    with pytest.raises(DatabaseError, match=r"a.mp4.*keep one row per video"):
        table.read(write("video,mos\na.mp4,3\nclips/../a.mp4,2\n"), mos_range=[1, 5])


@pytest.mark.parametrize(
    ("mos", "scale"),
    [
        ((0.2, 0.9), (0, 1)),
        ((1.2, 4.9), (1, 5)),
        ((0.5, 4.9), (0, 5)),
        ((1.2, 8.0), (0, 10)),
        ((1.2, 80.0), (0, 100)),
        ((1.0, 1.0), (0, 1)),
    ],
)
def test_default_scale_is_the_narrowest_usual_one(write, caplog, mos, scale):
    database = table.read(write(f"video,mos\na.mp4,{mos[0]}\nb.mp4,{mos[1]}\n"))
    assert database.mos_range == scale
    assert f"assumed the rating scale [{scale[0]}, {scale[1]}]; set data.mos_range" in caplog.text


def test_mos_outside_all_usual_scales(write):
    text = "video,mos\na.mp4,-2\nb.mp4,3\n"
    with pytest.raises(DatabaseError, match=r"MOS from -2 to 3 fit none .*data.mos_range="):
        table.read(write(text))
    assert table.read(write(text), mos_range=(-3, 3)).mos_range == (-3.0, 3.0)


@pytest.mark.parametrize("mos_range", [5, [1], [1, 2, 3], ["low", "high"]])
def test_scale_must_be_two_numbers(write, mos_range):
    with pytest.raises(DatabaseError, match="expected two numbers, for example"):
        table.read(write(PLAIN), mos_range=mos_range)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,score\na.mp4,3\n", "expected columns video; mos; found name, score"),
        ("video,mos\na.mp4,\n", "no row has a numeric MOS"),
        ("video,mos\na.mp4,3\nb.mp4,nan\n", "b.mp4: nan"),
        ("video,mos\na.mp4,good\n", "mos of a.mp4 is 'good'"),
        ("video,mos\na.mp4,3\na.mp4,4\n", "keep one row per video"),
        ("video,mos\na.mp4,3\n,4\n", "a row has no entry in the column `video`"),
        (
            "video,mos,width\na.mp4,3,nan\n",
            "width of a.mp4 is 'nan'; expected a number above 0, or",
        ),
        ("video,mos,ratings\na.mp4,3,-5\n", "ratings of a.mp4 is '-5'; expected a number above 0"),
        ("video,mos,frame_rate_hz\na.mp4,3,0\n", "frame_rate_hz of a.mp4 is '0'; expected"),
        ('video,mos\n"a\nb.mp4",x\n', r"mos of a\\nb.mp4 is 'x', expected a number"),
        ("video,mos\n.,3\n", r"1 names are not relative paths"),
        ("video,mos,split\na.mp4,3,dev\n", "parts dev; expected train, val, test"),
        ("video,mos\na.mp4,3\ngone.mp4,4\n", r"1 of 2 .*gone.mp4.*data.missing=skip"),
    ],
)
def test_invalid_tables(write, text, message):
    with pytest.raises(DatabaseError, match=message):
        table.read(write(text))


def test_mos_outside_the_given_scale(write):
    with pytest.raises(DatabaseError, match=r"inside \[2.0, 5.0\] \(clips/c.yuv: 1.25\)"):
        table.read(write(PLAIN), mos_range=[2, 5])


def test_missing_skip(write):
    database = table.read(write(PLAIN + "gone.mp4,4\n"), missing="skip", mos_range=[1, 5])
    assert len(database) == 3
    assert database.skipped == ("gone.mp4",)


def test_table_absent_or_in_another_encoding(write, tmp_path):
    with pytest.raises(DatabaseError, match=r"data.labels=/path/to/table.csv"):
        table.read(None)
    with pytest.raises(DatabaseError, match=r"absent.csv does not exist"):
        table.read(tmp_path / "absent.csv")
    with pytest.raises(DatabaseError, match="save it as UTF-8"):
        table.read(write(PLAIN.replace("a.mp4", "fête.mp4"), "latin-1"))
