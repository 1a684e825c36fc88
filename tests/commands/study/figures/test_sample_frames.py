"""Frames of the databases that are present."""

from dataclasses import replace

import pytest

from vqa.commands.study.figures.sample_frames import frames


def test_each_database_has_a_row_of_frames_from_low_to_high_mos(material):
    some = replace(material, databases=material.databases[:2])
    (picture,) = frames(some, count=3)
    rows = picture.rows
    assert list(rows["database"]) == 3 * ["demo_coding"] + 3 * ["demo_camera"]
    for _, part in rows.groupby("database"):
        assert part["mos"].is_monotonic_increasing
    assert set(rows["width"]) == {64}
    assert set(rows["frame"]) == {4}
    first, *_, last = picture.figure.axes
    assert first.get_xlabel() == f"64 × 48, MOS {rows['mos'].iloc[0]:.3g}"
    assert first.get_ylabel() == "demo_coding"
    assert last.get_images()[0].get_array().shape == (48, 64, 3)
    assert picture.notes == []


def test_a_database_with_few_videos_leaves_places_empty(material):
    (picture,) = frames(replace(material, databases=material.databases[:1]), count=12)
    assert len(picture.rows) == 9
    assert len(picture.figure.axes) == 9


def test_no_database_is_one_line(material):
    with pytest.raises(ValueError, match="no database of this study is present"):
        frames(replace(material, databases=()))
