"""Files without an end mark that are cut inside the last picture."""

import av
import numpy as np
import pytest

from tests import clips
from tests.clips import X265, numbers
from vqa.video import VideoError, stream_frames

# Settings of `write_clip`. The last of them are what entropy decoders do not notice by themselves.
KINDS = {
    "cabac.h264": {"options": {"bf": "0"}},
    "cavlc.h264": {"options": {"x264-params": "cabac=0:bframes=0"}},
    "interlaced.h264": {"options": {"x264-params": "tff=1:bframes=0"}},
    "slices.h264": {"options": {"x264-params": "slices=4:bframes=0"}},
    "wavefronts.hevc": {"codec": "libx265", "options": X265},
    "one_row_after_another.hevc": {
        "codec": "libx265",
        "options": {**X265, "x265-params": "log-level=none:pools=1:no-wpp=1:bframes=0"},
    },
    "mpeg2.m2v": {"codec": "mpeg2video"},
    "mpeg4.m4v": {"codec": "mpeg4"},
    "h261.h261": {"codec": "h261", "size": (176, 144)},
    "h263.h263": {"codec": "h263", "size": (176, 144)},
}


def all_frames(path):
    return np.concatenate(list(stream_frames(path)))


@pytest.mark.parametrize("name", KINDS)
def test_no_picture_is_accepted_in_part(tmp_path, name):
    """At whichever byte the last picture is cut, the rest is refused or is the whole picture."""
    path = clips.write_clip(tmp_path / name, 8, **KINDS[name])
    data, intact = path.read_bytes(), all_frames(path)
    assert numbers(intact) == list(range(8))
    with av.open(str(path)) as container:
        last = [packet.size for packet in container.demux(video=0) if packet.size][-1]
    cuts = {len(data) - part for part in (1, 2, 3, 5, 9, *map(int, np.linspace(10, last - 8, 14)))}
    for kept in sorted(cuts):
        path.write_bytes(data[:kept])
        try:
            assert np.array_equal(all_frames(path), intact)
        except VideoError:
            continue
        assert kept >= len(data) - 3  # bytes that carry nothing


def test_a_transport_stream_that_ends_inside_a_picture(tmp_path):
    options = {"codec": "libx265", "options": KINDS["one_row_after_another.hevc"]["options"]}
    path = clips.write_clip(tmp_path / "a.ts", 8, keyframe_interval=1, **options)
    data = path.read_bytes()
    for packets in range(2, 6):
        path.write_bytes(data[: -188 * packets])
        with pytest.raises(VideoError, match=r"incomplete|damaged|cannot be decoded"):
            all_frames(path)
