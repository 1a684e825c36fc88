"""The view of a feature sequence: crops in training, whole videos in evaluation."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vqa.databases.records import VideoRecord
from vqa.training.views import FeatureSequence

VIDEO = VideoRecord("a.mp4", "a.mp4", mos=3.0)


def view(frames, **options):
    features = torch.arange(frames, dtype=torch.float32)[:, None].expand(-1, 3)
    source = SimpleNamespace(name="x", load=lambda _: SimpleNamespace(features=features))
    return FeatureSequence([source], **options)


def test_training_takes_a_random_run_of_frames_and_evaluation_all():
    cropped = view(10, crop_length=4)
    starts = set()
    for seed in range(60):
        sample = cropped(VIDEO, np.random.default_rng(seed))
        start = int(sample[0, 0])
        assert sample[:, 0].tolist() == [start, start + 1, start + 2, start + 3]
        starts.add(start)
    assert starts == set(range(7))
    assert len(cropped(VIDEO)) == 10


@pytest.mark.parametrize("crop_length", [None, 10, 11])
def test_short_videos_are_whole(crop_length):
    sample = view(10, crop_length=crop_length)(VIDEO, np.random.default_rng(0))
    assert sample[:, 0].tolist() == list(range(10))
