"""What readers and machines are given."""

import json
import math
from dataclasses import asdict
from pathlib import Path

import pytest

from vqa.commands.doctor.checkup import Checkup, as_text, read_other, write
from vqa.commands.doctor.diagnosis import KINDS, Finding, diagnose
from vqa.commands.doctor.survey import Facts
from vqa.databases.records import Database, VideoRecord

FACTS = Facts(
    9, "a" * 64, width=64, height=48, rotation_deg=0, frame_rate_hz=30.0, variable_rate=False,
    frames=9, duration_s=0.3, codec="h264", container="mov", pixel_format="yuv420p", reader="pyav",
)  # fmt: skip


def checkup(present, absent=0, go_without=False, extras=()):
    names = [f"{index}.mp4" for index in range(present + absent)]
    videos = [
        VideoRecord(name, Path("/v", name), 1 + index % 3) for index, name in enumerate(names)
    ]
    database = Database("own", (1.0, 5.0), tuple(videos))
    facts = {
        name: Facts(**{**asdict(FACTS), "sha256": f"{index:064x}"})
        for index, name in enumerate(names[:present])
    }
    return Checkup(database, facts, diagnose(database, facts, list(extras)), go_without)


def test_healthy():
    healthy = checkup(4)
    assert healthy.faults == []
    assert as_text(healthy) == (
        "own: 4 labelled videos\n4 of 4 usable; found nothing that would stop or falsify training"
    )


def test_absent_files_are_a_fault_unless_meant_to_be_absent():
    assert checkup(2, absent=5).faults == ["missing"]
    assert "2 of 7 usable; fix the faults" in checkup(2, absent=5).verdict
    accepted = checkup(2, absent=5, go_without=True)
    assert accepted.faults == []
    assert len(accepted.usable) == 2
    assert "note   missing           5  2.mp4; 3.mp4; 4.mp4; and 2 more" in as_text(accepted)


def test_going_on_without_any_video_is_a_fault():
    nothing = checkup(0, absent=3, go_without=True)
    assert nothing.faults == ["missing"]
    assert nothing.verdict == (
        "0 of 3 usable: none of the labelled files is there; check data.root"
    )


def test_notes_are_no_faults():
    noted = checkup(2, extras=[Path("/v/x.mp4")])
    assert noted.faults == []
    assert "note   extra             1  x.mp4" in as_text(noted)


def test_every_kind_of_finding_has_a_line_and_a_remedy():
    base = checkup(1)
    findings = [Finding(kind, "0.mp4", f"text of {kind}") for kind in KINDS]
    text = as_text(Checkup(base.database, base.facts, findings)).splitlines()
    for kind, line, remedy in zip(KINDS, text[1::2], text[2::2], strict=False):
        assert line.split("  ")[1].strip() == kind
        assert line.startswith("FAULT" if KINDS[kind].fault else "note ")
        assert remedy.strip() == KINDS[kind].remedy


def test_json_holds_everything_and_is_read_back(tmp_path):
    spoiled = Facts(3, "b" * 64, error="cut short")
    base = checkup(2, absent=1)
    videos = (*base.database.videos, VideoRecord("bad.mp4", Path("/v/bad.mp4"), math.nan))
    database = Database("own", (1.0, 5.0), videos)
    facts = {**base.facts, "bad.mp4": spoiled}
    extra = [Path("/v/x.mp4")]
    path = write(Checkup(database, facts, diagnose(database, facts, extra)), tmp_path / "a.json")
    content = json.loads(path.read_text())
    assert content["database"] == "own"
    assert content["counts"] == {"missing": 1, "mos": 1, "unreadable": 1, "extra": 1}
    assert content["faults"] == ["missing", "mos", "unreadable"]
    assert (content["usable"], content["labelled"]) == (2, 4)
    assert [finding["fault"] for finding in content["findings"]] == [True, True, True, False]
    assert content["findings"][3]["file"] == "/v/x.mp4"
    assert content["videos"]["1.mp4"] == {"path": "/v/1.mp4", **asdict(facts["1.mp4"])}
    assert "2.mp4" not in content["videos"]
    name, other = read_other(path)
    assert (name, other.hashes) == ("own", {f"{0:064x}": "0.mp4", f"{1:064x}": "1.mp4"})


@pytest.mark.parametrize("text", [None, "no json", "[]", "{}", '{"videos": {"a": 1}}'])
def test_a_file_of_something_else(tmp_path, text):
    path = tmp_path / "x.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match=r"x.json: expected the JSON file of an earlier check"):
        read_other(path)
