"""Thousands of generated label tables: what they say, or an error in one line; nothing else."""

import os

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.databases.fuzz_label_tables import (
    MOS_RANGE,
    Table,
    expected_id,
    record_of,
    tables,
)
from vqa.databases import csv_table
from vqa.databases.records import DatabaseError

TIERS = [300, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.exhaustive])]
NOISE_TIERS = [300, pytest.param(3_000, marks=[pytest.mark.slow, pytest.mark.exhaustive])]


def read(folder, data):
    """The database of a table with these bytes, or the error's text."""
    path = folder / "labels.csv"
    path.write_bytes(data)
    try:
        return csv_table.read(path, missing="keep", mos_range=MOS_RANGE), ""
    except DatabaseError as error:
        return None, str(error)


def check_error(text):
    assert "\n" not in text
    assert "\r" not in text
    assert len(text) < 2000


@pytest.mark.parametrize("count", TIERS)
def test_a_table_gives_what_it_says_or_one_line(count, tmp_path):
    @settings(max_examples=count, derandomize=True, deadline=None, database=None)
    @example(Table(b"video,mos\na.mp4,1,5\n", "decimal comma"))
    @example(Table(b"video,mos,\na.mp4,1,5\n", "decimal comma"))
    @given(tables())
    def check(table):
        database, error = read(tmp_path, table.data)
        if table.fault:
            assert database is None, f"{table.fault}: accepted as {database}"
            check_error(error)
            return
        assert not error
        found = [record_of(video, tmp_path) for video in database.videos]
        for record in table.records:
            name = record.pop("video")
            path = tmp_path / name.replace("\\", "/")
            record |= {"id": expected_id(name, tmp_path), "path": os.path.normpath(path)}
        assert found == table.records

    check()


@pytest.mark.parametrize("count", NOISE_TIERS)
def test_noise_gives_an_error_in_one_line_or_records_that_hold(count, tmp_path):
    noise = st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=3)), max_size=4)

    @settings(max_examples=count, derandomize=True, deadline=None, database=None)
    @given(tables(), noise, st.booleans())
    def check(table, changes, cut):
        data = bytearray(table.data)
        for place, new in changes:
            place %= len(data) + 1
            data[place : place + len(new)] = new
        if cut:
            del data[len(data) // 2 :]
        database, error = read(tmp_path, bytes(data))
        if database is None:
            check_error(error)
            return
        for video in database.videos:
            assert MOS_RANGE[0] <= video.mos <= MOS_RANGE[1]
            assert video.id
            assert not video.id.startswith("/")
            assert ".." not in video.id.split("/")
            assert video.split in (None, "train", "val", "test")
            for value in (video.ratings, video.width, video.height, video.frame_rate_hz):
                assert value is None or value > 0

    check()
