"""A store of fragment clips: what the view gives, cut once, whatever happens to the files."""

import json
import logging
import os
import shutil
from collections import namedtuple

import numpy as np
import pytest
import torch

from tests.fakes import rated_clips
from vqa.databases.records import Database, VideoRecord
from vqa.protocols.splits import Split
from vqa.training.datamodule import VQADataModule
from vqa.training.draws import rng_of
from vqa.training.views import FragmentClips, StoredClips, Views, packs

SMALL = {"clip_length": 4, "frame_interval": 2, "grid_size": 3, "patch_size": 32, "num_clips": 2}
DRAW_BYTES, EVALUATION_BYTES = 4 * 96 * 96 * 3, 2 * 4 * 96 * 96 * 3


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    return rated_clips(tmp_path_factory.mktemp("videos"), 5, 20)


class NoFiles(FragmentClips):
    """The same view; its videos cannot be read any more."""

    def __call__(self, video, rng=None):
        raise AssertionError(f"{video.id} was read")

    several = __call__


def store_of(folder, videos, view=None, draws=2, seed=7, **sources):
    found = {video.id: f"hash of {video.id}" for video in videos} | sources
    return StoredClips(view or FragmentClips(**SMALL), folder, found, draws, seed)


def loaders(videos, view, **options):
    names = [video.id for video in videos]
    split = Split("split0", names[:3], names[3:], (), "video", 0)
    database = Database("d", (1.0, 6.0), tuple(videos))
    return VQADataModule(database, split, Views({"fragments": view}), seed=7, **options)


def epoch_of(data, epoch):
    loader = data.train_dataloader()
    loader.batch_sampler.sampler.set_epoch(epoch)
    seen = {}
    for batch in loader:
        seen |= dict(zip(batch["ids"], batch["inputs"]["fragments"], strict=True))
    return seen


@pytest.fixture(scope="module")
def filled(videos, tmp_path_factory):
    """A store of the first three videos' draws and of the others' evaluation clips."""
    folder = tmp_path_factory.mktemp("store")
    store_of(folder, videos).fill(videos[:3], videos[3:])
    return folder


@pytest.fixture
def copied(filled, tmp_path):
    return shutil.copytree(filled, tmp_path / "copy")


def test_every_epoch_is_that_of_the_live_loader(videos, filled):
    """Epoch e shows draw e mod K; not one file is read."""
    live = loaders(videos, FragmentClips(**SMALL))
    stored = loaders(videos, store_of(filled, videos, NoFiles(**SMALL)), batch_size=2)
    stored.gather()
    for epoch in (0, 1, 2, 5):
        expected, seen = epoch_of(live, epoch % 2), epoch_of(stored, epoch)
        assert seen.keys() == expected.keys() == {"v0", "v1", "v2"}
        assert all(torch.equal(seen[name], expected[name]) for name in seen)
    assert not torch.equal(epoch_of(stored, 0)["v0"], epoch_of(stored, 1)["v0"])
    (batch,) = stored.val_dataloader()
    assert torch.equal(batch["inputs"]["fragments"][0], FragmentClips(**SMALL)(videos[3]))


@pytest.mark.parametrize(
    "options", [{"aligned": 2}, {"time_fragments": 2, "num_clips": 1, "training_clips": 1}]
)
def test_one_pass_gives_what_single_passes_give(videos, options):
    view = FragmentClips(**SMALL | options)
    seeds = [None, 0, 1]
    several = view.several(
        videos[0], [None if seed is None else rng_of(0, seed, "v0") for seed in seeds]
    )
    for seed, clips in zip(seeds, several, strict=True):
        rng = None if seed is None else rng_of(0, seed, "v0")
        assert torch.equal(clips, view(videos[0], rng))
        assert clips.shape == view.shape(rng is not None)


def test_processes_cut_into_packs_of_their_own(videos, filled, tmp_path, caplog):
    store = store_of(tmp_path, videos)
    with caplog.at_level(logging.INFO):
        store.fill(videos[:3], videos[3:], workers=2)
    assert len(list(store.folder.glob("*.bin"))) == 2
    other = store_of(filled, videos)
    assert {(line.video, line.names, line.digests) for line in packs.lines(store.folder)} == {
        (line.video, line.names, line.digests) for line in packs.lines(other.folder)
    }
    total = 6 * DRAW_BYTES + 2 * EVALUATION_BYTES
    assert f"2 draws of 3 videos, evaluation clips of 2: {total / 1e6:.1f} MB" in caplog.text


def test_an_interrupted_filling_continues_and_more_draws_are_added(videos, copied):
    store = store_of(copied, videos)
    (index,) = store.folder.glob("*.jsonl")
    kept = index.read_text(encoding="utf-8").splitlines(keepends=True)
    index.write_text("".join(kept[:2]) + kept[2][:40], encoding="utf-8")  # killed in a line
    store.fill(videos[:3], videos[3:])
    assert sorted(line.video for line in packs.lines(store.folder)) == [
        video.id for video in videos
    ]
    more = store_of(copied, videos, draws=3)
    more.fill(videos[:3], videos[3:])
    added = [line.video for line in packs.lines(more.folder) if line.names == ("2",)]
    assert sorted(added) == ["v0", "v1", "v2"]
    unread = store_of(copied, videos, NoFiles(**SMALL), draws=3)
    unread.fill(videos[:3], videos[3:])  # nothing is left to do


def test_a_changed_clip_is_read_from_its_video(videos, copied, caplog):
    store = store_of(copied, videos)
    (pack,) = store.folder.glob("*.bin")
    store.fill(videos[:3], videos[3:])
    data = bytearray(pack.read_bytes())
    data[DRAW_BYTES // 2] ^= 1
    pack.write_bytes(data)
    rng = rng_of(7, 0, "v0")
    assert torch.equal(store(videos[0], rng), FragmentClips(**SMALL)(videos[0], rng_of(7, 0, "v0")))
    assert "is not what was written (v0)" in caplog.text


@pytest.mark.parametrize("change", ["file", "seed", "settings"])
def test_clips_of_something_else_do_not_count(change, videos, copied):
    before = store_of(copied, videos)
    view = FragmentClips(**SMALL | ({"frame_interval": 1} if change == "settings" else {}))
    now = store_of(
        copied, videos, view, seed=8 if change == "seed" else 7,
        **({"v1": "another hash"} if change == "file" else {}),
    )  # fmt: skip
    now.fill(videos[:3], [])
    assert (now.folder == before.folder) == (change == "file")
    again = [line for line in packs.lines(now.folder) if line.source == "another hash"]
    assert [line.video for line in again] == (["v1"] if change == "file" else [])
    rng = np.random.default_rng(0)  # not the generator of any draw
    assert torch.equal(now(videos[0], rng), view(videos[0], np.random.default_rng(0)))


def test_a_disk_without_room_is_refused_before_the_work(videos, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, 100_000))
    store = store_of(tmp_path, videos)
    message = r"loader\.store=2: expected 1\.1 MB free in .*, found 0\.1 MB; set paths\.cache"
    with pytest.raises(ValueError, match=message):
        store.fill(videos[:3], videos[3:])
    assert not list(store.folder.glob("*.bin"))


def test_a_bad_video_is_left_to_the_training(videos, tmp_path, caplog):
    path = tmp_path / "bad.mp4"
    path.write_bytes(b"no video")
    bad = VideoRecord("bad", path, 1.0)
    store = store_of(tmp_path, [*videos, bad])
    store.fill([bad, *videos[:2]], [])
    assert "1 of 3 videos were not cut; bad: " in caplog.text
    assert {line.video for line in packs.lines(store.folder)} == {"v0", "v1"}


def test_a_line_of_something_else_does_not_count(tmp_path):
    (tmp_path / "a.bin").write_bytes(bytes(8))
    good = {"video": "v", "source": "s", "names": ["0"], "sizes": [8], "sha256": ["x"], "offset": 0}
    rows = [good, good | {"offset": 1}, good | {"sizes": [-1]}, good | {"sizes": []}, [], {"a": 1}]
    text = "\n".join([*map(json.dumps, rows), "no json"])
    (tmp_path / "a.jsonl").write_text(text, encoding="utf-8")
    assert [line.offset for line in packs.lines(tmp_path)] == [0]
    (line,) = packs.lines(tmp_path)
    assert packs.read(line, 0) is None  # another hash
    os.remove(tmp_path / "a.bin")  # noqa: PTH107
    assert list(packs.lines(tmp_path)) == []
    assert packs.read(line, 0) is None
