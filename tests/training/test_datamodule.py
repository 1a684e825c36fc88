"""Batches for prediction: by length, bounded, shared among processes."""

import pytest
import torch

from tests.training.learners.fakes import data_module
from vqa.training import datamodule


def lengths(batch):
    return batch["inputs"]["lengths"].tolist()


def test_videos_of_like_length_share_a_batch_and_each_comes_once():
    data = data_module(eval_batch_size=4)
    videos = [*data.train, *data.test]
    batches = list(data.batches(videos))
    assert sorted(name for batch in batches for name in batch["ids"]) == sorted(
        video.id for video in videos
    )
    assert max(len(batch["ids"]) for batch in batches) == 4
    spread = [max(lengths(batch)) - min(lengths(batch)) for batch in batches]
    assert max(spread) <= 2
    for batch in batches:
        assert batch["mos"].tolist() == pytest.approx(
            [next(video.mos for video in videos if video.id == name) for name in batch["ids"]]
        )


def test_a_batch_is_bounded_in_bytes(monkeypatch):
    data = data_module(eval_batch_size=32)
    video_bytes = 41 * 20 * 4
    monkeypatch.setattr(datamodule, "BATCH_BYTES", 3 * video_bytes)
    batches = list(data.batches(data.train))
    assert max(len(batch["ids"]) for batch in batches) <= 3
    assert sum(len(batch["ids"]) for batch in batches) == len(data.train)
    monkeypatch.setattr(datamodule, "BATCH_BYTES", 1)  # a video is never too large
    assert {len(batch["ids"]) for batch in data.batches(data.train)} == {1}


@pytest.mark.parametrize("processes", [2, 3, 40])
def test_processes_share_the_videos(processes, monkeypatch):
    data = data_module(eval_batch_size=4)
    found = []
    for rank in range(processes):
        monkeypatch.setattr(datamodule, "world", lambda rank=rank: (processes, rank))
        found += [name for batch in data.batches(data.train) for name in batch["ids"]]
    assert sorted(found) == sorted(video.id for video in data.train)


def test_features_need_no_process_and_files_do():
    data = data_module()
    again = datamodule.VQADataModule(data.database, data.split, data.views, num_workers=3)
    assert again.num_workers == 0
    data.views.views["pixels"] = lambda video, rng=None: torch.zeros(1)
    again = datamodule.VQADataModule(data.database, data.split, data.views, num_workers=3)
    assert again.num_workers == 3
