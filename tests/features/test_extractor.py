"""The base class of extractors: its defaults, and description frame by frame."""

import numpy as np
import pytest
import torch

from tests.fakes import MeanColour
from vqa.features.extractor import Extractor


class Past(Extractor):
    """Describes a frame by its brightness minus that of the frame `context` frames earlier."""

    name, dim, fingerprint, weights = "past", 1, "f", "none"

    def __init__(self, context):
        self.context = context
        self.calls = []

    def __call__(self, frames, context=0):
        self.calls.append((len(frames), context))
        bright = torch.from_numpy(frames.mean((1, 2, 3))).float()
        past = torch.cat([bright[:1].expand(self.context), bright])[: len(bright)]
        return (bright - past)[context:, None]


def frames(count):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, 6, 8, 3)).astype(np.uint8)


def chunked(clip, size):
    return iter([clip[start : start + size] for start in range(0, len(clip), size)])


@pytest.mark.parametrize("context", [0, 1, 3])
@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_chunks_get_the_past_that_they_need(context, size):
    clip = frames(11)
    extractor = Past(context)
    features, times_s = extractor.describe(chunked(clip, size), None)
    assert times_s is None
    torch.testing.assert_close(features, Past(context)(clip))
    assert all(count - past <= size and past <= context for count, past in extractor.calls)


def test_a_video_without_frames_has_no_rows():
    features, times_s = MeanColour().describe(iter([]), None)
    assert features.shape == (0, MeanColour.dim)
    assert times_s is None


def test_defaults_are_stated():
    extractor = Past(0)
    assert (extractor.untrained, extractor.threads, extractor.pixels) == (False, None, "rgb24")
    assert not extractor.chooses_frames
    assert extractor.indices(None) is None
    assert not extractor.draws
    with pytest.raises(NotImplementedError, match="past has no maps to draw"):
        extractor.draw(frames(1)[0])


def test_an_extractor_of_videos_describes_no_single_frames():
    class Whole(Extractor):
        name = "whole"

    with pytest.raises(NotImplementedError, match="whole describes whole videos"):
        Whole()(frames(1))


def test_features_on_a_device_are_collected_now_and_then(monkeypatch):
    class OnDevice(Past):
        """Its rows say when they are brought to the CPU."""

        def __call__(self, frames, context=0):
            return super().__call__(frames, context).as_subclass(Watched)

    class Watched(torch.Tensor):
        def cpu(self):
            collected.append(len(self))
            return self.as_subclass(torch.Tensor)

    clip, collected = frames(40), []
    wanted, _ = Past(0).describe(chunked(clip, 4), None)
    for most, lengths in ((2**26, [40]), (15, [4] * 10), (50, [16, 16, 8])):
        collected.clear()
        monkeypatch.setattr("vqa.features.extractor.DEVICE_BYTES", most)
        found, _ = OnDevice(0).describe(chunked(clip, 4), None)
        assert torch.equal(found, wanted)
        assert collected == lengths
