"""What holds for all tests, and what several files of them share."""

import pytest
import torch

from tests.fakes import clip_database
from vqa.features.extraction.cache import FeatureCache

# The tests' tensors are small: on busy cores, sharing them out makes steps many times slower.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """A database of six real clips; to be read only."""
    return clip_database(tmp_path_factory.mktemp("clips"))


@pytest.fixture
def clips_cache(tmp_path):
    """An empty cache for features of `clips`."""
    return FeatureCache(tmp_path / "cache", "mean-colour", "f" * 64)
