"""Small pictures of videos."""

import base64
import io
import logging
import os

import numpy as np
import pytest
from PIL import Image

from tests.clips import cut, read_number, write_clip, write_raw
from tests.stores import tar_of
from vqa.remote import scratch
from vqa.reports.scoring.stills import MOMENT, THUMBNAIL, nearest, stills, thumbnail_index
from vqa.video import RawFormat, probe


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("stills") / "clip.mp4")


def opened(address):
    assert address.startswith("data:image/webp;base64,")
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))


def number(address):
    return read_number(np.asarray(opened(address).convert("RGB")))


def test_the_frames_that_were_asked_for(clip):
    found = stills(str(clip), lambda info: [30, nearest(info, 0.51), 49], [MOMENT] * 3)
    assert [number(address) for address in found] == [30, 15, 49]


def test_a_thumbnail_is_a_keyframe_near_the_middle(clip):
    info = probe(clip)
    assert info.keyframes == (0, 12, 24, 36, 48)
    assert thumbnail_index(info) == 24
    (found,) = stills(str(clip), lambda info: [thumbnail_index(info)], [THUMBNAIL])
    assert number(found) == 24
    assert opened(found).size == (120, 90)


def test_without_a_keyframe_near_the_middle_it_is_the_middle(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", 20, keyframe_interval=100)
    assert thumbnail_index(probe(clip)) == 10


@pytest.mark.parametrize("kind", ["absent", "text", "cut", "folder", "pipe"])
def test_a_file_that_cannot_be_read_costs_its_picture(clip, tmp_path, kind, caplog):
    caplog.set_level(logging.INFO)
    path = tmp_path / "v.mp4"
    if kind == "text":
        path.write_text("not a video")
    elif kind == "cut":
        path.write_bytes(clip.read_bytes())
        cut(path, 0.4)
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    assert stills(str(path), lambda _: [0], [THUMBNAIL]) == []
    assert f"no pictures of {path}" in caplog.text


def test_raw_video_needs_its_format(tmp_path):
    path = tmp_path / "clip.yuv"
    write_raw(path, 6, (128, 96), "yuv420p")
    assert stills(str(path), lambda _: [3], [THUMBNAIL]) == []
    (found,) = stills(str(path), lambda _: [3], [MOMENT], RawFormat(128, 96))
    assert number(found) == 3


def test_a_video_in_a_tar_has_pictures_and_one_elsewhere_has_none(clip, tmp_path, monkeypatch):
    monkeypatch.setattr(scratch, "_OWN", {})
    monkeypatch.setenv("VQA_SCRATCH", str(tmp_path / "scratch"))
    (tmp_path / "x.tar").write_bytes(tar_of({"a.mp4": clip.read_bytes()}))
    found = stills(f"{tmp_path}/x.tar/a.mp4", lambda _: [12], [MOMENT])
    assert [number(address) for address in found] == [12]
    for path in (f"{tmp_path}/x.tar/b.mp4", "s3://bucket/a.mp4"):
        assert stills(path, lambda _: [12], [MOMENT]) == []
    assert not list((tmp_path / "scratch").rglob("*.mp4"))
    scratch.scratch().remove()
