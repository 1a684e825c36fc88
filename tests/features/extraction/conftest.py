"""What several tests of extraction need."""

import pytest

from vqa.video import decoder


@pytest.fixture
def children(monkeypatch):
    """Every process that a decoder starts."""
    started = []

    class Watched(decoder.DecodingProcess):
        def __init__(self):
            super().__init__()
            started.append(self.process)

    monkeypatch.setattr(decoder, "DecodingProcess", Watched)
    return started
