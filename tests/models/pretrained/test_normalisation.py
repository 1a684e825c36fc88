"""Input normalisation against torchvision's transforms and literal arithmetic."""

import numpy as np
import pytest
import torch
import torchvision

from vqa.models.pretrained.normalisation import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    inception_input,
    normalise,
)

CPU = torch.device("cpu")


@pytest.fixture
def frames():
    return np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("mean", "std"), [(IMAGENET_MEAN, IMAGENET_STD), ((0.5, 0.1, 0.9), (0.2, 1, 3))]
)
def test_frames_are_normalised_as_torchvision_does(frames, mean, std):
    transform = torchvision.transforms.Compose(
        [torchvision.transforms.ToTensor(), torchvision.transforms.Normalize(mean, std)]
    )
    wanted = torch.stack([transform(frame) for frame in frames])
    torch.testing.assert_close(normalise(frames, CPU, mean, std), wanted)


def test_imagenet_is_the_default_and_memory_is_channels_last(frames):
    found = normalise(frames, CPU)
    assert torch.equal(found, normalise(frames, CPU, IMAGENET_MEAN, IMAGENET_STD))
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_read_only_and_strided_frames_are_accepted(frames):
    wanted = normalise(frames, CPU).flip(0)
    frames.setflags(write=False)
    assert torch.equal(normalise(frames[::-1], CPU), wanted)


def test_inception_takes_values_from_minus_one_to_one(frames):
    assert inception_input(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == [-1, 1]
    images = torch.from_numpy(frames)
    torch.testing.assert_close(inception_input(images), images / 127.5 - 1)
