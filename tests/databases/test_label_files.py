"""Reading of label tables."""

import math

import pytest

from vqa.databases.label_files import measures, parse_number, read_rows
from vqa.databases.records import DatabaseError

MOS = (("mos", "realignment_mos"),)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "labels.csv"

    def write(text, encoding="utf-8"):
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_delimiters_byte_order_mark_and_line_ends(table, delimiter, encoding, newline):
    lines = [delimiter.join(row) for row in (("Video", "MOS"), ("ä b.mp4", "3.5"), ("", ""))]
    rows = read_rows(table(newline.join(lines), encoding), MOS)
    assert rows == [{"video": "ä b.mp4", "mos": "3.5"}]


def test_column_names_are_normalised_and_short_rows_padded(table):
    rows = read_rows(table("File_name; Realignment MOS ;Note\na;53,33\n"), MOS)
    assert rows == [{"file_name": "a", "realignment_mos": "53,33", "note": ""}]


def test_quoted_entries_keep_delimiters_and_line_ends(table):
    assert read_rows(table('video,mos\n"a, b\nc.mp4","3,5"\n')) == [
        {"video": "a, b\nc.mp4", "mos": "3,5"}
    ]


def test_lines_without_header(table):
    rows = read_rows(table("Video/A001.mp4, -1, -1, 63.2\nVideo/A002.mp4, 10, 29.97, 7\n"), MOS)
    assert rows[0] == {"file": "Video/A001.mp4", "duration": "-1", "fps": "-1", "mos": "63.2"}
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the label table is empty"),
        ("video,mos\n", "a header and no rows"),
        ("name,score\na,1\n", "expected columns mos or realignment_mos; found name, score"),
        ("video,mos,MOS\na,1,2\n", "columns mos appear twice"),
        ("video,mos,\na,1,5\n", r"line 2: 3 entries, expected 2"),
        ('video,mos\n"a.mp4,1\nb.mp4,2\n', "not a table"),
        ('video,mos\n"a"b.mp4,1\n', "not a table"),
        ("video,mos\na,1\nb,3,5\n", r"line 3: 3 entries, expected 2 \(',' between them\)"),
    ],
)
def test_invalid_tables(table, text, message):
    with pytest.raises(DatabaseError, match=message):
        read_rows(table(text), MOS)


def test_an_unclosed_quote_is_an_error(table):
    with pytest.raises(DatabaseError, match="not a table"):
        read_rows(table('video,mos\n"' + "a" * 200_000))


def test_encodings_other_than_utf8_are_refused(table):
    with pytest.raises(DatabaseError, match=r"labels.csv: not UTF-8 text .*save it as UTF-8"):
        read_rows(table("video,mos\nfête.mp4,3\n", "latin-1"))
    with pytest.raises(DatabaseError, match="not UTF-8 text"):
        read_rows(table("video,mos\na.mp4,3\n", "utf-16"))
    with pytest.raises(DatabaseError, match="NUL"):
        read_rows(table("video,mos\na.mp4,3\n", "utf-16-le"))


def test_parse_number(tmp_path):
    assert parse_number("53,33", tmp_path, "mos") == 53.33
    assert parse_number("-6.50", tmp_path, "mos") == -6.5
    assert math.isnan(parse_number("", tmp_path, "mos"))
    for text in ("good", "1,234,5", "1.234,5", "1_000", "٣", "inf", "1e400", "0x3", "3 4"):
        with pytest.raises(DatabaseError, match=f"mos of a.mp4 is '{text}', expected a number"):
            parse_number(text, tmp_path, "mos of a.mp4")


def test_old_line_ends_and_decimal_commas(table):
    rows = read_rows(table("video;mos\ra;3,5\rb;4,5\rc;2,5\r"), MOS)
    assert [row["mos"] for row in rows] == ["3,5", "4,5", "2,5"]


def test_a_count_is_a_whole_number(tmp_path):
    with pytest.raises(DatabaseError, match=r"ratings of a is 2.5, expected a whole number"):
        measures({"mos": "3", "x_subjects": "2.5"}, tmp_path, "a")
    assert measures({"mos": "3", "fps": "1e9"}, tmp_path, "a")["frame_rate_hz"] is None


def test_measures(tmp_path):
    row = {"mos": "3", "sd": "0.5", "width": "960", "height": "540", "framerate": "29.97"}
    facts = measures({**row, "nb_frames": "240", "x_subjects": "123"}, tmp_path, "a")
    assert facts == {
        "mos": 3.0,
        "mos_std": 0.5,
        "ratings": 123,
        "width": 960,
        "height": 540,
        "frame_rate_hz": 29.97,
        "frames": 240,
    }
    unknown = measures({"mos": "3", "fps": "-1", "width": "NaN", "height": "0"}, tmp_path, "a")
    assert {key for key, value in unknown.items() if value is not None} == {"mos"}
