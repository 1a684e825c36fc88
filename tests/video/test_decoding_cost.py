"""The number of frames that reading some of them decodes, against frames that are counted."""

import numpy as np
import pytest

from tests.clips import FRAMES, write_clip, write_raw
from vqa.video import RawFormat, probe, read_frames, readers, stream_frames
from vqa.video.decoding_cost import frames_to_decode


@pytest.fixture
def decoded(monkeypatch):
    """Every frame that is decoded from here on."""
    seen, own = [], readers._decoded

    def counted(*arguments):
        for frame in own(*arguments):
            seen.append(frame.pts)
            yield frame

    monkeypatch.setattr(readers, "_decoded", counted)
    return seen


@pytest.mark.parametrize("wanted", [[0], [5], [13, 40], [1, 2, 3, 49], [30, 31, 47]])
@pytest.mark.parametrize("keyframe_interval", [12, FRAMES])
def test_leaps_decode_from_keyframes(tmp_path, decoded, wanted, keyframe_interval):
    path = write_clip(tmp_path / "a.mp4", keyframe_interval=keyframe_interval)
    info = probe(path)
    read_frames(path, wanted, info=info)
    assert frames_to_decode(info, np.array(wanted), leaping=True) == len(decoded)


def test_in_sequence_everything_up_to_the_last_frame_is_decoded(tmp_path, decoded):
    path = write_clip(tmp_path / "a.mp4")
    info = probe(path)
    for wanted in ([3, 3, 20], [49]):
        decoded.clear()
        list(stream_frames(path, wanted, info=info))
        assert frames_to_decode(info, np.array(wanted)) == wanted[-1] + 1
        assert wanted[-1] + 1 <= len(decoded) <= FRAMES
    assert frames_to_decode(info, np.array([], dtype=np.int64)) == 0


def test_of_raw_video_only_the_frames_themselves_are_read(tmp_path):
    write_raw(tmp_path / "a.yuv", 5, (64, 48), "yuv420p")
    info = probe(tmp_path / "a.yuv", raw=RawFormat(64, 48))
    assert frames_to_decode(info, np.array([1, 4])) == 2
