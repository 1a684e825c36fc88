"""Sizes of chunks."""

import pytest

from vqa.video.chunks import MAX_CHUNK_BYTES, chunk_limits


@pytest.mark.parametrize(
    ("size", "limits"),
    [
        ((960, 540), (16, 16)),
        ((1920, 1080), (5, 5)),
        ((3840, 2160), (2, 1)),
        ((7680, 4320), (2, 1)),
    ],
)
def test_chunks_are_bounded_in_bytes(size, limits):
    frame_bytes = size[0] * size[1] * 3
    assert chunk_limits(frame_bytes, 16) == limits
    assert chunk_limits(frame_bytes, 1) == (1, 1)
    assert limits[1] == 1 or limits[1] * frame_bytes <= MAX_CHUNK_BYTES
    with pytest.raises(ValueError, match="at least 1"):
        chunk_limits(frame_bytes, 0)
