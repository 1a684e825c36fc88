"""Equal files and videos that begin alike."""

import hashlib
import math
from dataclasses import replace
from pathlib import Path

import pytest

from tests.commands.doctor.test_diagnosis import WHOLE, labelled
from vqa.commands.doctor.diagnosis import diagnose, usable
from vqa.commands.doctor.earlier import Earlier
from vqa.commands.doctor.nearest import Hashed


def unlike(name):
    """A hash of a frame, unlike that of any other name."""
    return hashlib.sha256(name.encode()).hexdigest()


def found(stated, hashes, likeness=None, others=()):
    """(kind, video, text) of every finding about videos whose files have these hashes."""
    database = labelled(Path(), stated)
    facts = {
        name: replace(WHOLE, sha256=sha256, likeness=(likeness or {}).get(name, (unlike(name),)))
        for name, sha256 in hashes.items()
    }
    findings = diagnose(database, facts, [], others)
    told = [(finding.kind, finding.video, finding.text) for finding in findings]
    return told, usable(database, findings)


def test_equal_files_with_one_label_are_noted_and_stay_usable():
    stated = {"a.mp4": {"mos": 3.0}, "b.mp4": {"mos": 4.0}, "c.mp4": {"mos": 3.0}}
    told, left = found(stated, {"a.mp4": "1", "b.mp4": "2", "c.mp4": "1"})
    assert told == [("duplicate", "c.mp4", "the same file as a.mp4")]
    assert left == list(stated)


def test_equal_files_with_two_labels_are_faults_with_both():
    stated = {
        "a.mp4": {"mos": 3.0}, "b.mp4": {"mos": 4.5}, "c.mp4": {"mos": 3.0}, "d.mp4": {"mos": 2.0}
    }  # fmt: skip
    told, left = found(stated, {"a.mp4": "1", "b.mp4": "1", "c.mp4": "1", "d.mp4": "2"})
    assert told == [
        ("two labels", "a.mp4", "MOS 3, the same file as b.mp4 with MOS 4.5"),
        ("two labels", "b.mp4", "MOS 4.5, the same file as a.mp4 with MOS 3"),
        ("two labels", "c.mp4", "MOS 3, the same file as b.mp4 with MOS 4.5"),
    ]
    assert left == ["d.mp4"]  # nobody knows which of the others is right


def test_a_label_that_is_no_number_is_one_fault_and_no_second_label():
    stated = {"a.mp4": {"mos": 3.0}, "b.mp4": {"mos": math.nan}, "c.mp4": {"mos": 4.0}}
    told, _ = found(stated, {"a.mp4": "1", "b.mp4": "1", "c.mp4": "2"})
    assert [(kind, video) for kind, video, _ in told] == [("mos", "b.mp4"), ("duplicate", "b.mp4")]


ALIKE = {"a.mp4": ("0" * 64,), "b.mp4": ("", "0" * 63 + "f"), "c.mp4": ("f" * 64,)}


def test_videos_that_begin_alike_are_noted_with_the_pair():
    stated = {"a.mp4": {}, "b.mp4": {}, "c.mp4": {}}
    told, left = found(stated, {"a.mp4": "1", "b.mp4": "2", "c.mp4": "3"}, ALIKE)
    assert told == [("alike", "b.mp4", "begins like a.mp4 (4 of 256 bits differ)")]
    assert left == list(stated)


@pytest.mark.parametrize(
    ("stated", "hashes"),
    [
        ({"a.mp4": {"content": "scene"}, "b.mp4": {"content": "scene"}}, "12"),
        # c is a's file and of b's content, so all three are one content.
        ({"a.mp4": {}, "b.mp4": {"content": "b"}, "c.mp4": {"content": "b", "mos": 1}}, "121"),
    ],
)
def test_videos_of_one_content_may_begin_alike(stated, hashes):
    likeness = {**ALIKE, "c.mp4": ALIKE["a.mp4"]}
    told, _ = found(stated, dict(zip(stated, hashes, strict=True)), likeness)
    assert [kind for kind, _, _ in told if kind == "alike"] == []


def test_other_databases_are_searched_even_if_two_have_one_name():
    others = [
        Earlier("csv", {"9": "x.mp4"}, [Hashed("9", ["f" * 62 + "00"])]),
        Earlier("csv", {"1": "y.mp4"}, [Hashed("1", ["0" * 64])]),
    ]
    stated = {"a.mp4": {}, "b.mp4": {}, "c.mp4": {}}
    told, left = found(stated, {"a.mp4": "1", "b.mp4": "2", "c.mp4": "3"}, ALIKE, others)
    assert told == [
        ("alike", "b.mp4", "begins like a.mp4 (4 of 256 bits differ)"),
        ("alike", "c.mp4", "begins like csv: x.mp4 (8 of 256 bits differ)"),
        ("alike", "b.mp4", "begins like csv: y.mp4 (4 of 256 bits differ)"),
        ("shared", "a.mp4", "the same file as csv: y.mp4"),
    ]
    assert left == list(stated)


def test_videos_without_structure_are_like_none():
    stated = {"a.mp4": {}, "b.mp4": {}}
    blank = {"a.mp4": ("", ""), "b.mp4": ("",)}
    assert found(stated, {"a.mp4": "1", "b.mp4": "2"}, blank)[0] == []
