"""Likeness: re-encodings of a video are alike, different videos are not."""

import itertools

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, zoom

from tests.clips import write_clip
from tests.places import SHARED
from vqa.commands.doctor.likeness import ALIKE, alike, frame_indices, likeness
from vqa.video import probe, read_frames


def of_file(path):
    info = probe(path)
    return likeness(read_frames(path, frame_indices(info.times_s)))


def distance(one, other):
    """Count differing bits, the slow way."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


@pytest.fixture(scope="module")
def scene():
    """A moving window over a natural-looking texture (3,96,128,3)."""
    rng = np.random.default_rng(0)
    texture = gaussian_filter(rng.uniform(0, 255, (110, 150, 3)), (4, 4, 0))
    texture = (texture - texture.min()) / np.ptp(texture) * 255
    return np.stack([texture[k : k + 96, 2 * k : 2 * k + 128] for k in range(3)]).astype(np.uint8)


@pytest.mark.parametrize(
    "change",
    [
        lambda frames: np.clip(frames.astype(int) + 10, 0, 255).astype(np.uint8),
        lambda frames: np.clip(frames.astype(int) - 10, 0, 255).astype(np.uint8),
        lambda frames: frames[:, ::2, ::2],
        lambda frames: zoom(frames, (1, 4, 4, 1), order=1),
        lambda frames: frames[:, 1:-1, 1:-1],
        lambda frames: gaussian_filter(frames, (0, 1, 1, 0)),
    ],
)
def test_changes_that_keep_the_scene_keep_the_hash(scene, change):
    assert distance(likeness(scene), likeness(change(scene))) <= ALIKE


def test_other_pictures_have_other_hashes(scene):
    for other in (scene[:, ::-1], scene[:, :, ::-1], 255 - scene):
        assert distance(likeness(scene), likeness(np.ascontiguousarray(other))) > 2 * ALIKE


def test_a_re_encoding_is_alike(tmp_path):
    good = of_file(write_clip(tmp_path / "good.mp4", 30))
    poor = of_file(write_clip(tmp_path / "poor.mp4", 30, options={"crf": "40"}))
    assert distance(good, poor) <= ALIKE


@pytest.mark.parametrize("grey", [0, 128])
def test_frames_without_structure_are_like_none(scene, grey):
    flat = np.full_like(scene, grey)
    assert likeness(flat) == ""
    assert likeness(np.concatenate([flat[:1], scene[1:]])) == ""
    assert list(alike({"a": "", "b": ""})) == []


def test_frames_are_chosen_by_time():
    assert frame_indices(np.arange(240) / 30).tolist() == [0, 6, 12]
    assert frame_indices(np.arange(240) / 60).tolist() == [0, 12, 24]
    assert frame_indices(np.zeros(1)).tolist() == [0, 0, 0]


def test_pairs_are_those_of_a_literal_comparison():
    rng = np.random.default_rng(1)
    known = {f"v{k}": rng.bytes(24).hex() for k in range(40)}
    known |= {f"w{k}": known[f"v{k}"][:-1] + "0" for k in range(5)} | {"flat": ""}
    found = {(one, other): bits for one, other, bits in alike(known)}
    expected = {
        (one, other): distance(known[one], known[other])
        for one, other in itertools.combinations([name for name in known if known[name]], 2)
        if distance(known[one], known[other]) <= ALIKE
    }
    assert found == expected
    assert len(found) >= 5
    others = {"x": known["v3"], "y": ""}
    assert ("v3", "x", 0) in list(alike(known, others))


def test_real_clips_are_not_alike():
    clips = sorted(SHARED.glob("konvid-clips/**/*.mp4"))
    if not clips:
        pytest.skip(f"no clips in {SHARED / 'konvid-clips'}")
    assert list(alike({clip.name: of_file(clip) for clip in clips})) == []
