import csv
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise

import av
import numpy as np
import pytest

from vqa.databases import demo
from vqa.databases.records import DatabaseError
from vqa.databases.synthesis import camera, distortions, opinions
from vqa.databases.synthesis.photographs import PHOTOGRAPHS, Photograph

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


def test_records_say_what_the_files_are(tiny):
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


def test_the_whole_plan_is_large_enough_graded_and_varied():
    plan = demo.plan_versions(contents=20, versions=8, seed=0)
    assert len({version.content for version in plan}) == 20
    mos = np.array([version.mos for version in plan])
    assert mos.min() < 1.7
    assert mos.max() > 4.5
    assert np.histogram(mos, bins=[1, 2, 3, 4, 5])[0].min() > 0.1 * len(plan)
    planted = {name for version in plan for name in version.severities}
    assert planted >= {"compression", "noise", "exposure", "freeze", "flicker", "defocus"}
    assert any(len(version.severities) > 1 for version in plan)
    ladders = {
        version.content: tuple(
            round(sum(s**2 for s in other.severities.values()) ** 0.5, 3)
            for other in plan
            if other.content == version.content
        )
        for version in plan
    }
    assert len(set(ladders.values())) == 20  # no fixed ladder to memorise


def test_every_content_has_one_pristine_version_near_its_best():
    plan = demo.plan_versions(contents=20, versions=8, seed=0)
    for name in {version.content for version in plan}:
        versions = [version for version in plan if version.content == name]
        pristine = [version for version in versions if version.group == "pristine"]
        assert [version.number for version in pristine] == [0]
        # raters err: a barely distorted version may be liked as well
        assert pristine[0].mos >= max(version.mos for version in versions) - 0.4


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


def test_what_is_there_is_kept_and_what_is_missing_is_made(tmp_path):
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


def test_other_arguments_get_a_folder_of_their_own(tmp_path):
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


def test_killed_generation_is_taken_up_and_ends_the_same(tiny, tmp_path):
    child = start_child(tmp_path)
    deadline = time.monotonic() + 60.0
    while not list(tmp_path.glob("*/*/*.mp4")):
        assert child.poll() is None or list(tmp_path.glob("*/*/*.mp4"))
        assert time.monotonic() < deadline
        time.sleep(0.002)
    child.send_signal(signal.SIGKILL)
    child.wait()
    for path in tmp_path.glob("*/*/*.mp4"):
        assert len(decode(path)) == 12  # what bears its name is whole
    again = demo.read(tmp_path, **TINY)
    expected = hashes(folder_of(tiny))
    found = hashes(folder_of(again))
    assert {name: found.get(name) for name in expected} == expected


def test_two_processes_at_once_make_one_sound_database(tiny, tmp_path):
    children = [start_child(tmp_path), start_child(tmp_path)]
    assert [child.wait(timeout=120) for child in children] == [0, 0]
    assert hashes(folder_of(demo.read(tmp_path, **TINY))) == hashes(folder_of(tiny))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"contents": 0}, "photographs are at hand"),
        ({"contents": 999}, "photographs are at hand"),
        ({"versions": 1}, "pristine one and at least one more"),
        ({"frames": 1}, "two at least"),
        ({"size": (63, 48)}, "even"),
        ({"size": (64,)}, "even"),
        ({"workers": 0}, "at least 1"),
    ],
)
def test_bad_arguments_are_refused_in_words(tmp_path, arguments, words):
    with pytest.raises(DatabaseError, match=words):
        demo.read(tmp_path, **{**TINY, **arguments})
    assert not list(tmp_path.iterdir())


def test_every_photograph_is_inside_the_wheels():
    names = [photograph.name for photograph in PHOTOGRAPHS]
    files = [(photograph.package, photograph.file) for photograph in PHOTOGRAPHS]
    assert len(set(names)) == len(set(files)) == len(PHOTOGRAPHS) >= 20
    for photograph in PHOTOGRAPHS:
        picture = photograph.open()
        assert picture.mode == "RGB"
        assert min(picture.size) >= 150


@pytest.mark.parametrize("package", ["skimage", "a_package_nobody_has"])
def test_a_missing_photograph_is_named(package):
    with pytest.raises(DatabaseError, match=r"absent\.png"):
        Photograph("absent", package, "data/absent.png", 0.5).open()


@pytest.mark.parametrize("photograph", PHOTOGRAPHS[::4], ids=lambda p: p.name)
def test_the_camera_moves_smoothly_and_stays_inside(photograph):
    path = camera.draw_path(random.Random(f"0/{photograph.name}/camera"))
    picture = photograph.open()
    picture.paste((255, 0, 255), (0, 0, picture.width, 1))  # a frame of a colour none of them has
    picture.paste((255, 0, 255), (0, 0, 1, picture.height))
    picture.paste((255, 0, 255), (0, picture.height - 1, picture.width, picture.height))
    picture.paste((255, 0, 255), (picture.width - 1, 0, picture.width, picture.height))
    shot = camera.film(picture, path, frames=10, size=(64, 48)).astype(int)
    magenta = (shot[..., 0] > 200) & (shot[..., 1] < 60) & (shot[..., 2] > 200)
    assert not magenta.any()
    steps = np.abs(np.diff(shot, axis=0)).mean(axis=(1, 2, 3))
    assert steps.min() > 0.0
    assert steps.max() < 6.0 * np.median(steps)


def still(frames=24, height=48, width=64):
    rng = np.random.default_rng(3)
    picture = rng.integers(60, 190, (1, height, width, 3))
    return np.repeat(picture, frames, axis=0).astype(np.uint8)


def moving(frames=24):
    return np.stack([np.roll(still(1)[0], index, axis=1) for index in range(frames)])


@pytest.mark.parametrize("name", distortions.DISTORTIONS)
def test_severity_grades_the_distortion(name):
    video = moving()
    harm = []
    for severity in (0.1, 0.5, 1.0):
        changed = distortions.distort(video, {name: severity}, np.random.default_rng(0))
        assert changed.shape == video.shape
        assert changed.dtype == np.uint8
        harm.append(np.abs(changed.astype(int) - video).mean())
    assert 0.0 < harm[0] < harm[1] < harm[2]


def test_no_severity_changes_nothing():
    video = still()
    nothing = {"noise": 0.0, "compression": 1.0}
    changed = distortions.distort(video, nothing, np.random.default_rng(0))
    assert np.array_equal(changed, video)


@pytest.mark.parametrize("name", ["defocus", "motion_blur"])
def test_blur_keeps_flat_regions_and_mean_brightness(name):
    flat = np.full((2, 40, 40, 3), 90, np.uint8)
    blurred = distortions.distort(flat, {name: 0.8}, np.random.default_rng(0))
    assert np.abs(blurred.astype(int) - 90).max() <= 1


def test_frozen_frames_stand_still_and_then_jump():
    video = moving()
    frozen = distortions.distort(video, {"freeze": 0.6}, np.random.default_rng(0))
    same = [np.array_equal(a, b) for a, b in pairwise(frozen)]
    assert 0.3 < np.mean(same) < 0.9
    assert any(
        not repeated and not np.array_equal(frozen[k + 1], np.roll(frozen[k], 1, axis=1))
        for k, repeated in enumerate(same)
    )


def test_crf_grows_with_severity_within_what_x264_takes():
    factors = [distortions.crf(severity) for severity in (0.0, 0.1, 0.5, 1.0)]
    assert factors == sorted(set(factors))
    assert 0 < factors[0] < factors[-1] <= 51


def test_quality_falls_with_severity_and_masking_is_right():
    grades = [opinions.quality({"noise": s}, 0.5) for s in (0.0, 0.3, 0.6, 1.0)]
    assert grades == sorted(grades, reverse=True)
    assert 4.5 < grades[0] <= 5.0
    assert 1.0 <= grades[-1] < 1.7
    busy, smooth = 0.9, 0.1
    assert opinions.quality({"noise": 0.5}, busy) > opinions.quality({"noise": 0.5}, smooth)
    assert opinions.quality({"defocus": 0.5}, busy) < opinions.quality({"defocus": 0.5}, smooth)
    both = opinions.quality({"noise": 0.4, "freeze": 0.4}, 0.5)
    assert both < opinions.quality({"noise": 0.4}, 0.5)


def test_ratings_are_categories_around_the_quality():
    panel = opinions.viewers(random.Random("panel"))
    assert len(panel) == opinions.RATERS
    means = []
    for index in range(200):
        mos, mos_std = opinions.rate(3.0, panel, random.Random(f"video {index}"))
        assert abs(mos * opinions.RATERS - round(mos * opinions.RATERS)) < 0.01
        assert 0.2 < mos_std < 1.4
        means.append(mos)
    assert abs(np.mean(means) - 3.0) < 0.25
    assert 0.05 < np.std(means) < 0.3  # the noise of a panel, not none and not chaos


def test_variants_share_no_photograph_and_differ_as_said():
    parts = {name: demo.VARIANTS[name] for name in ("demo_coding", "demo_camera", "demo_timing")}
    names = [photograph.name for part in parts.values() for photograph in part.photographs]
    assert sorted(names) == sorted(photograph.name for photograph in demo.PHOTOGRAPHS)
    planted = {
        name: {
            kind
            for version in demo.plan_versions(3, part.versions, 0, part)
            for kind in version.severities
        }
        for name, part in parts.items()
    }
    assert planted == {
        "demo_coding": {"compression"},
        "demo_camera": {"defocus", "noise", "motion_blur", "exposure"},
        "demo_timing": {"freeze", "flicker"},
    }


def test_a_variant_has_its_own_name_and_scale(tmp_path):
    small = {"contents": 2, "versions": 3, "frames": 4, "size": (32, 32)}
    camera = demo.read(tmp_path, variant="demo_camera", **small)
    assert (camera.name, camera.mos_range) == ("demo_camera", (0.0, 100.0))
    assert max(video.mos for video in camera.videos) > 50
    assert {video.ratings for video in camera.videos} == {opinions.RATERS}
    with pytest.raises(DatabaseError, match="variant='demo_blur' is none of demo, demo_coding"):
        demo.read(tmp_path, variant="demo_blur")
