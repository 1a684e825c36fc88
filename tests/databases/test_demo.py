"""The generated database: files, labels, interruption and variants."""

import csv
import hashlib
import os
import signal
import subprocess
import sys
import time

import av
import numpy as np
import pytest

from vqa.databases import demo
from vqa.databases.records import DatabaseError
from vqa.databases.synthesis import opinions

TINY = {"contents": 3, "versions": 4, "frames": 12, "size": (64, 48)}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return demo.read(tmp_path_factory.mktemp("demo"), **TINY)


def folder_of(database):
    return database.videos[0].path.parents[1]


def hashes(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def decode(path):
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        return np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])


def test_records_describe_the_files(tiny):
    assert tiny.name == "demo"
    assert tiny.mos_range == (1.0, 5.0)
    assert len(tiny) == 12
    assert len({video.content for video in tiny.videos}) == 3
    for video in tiny.videos:
        assert decode(video.path).shape == (12, 48, 64, 3)
        assert (video.width, video.height, video.frames) == (64, 48, 12)
        assert video.frame_rate_hz == demo.FRAME_RATE_HZ
        assert video.id.startswith(f"{video.content}/")
        assert video.mos_std > 0.0


def test_labels_are_the_same_every_time_and_follow_the_seed(tiny, tmp_path):
    again = demo.read(tmp_path / "again", **TINY)
    labels = [folder_of(database) / "labels.csv" for database in (tiny, again)]
    assert labels[0].read_bytes() == labels[1].read_bytes()
    assert demo.plan_versions(3, 4, 0) == demo.plan_versions(3, 4, 0)
    assert demo.plan_versions(3, 4, 0) != demo.plan_versions(3, 4, 1)


def test_label_table_repeats_the_records(tiny):
    with (folder_of(tiny) / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["video"]: row for row in csv.DictReader(file)}
    assert set(rows) == {video.id for video in tiny.videos}
    for video in tiny.videos:
        row = rows[video.id]
        assert (float(row["mos"]), float(row["mos_std"])) == (video.mos, video.mos_std)
        assert (row["content"], row["group"]) == (video.content, video.group)


def test_files_do_not_depend_on_run_or_worker_count(tiny, tmp_path):
    alone = demo.read(tmp_path, **TINY, workers=1)
    assert hashes(folder_of(alone)) == hashes(folder_of(tiny))


def test_existing_files_are_kept_and_missing_ones_are_made(tmp_path):
    first = demo.read(tmp_path, **TINY)
    folder = folder_of(first)
    before = hashes(folder)
    times = {video.id: video.path.stat().st_mtime_ns for video in first.videos}
    gone = first.videos[5]
    gone.path.unlink()
    (folder / "labels.csv").unlink()
    demo.read(tmp_path, **TINY)
    assert hashes(folder) == before
    made = [v.id for v in first.videos if v.path.stat().st_mtime_ns != times[v.id]]
    assert made == [gone.id]


def test_other_arguments_get_another_folder(tmp_path):
    small = {"contents": 1, "versions": 2, "frames": 4, "size": (32, 32)}
    changed = [{}, {"seed": 1}, {"frames": 5}, {"size": (48, 32)}, {"versions": 3}]
    folders = {folder_of(demo.read(tmp_path, **{**small, **change})) for change in changed}
    assert len(folders) == len(changed)


CHILD = """
import sys
from vqa.databases import demo
demo.read(sys.argv[1], contents=3, versions=4, frames=12, size=(64, 48))
"""


def start_child(root):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(root)], stderr=subprocess.DEVNULL, env=os.environ
    )


def test_an_interrupted_generation_resumes_with_the_same_result(tiny, tmp_path):
    child = start_child(tmp_path)
    deadline = time.monotonic() + 60.0
    while not list(tmp_path.glob("*/*/*.mp4")):
        assert child.poll() is None or list(tmp_path.glob("*/*/*.mp4"))
        assert time.monotonic() < deadline
        time.sleep(0.002)
    child.send_signal(signal.SIGKILL)
    child.wait()
    for path in tmp_path.glob("*/*/*.mp4"):
        assert len(decode(path)) == 12  # files under their final name are complete
    again = demo.read(tmp_path, **TINY)
    expected = hashes(folder_of(tiny))
    found = hashes(folder_of(again))
    assert {name: found.get(name) for name in expected} == expected


def test_two_processes_at_a_time_make_one_intact_database(tiny, tmp_path):
    children = [start_child(tmp_path), start_child(tmp_path)]
    assert [child.wait(timeout=120) for child in children] == [0, 0]
    assert hashes(folder_of(demo.read(tmp_path, **TINY))) == hashes(folder_of(tiny))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"contents": 0}, "contents=0: expected 1 to 20 photographs"),
        ({"contents": 999}, "contents=999: expected 1 to 20 photographs"),
        ({"versions": 1}, "versions=1: expected at least 2"),
        ({"frames": 1}, "frames=1: expected at least 2"),
        ({"size": (63, 48)}, "expected an even width and height"),
        ({"size": (64,)}, "expected an even width and height"),
        ({"workers": 0}, "workers=0: expected at least 1"),
    ],
)
def test_invalid_arguments_are_refused(tmp_path, arguments, message):
    with pytest.raises(DatabaseError, match=message):
        demo.read(tmp_path, **{**TINY, **arguments})
    assert not list(tmp_path.iterdir())


def test_a_variant_has_its_own_name_and_scale(tmp_path):
    small = {"contents": 2, "versions": 3, "frames": 4, "size": (32, 32)}
    camera = demo.read(tmp_path, variant="demo_camera", **small)
    assert (camera.name, camera.mos_range) == ("demo_camera", (0.0, 100.0))
    assert max(video.mos for video in camera.videos) > 50
    assert {video.ratings for video in camera.videos} == {opinions.RATERS}
    with pytest.raises(DatabaseError, match="'demo_blur': expected one of demo, demo_coding"):
        demo.read(tmp_path, variant="demo_blur")
