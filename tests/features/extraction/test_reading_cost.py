"""One line says that sparse frames cost nearly a whole decoding."""

import logging

import numpy as np
import pytest

from tests.fakes import MeanColour
from vqa.features.extraction.feature_source import FeatureSource


class Sparse(MeanColour):
    """The last of every five frames."""

    chooses_frames = True

    def indices(self, info):
        return np.arange(4, info.frames, 5)


@pytest.mark.parametrize("decoders", [1, 2])
def test_sparse_frames_that_cost_whole_decoding_are_mentioned_once(
    clips, tmp_path, caplog, decoders
):
    class Kind(Sparse):
        parallel = True

    source = FeatureSource.in_cache(Kind(), tmp_path, "auto", decoders=decoders)
    with caplog.at_level(logging.INFO):
        source.fill([*clips.videos[4:], *clips.videos], progress=False)
        said = [line for line in caplog.messages if "had to be decoded" in line]
        assert said == [
            "mean-colour: reads 20 of the 111 frames of the first 3 videos, but 100 had to be "
            "decoded, because frames depend on those before: the time is that of whole decoding"
        ]


def test_what_is_read_whole_or_in_part_is_not_mentioned(clips, tmp_path, caplog):
    class Beginning(Sparse):
        def indices(self, info):
            return np.arange(3)

    with caplog.at_level(logging.INFO):
        for extractor in (MeanColour(), Beginning()):
            source = FeatureSource.in_cache(extractor, tmp_path / str(id(extractor)), "auto")
            source.fill(clips.videos[:4], progress=False)
    assert not [line for line in caplog.messages if "decoded" in line]
