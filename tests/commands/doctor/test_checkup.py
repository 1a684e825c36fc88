"""What readers and machines are given."""

import hashlib
import json
import math
import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from vqa.commands.doctor.checkup import Checkup, as_text, write
from vqa.commands.doctor.diagnosis import diagnose
from vqa.commands.doctor.earlier import read_earlier
from vqa.commands.doctor.findings import KINDS, Finding
from vqa.commands.doctor.survey import Facts
from vqa.databases.records import Database, VideoRecord

FACTS = Facts(
    9, "a" * 64, width=64, height=48, rotation_deg=0, frame_rate_hz=30.0, variable_rate=False,
    frames=9, duration_s=0.3, codec="h264", container="mov", pixel_format="yuv420p", reader="pyav",
)  # fmt: skip


def _some_hash(name):
    """A hash of a frame, unlike any other."""
    return hashlib.sha256(name.encode()).hexdigest()


def checkup(present, absent=0, go_without=False, extras=()):
    names = [f"{index}.mp4" for index in range(present + absent)]
    videos = [
        VideoRecord(name, Path("/v", name), 1 + index % 3) for index, name in enumerate(names)
    ]
    database = Database("own", (1.0, 5.0), tuple(videos))
    facts = {
        name: replace(FACTS, sha256=f"{index:064x}", likeness=(_some_hash(name),))
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
    stored = {**asdict(facts["1.mp4"]), "likeness": [_some_hash("1.mp4")]}
    assert content["videos"]["1.mp4"] == {"path": "/v/1.mp4", **stored}
    assert "2.mp4" not in content["videos"]
    other = read_earlier(path)
    assert (other.name, other.ids) == ("own", {f"{0:064x}": "0.mp4", f"{1:064x}": "1.mp4"})
    assert other.videos[1] == (f"{1:064x}", [_some_hash("1.mp4")])


def test_what_was_passed_over_and_what_cannot_be_compared_is_said():
    base = checkup(3)
    facts = {**base.facts, "1.mp4": replace(base.facts["1.mp4"], likeness=("", ""))}
    counts = {"file(s) without a video suffix": 2, "hidden file(s) or folder(s)": 1}
    said = as_text(Checkup(base.database, facts, [], passed_over=counts)).splitlines()
    assert said[1:3] == [
        "passed over 2 files without a video suffix, 1 hidden file or folder",
        "1 begin black, flat or dim, so likeness cannot be judged",
    ]


def test_a_finding_is_one_line_whatever_its_name(tmp_path):
    odd = os.fsdecode(b"/v/caf\xe9\n\x1b[31m.mp4")
    noted = checkup(1, extras=[Path(odd)])
    (line,) = [line for line in as_text(noted).split("\n") if "extra" in line]
    assert line.endswith("caf\\xe9\\n\\x1b[31m.mp4")
    content = json.loads(write(noted, tmp_path / "a.json").read_text())
    assert content["findings"][0]["file"] == "/v/caf\\xe9\n\x1b[31m.mp4"


BEGIN = '{"database": "x", "videos": {"a": {"error": null, "sha256": '


@pytest.mark.parametrize(
    "text",
    [
        None, "", "no json", "[]", "{}", '{"videos": {"a": 1}}', "[" * 100000, "\xff",
        f'{BEGIN}[1], "likeness": []}}}}}}',
        f'{BEGIN}"1", "likeness": "{"0" * 48}"}}}}}}',
        f'{BEGIN}"1", "likeness": ["{"0" * 48}"]}}}}}}',
        f'{BEGIN}"1", "likeness": ["{"x" * 64}"]}}}}}}',
        f'{BEGIN}"1", "likeness": 3}}}}}}',
        f'{BEGIN}"1"}}}}}}',
    ],
)  # fmt: skip
def test_a_file_of_something_else(tmp_path, text):
    path = tmp_path / "x.json"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"x.json: expected the JSON file of an earlier check"):
        read_earlier(path)


def test_places_that_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    for place in (tmp_path / "pipe.json", tmp_path, tmp_path / "a" / "b.json"):
        with pytest.raises(ValueError, match=r"expected the JSON file of an earlier check"):
            read_earlier(place)
