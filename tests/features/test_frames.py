"""Arrays other than frames are refused with a clear error."""

import numpy as np
import pytest
import torch

from vqa.features.frames import checked


@pytest.mark.parametrize(
    ("frames", "context", "words"),
    [
        (np.zeros((0, 4, 4, 3), np.uint8), 0, "expected uint8 frames"),
        (np.zeros((2, 4, 4, 3)), 0, "expected uint8 frames"),
        (np.zeros((2, 4, 4), np.uint8), 0, "expected uint8 frames"),
        (torch.zeros(2, 4, 4, 3), 0, "expected uint8 frames"),
        (torch.zeros(0, 4, 4, 3, dtype=torch.uint8), 0, "expected uint8 frames"),
        (np.zeros((2, 4, 4, 3), np.uint8), 2, "context=2 leaves none of 2 frames"),
    ],
)
def test_other_arrays_are_refused(frames, context, words):
    with pytest.raises(ValueError, match=f"^cnn: {words}"):
        checked(frames, context, "cnn")


def test_small_frames_are_refused_if_a_least_side_is_required():
    frames = np.zeros((2, 15, 40, 3), np.uint8)
    assert len(checked(frames, 1, "cnn")) == 1
    assert len(checked(frames, 0, "cnn", least_side=15)) == 2
    with pytest.raises(ValueError, match=r"^cnn: frames of 40x15 .* must be at least 16 pixels"):
        checked(frames, 0, "cnn", least_side=16)
