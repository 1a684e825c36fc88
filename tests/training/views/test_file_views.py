"""Frames that scoring reads ahead: those of the whole video, whatever the file, and no others."""

import numpy as np
import pytest
import torch

from tests import clips
from tests.clips import FRAGMENTS, OPEN_GROUPS, UNEVEN_TICKS, VP9, X265
from vqa.databases.records import VideoRecord
from vqa.training.views import CentreImage, FileView, FragmentClips, ReadAhead
from vqa.video import VideoError

SMALL = {"num_clips": 2, "clip_length": 4, "frame_interval": 2, "grid_size": 3, "patch_size": 32}
# Settings of `write_clip`; some files allow leaps, others are read in sequence.
KINDS = {
    "b_frames.mp4": {},
    "b_frames.mkv": {},
    "open_groups.mkv": {"options": OPEN_GROUPS},
    "hevc_open_groups.mp4": {"codec": "libx265", "options": X265},
    "intra_refresh.mp4": {"options": {"x264-params": "intra-refresh=1"}},
    "fragments.mp4": {"muxer_options": FRAGMENTS},
    "uneven.mp4": {"ticks": UNEVEN_TICKS},
    "edited.mp4": {},
    "rotated.mp4": {"rotation": 90},
    "vp9.webm": VP9,
    "no_index.ts": {},
    "no_index.h264": {},
    "index_in_front.avi": {},
}


class Bright(FileView):
    """The mean of every frame between two frames, float: a user's own view."""

    def indices(self, info, rng=None):
        return np.arange(20, 29)[None]

    def of_frames(self, chunks, info, indices, rng=None):
        return torch.cat([torch.from_numpy(chunk).double().mean((1, 2, 3)) for chunk in chunks])


def ahead(view, *records, name="fragments"):
    """The views, times and notes of videos, as a scorer gets them."""
    reading = ReadAhead(name, view)
    found = []
    for record, failure in reading.source.stream(records):
        assert failure is None, failure
        note = reading.source.metadata(record)["note"]
        found.append((reading(record), reading.times_s(record), note))
    return found


def record(path, **facts):
    return VideoRecord(path.name, path, 3.0, **facts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("clips")


def clip(folder, name):
    new = not (folder / name).exists()
    path = clips.cached_clip(folder, name, KINDS[name])
    if name == "edited.mp4" and new:
        clips.hide_leading(path, 9)
    return path


@pytest.mark.parametrize("name", KINDS)
def test_the_frames_are_those_of_the_whole_video(folder, name):
    path = clip(folder, name)
    view = FragmentClips(**SMALL)
    info = view._probe(record(path))
    indices = view.indices(info)
    rotation = (("transpose", "cclock"),) if name == "rotated.mp4" else ()
    whole = clips.decode_all(path, *rotation)
    assert len(whole) == info.frames
    truth = view.of_frames(iter([whole[np.unique(indices)]]), info, indices)
    ((found, times_s, note),) = ahead(view, record(path))
    assert found.dtype == torch.uint8
    assert torch.equal(found, truth)
    assert torch.equal(times_s, torch.from_numpy(info.times_s[indices].mean(1)))
    assert note == f"fragments: read 8 of {info.frames} frames"
    assert torch.equal(view(record(path)), truth)


def test_raw_video(tmp_path):
    truth = clips.write_raw(tmp_path / "a.yuv", 20, (128, 96), "yuv420p")
    raw = record(tmp_path / "a.yuv", width=128, height=96)
    view = FragmentClips(**SMALL)
    info = view._probe(raw)
    indices = view.indices(info)
    ((found, _, note),) = ahead(view, raw)
    assert torch.equal(found, view.of_frames(iter([truth[np.unique(indices)]]), info, indices))
    assert note.endswith("fragments: read 8 of 20 frames")


def test_images_and_views_of_ones_own(folder):
    path = clip(folder, "b_frames.mp4")
    ((image, times_s, note),) = ahead(CentreImage(), record(path), name="image")
    assert torch.equal(image, CentreImage()(record(path)))
    assert times_s.tolist() == pytest.approx([25 / 30])
    assert note == "image: read 1 of 50 frames"
    ((bright, _, _),) = ahead(Bright(), record(path))
    assert torch.equal(bright, Bright()(record(path)))
    assert bright.dtype == torch.float64


def test_no_note_if_every_frame_was_read(tmp_path):
    path = clips.write_clip(tmp_path / "one.mp4", 1, size=(320, 300))
    ((_, _, note),) = ahead(CentreImage(), record(path))
    assert note == ""


def test_only_the_groups_of_the_frames_are_decoded(folder, tmp_path):
    """Groups have 12 frames; damage in the middle of the file is in that of frames 24 to 35."""
    path = clips.damage(clips.write_clip(tmp_path / "bad.mp4"))
    sampled = FragmentClips(**{**SMALL, "num_clips": 1, "clip_length": 2, "frame_interval": 1})
    reading = ReadAhead("fragments", sampled)
    ((_, failure),) = reading.source.stream([record(path)])
    assert "damaged" in failure  # frames 24 and 25 are read
    image = _At(49)
    ((found, _, note),) = ahead(image, record(path))
    assert clips.numbers(found.numpy()) == [49]
    assert note == "fragments: read 1 of 50 frames"


class _At(FileView):
    """One frame."""

    def __init__(self, index, **options):
        super().__init__(**options)
        self.index = index

    def indices(self, info, rng=None):
        return np.array([[min(self.index, info.frames - 1)]])

    def of_frames(self, chunks, info, indices, rng=None):
        return torch.from_numpy(np.concatenate(list(chunks)))


def test_a_file_that_is_cut_is_refused_by_its_container(tmp_path):
    path = clips.cut(clips.write_clip(tmp_path / "cut.mkv"))
    ((_, failure),) = ReadAhead("image", _At(0)).source.stream([record(path)])
    assert "cut short" in failure


def test_damaged_files_are_decoded_whole_if_they_are_to_be_scored(tmp_path):
    path = clips.damage(clips.write_clip(tmp_path / "bad.mp4"))
    ((found, _, note),) = ahead(_At(49, damaged="score"), record(path))
    assert note.startswith("damaged: ")
    assert "frames were read of about 50; fragments: read 1 of " in note
    assert clips.numbers(found.numpy()) == [49]


def test_one_video_is_held_at_a_time(folder):
    reading = ReadAhead("fragments", FragmentClips(**SMALL))
    first, second = (record(clip(folder, name)) for name in ("b_frames.mp4", "uneven.mp4"))
    stream = reading.source.stream([first, second])
    assert next(stream) == (first, None)
    assert reading(first).shape == (2, 4, 96, 96, 3)
    assert next(stream) == (second, None)
    reading(second)
    with pytest.raises(FileNotFoundError, match="read last"):
        reading(first)
    stream.close()


def test_a_bad_file_costs_its_row(folder, tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    reading = ReadAhead("fragments", FragmentClips(**SMALL))
    good = record(clip(folder, "b_frames.mp4"))
    results = dict(
        (one.id, failure)
        for one, failure in reading.source.stream([record(tmp_path / "bad.mp4"), good])
    )
    assert results["bad.mp4"]
    assert results["b_frames.mp4"] is None


def test_a_file_that_fails_in_training_is_named_with_the_remedy(tmp_path):
    path = clips.damage(clips.write_clip(tmp_path / "noisy.mp4", 40))
    with pytest.raises(VideoError, match=r"noisy\.mp4: .*; data\.check=decode fresh=true finds"):
        Bright()(VideoRecord("noisy.mp4", path, 3.0))
