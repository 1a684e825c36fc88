"""Rotated and mirrored files."""

import numpy as np
import pytest

from tests import clips
from tests.clips import numbers
from vqa.video import choose_reader, probe, read_frames, stream_frames


def all_frames(path, **options):
    return np.concatenate(list(stream_frames(path, **options)))


@pytest.mark.parametrize(
    ("counter_clockwise", "mirrored", "clockwise", "filters"),
    [
        (90, False, 270, [("transpose", "cclock")]),
        (180, False, 180, [("hflip", ""), ("vflip", "")]),
        (-90, False, 90, [("transpose", "clock")]),
        (90, True, None, None),
    ],
)
def test_rotation(tmp_path, counter_clockwise, mirrored, clockwise, filters):
    plain = clips.write_clip(tmp_path / "plain.mp4", 10)
    path = clips.write_clip(
        tmp_path / "turned.mp4", 10, rotation=counter_clockwise, mirrored=mirrored
    )
    info = probe(path)
    frames = all_frames(path)
    stored = all_frames(plain)
    turns = counter_clockwise // 90
    upright = np.rot90(frames, -turns, axes=(1, 2))  # undo the rotation
    if mirrored:
        assert (
            min(
                np.abs(turned.astype(int) - stored).mean()
                for turned in (upright[:, :, ::-1], upright[:, ::-1])
            )
            < 3
        )
        return
    assert info.rotation_deg == clockwise
    assert (info.height, info.width) == frames.shape[1:3]
    assert (info.width > info.height) == (counter_clockwise == 180)
    assert numbers(upright) == list(range(10))
    assert np.array_equal(frames, clips.decode_all(path, *filters))
    assert np.array_equal(read_frames(path, [7, 2]), frames[[7, 2]])


@pytest.mark.parametrize("turn", [90, 180, -90])
def test_decord_turns_the_same_way(tmp_path, turn):
    pytest.importorskip("decord", reason="decord is not installed")
    path = clips.write_clip(tmp_path / "turned.mp4", 10, rotation=turn)
    assert choose_reader(probe(path), "decord") == "decord"
    assert np.array_equal(all_frames(path, reader="decord"), all_frames(path))
