"""Every planted fault is found and named; none is invented on healthy files."""

import math
import shutil
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import av
import pytest

from tests.clips import cut, noise, overwrite, write_clip, write_raw, write_sound
from vqa.commands.doctor.diagnosis import diagnose, usable
from vqa.commands.doctor.disk import unlabelled
from vqa.commands.doctor.earlier import Earlier
from vqa.commands.doctor.findings import KINDS
from vqa.commands.doctor.survey import Facts, survey
from vqa.databases.records import Database, VideoRecord

SIZE = (64, 48)
WHOLE = Facts(
    1000, "a" * 64, width=64, height=48, rotation_deg=0, frame_rate_hz=30.0, variable_rate=False,
    frames=240, duration_s=8.0, codec="h264", container="mov", pixel_format="yuv420p",
    reader="pyav 1",
)  # fmt: skip


def clip(folder, name, frames, **options):
    """A small clip; other lengths make other bytes."""
    return write_clip(folder / name, frames, **{"size": SIZE, **options})


def write_hollow(path):
    """A video track without any frame."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height = SIZE
        container.start_encoding()
    return path


def labelled(folder, stated):
    """A database of these ids; stated: further fields of each record."""
    videos = [
        VideoRecord(**{"id": key, "path": folder / key, "mos": 1 + index % 4, **fields})
        for index, (key, fields) in enumerate(stated.items())
    ]
    return Database("planted", (1.0, 5.0), tuple(videos))


def check(folder, database, *, decode=False):
    """Ids (or files) by kind of finding."""
    facts = survey(
        database.videos, folder / "j.jsonl", decode=decode, time_limit_s=30, progress=False
    )
    extras, _ = unlabelled(folder, [video.path for video in database.videos])
    findings = diagnose(database, facts, extras)
    found = defaultdict(set)
    for finding in findings:
        found[finding.kind].add(finding.video or (finding.file and Path(finding.file).name))
    texts = {finding.video: finding.text for finding in findings if finding.kind != "alike"}
    return dict(found), texts, findings


def test_healthy_files_give_no_finding(tmp_path):
    said = {"width": 64, "height": 48, "frame_rate_hz": 30.0}
    clip(tmp_path, "a.mp4", 12)
    clip(tmp_path, "b.mkv", 13)
    clip(tmp_path, "one.mp4", 1)
    clip(tmp_path, "turned.mp4", 14, rotation=90)
    clip(tmp_path, "turned_too.mp4", 15, rotation=90)
    clip(tmp_path, "variable.mp4", 16, ticks=[20 * i + 7 * (i % 3) for i in range(16)])
    clip(tmp_path, "ntsc.mp4", 17)
    write_raw(tmp_path / "raw.yuv", 6, SIZE, "yuvj420p")
    (tmp_path / ".hidden.mp4").touch()
    (tmp_path / "labels.csv").touch()
    database = labelled(
        tmp_path,
        {
            "a.mp4": {**said, "frames": 12},
            "b.mkv": {**said, "frames": 15},  # within the tolerance of two
            "one.mp4": {"frames": 1},  # said to be one
            "turned.mp4": said,  # as stored
            "turned_too.mp4": {"width": 48, "height": 64},  # as displayed
            "variable.mp4": {**said, "frame_rate_hz": 60.0},
            "ntsc.mp4": {**said, "frame_rate_hz": 29.97},
            "raw.yuv": said,
        },
    )
    painted = tuple(replace(video, content="painted") for video in database.videos)
    database = replace(database, videos=painted)
    found, _, findings = check(tmp_path, database, decode=True)
    assert found == {}
    assert usable(database, findings) == [video.id for video in database.videos]


def test_every_planted_fault_is_found_and_named(tmp_path):
    clip(tmp_path, "good.mp4", 20)
    shutil.copy(clip(tmp_path, "twin.mp4", 19), tmp_path / "copy.mp4")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "empty_too.mp4").touch()
    (tmp_path / "noise.mp4").write_bytes(noise(5000))
    write_sound(tmp_path / "sound.mp4")
    write_hollow(tmp_path / "hollow.avi")
    cut(clip(tmp_path, "cut.mp4", 21, muxer_options={"movflags": "faststart"}))
    damaged = clip(tmp_path, "damaged.mp4", 40)
    overwrite(damaged, damaged.stat().st_size // 2, noise(400))
    clip(tmp_path, "one.mp4", 1)
    clip(tmp_path, "size.mp4", 22)
    clip(tmp_path, "sideways.mp4", 23)
    clip(tmp_path, "rate.mp4", 24, rate=25)
    clip(tmp_path, "frames.mp4", 25)
    clip(tmp_path, "ticks.mp4", 26, ticks=list(range(26)), ticks_per_s=90000)
    clip(tmp_path, "label.mp4", 27)
    clip(tmp_path, "high.mp4", 28)
    clip(tmp_path, "none.mp4", 29)
    clip(tmp_path, "unknown.mp4", 30)
    clip(tmp_path, "Moved-7.mp4", 31)
    write_raw(tmp_path / "sizeless.yuv", 3, SIZE, "yuvj420p")
    write_raw(tmp_path / "odd.yuv", 3, SIZE, "yuvj420p")
    said = {"width": 64, "height": 48, "frame_rate_hz": 30.0}
    database = labelled(
        tmp_path,
        {
            "good.mp4": said,
            "twin.mp4": {},
            "copy.mp4": {},
            "empty.mp4": {},
            "empty_too.mp4": {},
            "noise.mp4": {},
            "sound.mp4": {},
            "hollow.avi": {},
            "cut.mp4": {},
            "damaged.mp4": {},
            "one.mp4": {},
            "size.mp4": {**said, "width": 128, "height": 96},
            "sideways.mp4": {"width": 48, "height": 64},
            "rate.mp4": said,
            "frames.mp4": {"frames": 28},
            "ticks.mp4": said,
            "label.mp4": {**said, "frame_rate_hz": 90000.0},
            "high.mp4": {"mos": 5.1},
            "none.mp4": {"mos": math.nan},
            "gone.mp4": {},
            "moved_7.mp4": {},
            "sizeless.yuv": {},
            "odd.yuv": {"width": 50, "height": 50},
        },
    )
    found, texts, findings = check(tmp_path, database, decode=True)
    assert len(found.pop("alike")) > 5  # all these clips are painted alike
    assert found == {
        "missing": {"gone.mp4"},
        "renamed": {"moved_7.mp4"},
        "mos": {"high.mp4", "none.mp4"},
        "unreadable": {
            "empty.mp4", "empty_too.mp4", "noise.mp4", "sound.mp4", "hollow.avi", "cut.mp4",
            "sizeless.yuv", "odd.yuv",
        },
        "undecodable": {"damaged.mp4"},
        "single frame": {"one.mp4"},
        "size": {"size.mp4", "sideways.mp4"},
        "rate": {"rate.mp4"},
        "frames": {"frames.mp4"},
        "absurd rate": {"ticks.mp4"},
        "two labels": {"twin.mp4", "copy.mp4"},
        "absurd label": {"label.mp4"},
        "extra": {"unknown.mp4"},
    }  # fmt: skip
    assert [finding.kind for finding in findings] == sorted(
        (finding.kind for finding in findings), key=list(KINDS).index
    )
    assert texts["empty.mp4"] == "the file is empty"
    assert "no frame" in texts["hollow.avi"]
    assert texts["sound.mp4"] == "has no video stream"
    assert "cut short" in texts["cut.mp4"]
    assert "give width and height in the label table" in texts["sizeless.yuv"]
    assert "not whole frames" in texts["odd.yuv"]
    assert "of 40 frames)" in texts["damaged.mp4"]
    assert texts["size.mp4"] == "64x48, the label table says 128x96"
    assert texts["rate.mp4"] == "25 Hz, the label table says 30 Hz"
    assert texts["frames.mp4"] == "25 frames, the label table says 28"
    assert texts["ticks.mp4"] == "90000 frames per second"
    assert texts["copy.mp4"] == "MOS 3, the same file as twin.mp4 with MOS 2"
    assert texts["moved_7.mp4"] == "Moved-7.mp4 differs in punctuation"
    assert usable(database, findings) == ["good.mp4", "label.mp4"]


def test_damage_inside_frames_shows_in_decoding_alone(tmp_path):
    damaged = clip(tmp_path, "damaged.mp4", 40)
    overwrite(damaged, damaged.stat().st_size // 2, noise(400))
    database = labelled(tmp_path, {"damaged.mp4": {}})
    assert check(tmp_path, database)[0] == {}
    assert check(tmp_path, database, decode=True)[0] == {"undecodable": {"damaged.mp4"}}


@pytest.mark.parametrize(
    ("stated", "found", "agrees"),
    [
        (240, 242, True), (240, 238, True), (240, 243, False), (240, 237, False),
        (600, 606, True), (600, 607, False),
    ],
)  # fmt: skip
def test_frame_counts_within_two_or_one_percent(stated, found, agrees):
    database = labelled(Path(), {"a.mp4": {"frames": stated}})
    findings = diagnose(database, {"a.mp4": replace(WHOLE, frames=found)}, [])
    assert [finding.kind for finding in findings] == ([] if agrees else ["frames"])


@pytest.mark.parametrize(
    ("stated", "found", "agrees"),
    [(30, 29.97, True), (24, 23.976, True), (30, 30.29, True), (30, 30.31, False), (24, 25, False)],
)
def test_rates_within_one_percent(stated, found, agrees):
    database = labelled(Path(), {"a.mp4": {"frame_rate_hz": stated}})
    findings = diagnose(database, {"a.mp4": replace(WHOLE, frame_rate_hz=found)}, [])
    assert [finding.kind for finding in findings] == ([] if agrees else ["rate"])


def test_constant_mos():
    database = labelled(Path(), {"a.mp4": {"mos": 3.0}, "b.mp4": {"mos": 3.0}})
    facts = {"a.mp4": WHOLE, "b.mp4": replace(WHOLE, sha256="b" * 64)}
    (finding,) = diagnose(database, facts, [])
    assert (finding.kind, finding.text) == ("constant mos", "all 2 videos have MOS 3")
    assert usable(database, [finding]) == ["a.mp4", "b.mp4"]
    assert diagnose(labelled(Path(), {"a.mp4": {"mos": 3.0}}), {"a.mp4": WHOLE}, []) == []


def test_files_of_another_database_are_noted_and_stay_usable():
    database = labelled(Path(), {"a.mp4": {}, "b.mp4": {}})
    facts = {"a.mp4": WHOLE, "b.mp4": replace(WHOLE, sha256="b" * 64)}
    others = [Earlier("lsvq", {"b" * 64: "yfcc-batch1/7.mp4"}, [])]
    (finding,) = diagnose(database, facts, [], others)
    assert (finding.kind, finding.video) == ("shared", "b.mp4")
    assert finding.text == "the same file as lsvq: yfcc-batch1/7.mp4"
    assert usable(database, [finding]) == ["a.mp4", "b.mp4"]
