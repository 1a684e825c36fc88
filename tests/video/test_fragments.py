"""Fragments, against a literal loop over pixels."""

import numpy as np
import pytest
import torch

from tests.clips import write_clip
from vqa.video import probe, read_frames, stream_frames
from vqa.video.fragments import cut, enlarge, enlarged_size, gather, plan
from vqa.video.sampling import clip_indices, time_fragment_indices

# Height and width: exact, large, one short side, both small, odd, a single pixel.
SIZES = [(224, 224), (225, 231), (288, 352), (540, 961), (1080, 1920), (231, 100), (97, 61), (1, 1)]
LARGE = [size for size in SIZES if min(size) >= 224]


def pictures(count, height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def literal_cut(frames, corners, patch):
    """Cut pixel by pixel, from frames that are large enough."""
    count, grid = corners.shape[:2]
    result = np.zeros((count, grid * patch, grid * patch, 3), np.uint8)
    for t in range(count):
        for y in range(grid * patch):
            for x in range(grid * patch):
                top, left = corners[t, y // patch, x // patch]
                result[t, y, x] = frames[t, top + y % patch, left + x % patch]
    return result


def cell_corners(height, width, grid=7, patch=32):
    """Return the first pixels of the cells as published, for large frames."""
    result = np.empty((grid, grid, 2), int)
    for i in range(grid):
        for j in range(grid):
            result[i, j, 0] = min(height // grid * i, height - patch)
            result[i, j, 1] = min(width // grid * j, width - patch)
    return result


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", [None, 0, 1, 2])
@pytest.mark.parametrize(("grid", "patch"), [(7, 32), (4, 32), (3, 5)])
def test_every_patch_comes_from_its_own_cell(size, seed, grid, patch):
    rng = None if seed is None else np.random.default_rng(seed)
    corners = plan(*size, 3, 8, aligned=4, grid_size=grid, patch_size=patch, rng=rng)
    assert corners.shape == (3, 8, grid, grid, 2)
    assert corners.dtype == np.int64
    whole = enlarged_size(*size, grid * patch)
    assert min(whole) >= grid * patch
    for axis in (0, 1):
        cell = whole[axis] // grid
        start = np.arange(grid).reshape((grid, 1) if axis == 0 else (1, grid)) * cell
        assert (corners[..., axis] >= start).all()
        assert (corners[..., axis] + patch <= start + cell).all()


@pytest.mark.parametrize("size", LARGE)
def test_offsets_are_those_published(size):
    """Offsets cover exactly 0 to cell - 33, or only 0 if the cell is too small."""
    corners = plan(*size, 100, 1, rng=np.random.default_rng(0))
    offsets = corners - cell_corners(*size)
    for axis in (0, 1):
        possible = max(size[axis] // 7 - 32, 1)
        counts = np.bincount(offsets[..., axis].ravel(), minlength=possible)
        assert len(counts) == possible
        assert counts.min() > 0
        mean = counts.mean()
        assert (np.abs(counts - mean) < 5 * np.sqrt(mean)).all()


@pytest.mark.parametrize("size", LARGE)
def test_evaluation_takes_the_middle_of_each_cell(size):
    offsets = plan(*size, 2, 4) - cell_corners(*size)
    for axis in (0, 1):
        assert (offsets[..., axis] == (size[axis] // 7 - 32) // 2).all()


def test_alignment_is_inside_a_clip():
    rng = np.random.default_rng(0)
    corners = plan(1080, 1920, 4, 32, rng=rng)
    assert (corners == corners[:, :1]).all()
    assert not (corners[0] == corners[1]).all()
    segments = plan(1080, 1920, 1, 32, aligned=8, rng=rng).reshape(4, 8, 7, 7, 2)
    assert (segments == segments[:, :1]).all()
    assert not (segments[0] == segments[1]).all()
    offsets = (segments[:, 0] - cell_corners(1080, 1920)).reshape(-1, 2)
    assert len(np.unique(offsets, axis=0)) > 0.9 * len(offsets)  # each patch has its own


def test_same_seed_same_fragments_and_evaluation_is_deterministic():
    frames = pictures(40, 240, 260)

    def fragments(rng):
        indices = clip_indices(40, 2, clip_length=4, rng=rng)
        return gather([frames[np.unique(indices)]], indices, plan(240, 260, 2, 4, rng=rng))

    first, again, other = (fragments(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert (first == again).all()
    assert (first != other).any()
    assert (fragments(None) == fragments(None)).all()


@pytest.mark.parametrize("size", LARGE)
@pytest.mark.parametrize("seed", [None, 7])
def test_patches_are_exact_copies(size, seed):
    rng = None if seed is None else np.random.default_rng(seed)
    frames = pictures(2, *size)
    corners = plan(*size, 1, 2, aligned=1, rng=rng)[0]
    result = cut(frames, corners)
    assert result.shape == (2, 224, 224, 3)
    assert result.dtype == np.uint8
    for t, i, j in np.ndindex(2, 7, 7):
        top, left = corners[t, i, j]
        patch = result[t, 32 * i : 32 * i + 32, 32 * j : 32 * j + 32]
        assert (patch == frames[t, top : top + 32, left : left + 32]).all()


@pytest.mark.parametrize("seed", range(10))
def test_cut_against_the_literal_loop(seed):
    random = np.random.default_rng(seed)
    grid, patch = random.integers(1, 5, 2)
    height, width = random.integers(grid * patch, 60, 2)
    frames = pictures(3, height, width, seed)
    options = {"grid_size": int(grid), "patch_size": int(patch)}
    corners = plan(int(height), int(width), 1, 3, aligned=1, rng=random, **options)[0]
    expected = literal_cut(frames, corners, patch)
    assert (cut(frames, corners, patch_size=int(patch)) == expected).all()
    flipped = frames[:, :, ::-1]  # not contiguous
    assert (cut(flipped, corners, patch_size=patch) == literal_cut(flipped, corners, patch)).all()


def test_a_frame_as_large_as_its_fragments_stays_whole():
    frames = pictures(3, 224, 224)
    assert (cut(frames, plan(224, 224, 1, 3)[0]) == frames).all()


@pytest.mark.parametrize("size", [(112, 112), (144, 176), (176, 144), (61, 97), (223, 640), (1, 3)])
def test_small_frames_are_enlarged_as_torch_does(size):
    frames = pictures(2, *size)
    larger = enlarge(frames, 224)
    assert larger.dtype == np.uint8
    assert min(larger.shape[1:3]) == 224
    assert larger.shape[1:3] == enlarged_size(*size, 224)
    # A hair above the exact factor, since torch cuts 223.99... off to 223.
    factor = 224 / min(size) * (1 + 1e-12)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(frames).movedim(-1, 1).double(),
        scale_factor=(factor, factor),
        mode="bilinear",
        align_corners=False,
        recompute_scale_factor=False,
    )
    assert tuple(expected.shape[2:]) == larger.shape[1:3]
    assert np.abs(larger - expected.movedim(1, -1).numpy()).max() < 0.5 + 1e-3


def test_enlarging_keeps_what_it_should():
    frames = pictures(1, 224, 300)
    assert enlarge(frames, 224) is frames
    for value in (0, 1, 127, 254, 255):
        assert (enlarge(np.full((1, 30, 17, 3), value, np.uint8), 224) == value).all()


def test_small_videos_are_seen_whole():
    """The published code keeps the small frame's grid and uses only the top left corner."""
    frames = np.zeros((1, 112, 112, 3), np.uint8)
    frames[:, 56:, 56:] = 255
    result = cut(frames, plan(112, 112)[0, :1])
    assert (result == enlarge(frames, 224)).all()
    assert (result[0, 120:, 120:] == 255).all()
    assert (result[0, :100] == 0).all()


@pytest.mark.parametrize("size", [*SIZES, (223, 224), (50, 300)])
def test_any_size_gives_the_same_shape(size):
    result = cut(pictures(2, *size), plan(*size, 1, 2)[0])
    assert result.shape == (2, 224, 224, 3)


@pytest.mark.parametrize("frames", [1, 2, 31, 63, 130])
@pytest.mark.parametrize("chunk", [1, 5, 200])
@pytest.mark.parametrize("seed", [None, 0])
def test_gather_agrees_with_cutting_each_clip(frames, chunk, seed):
    rng = None if seed is None else np.random.default_rng(seed)
    video = pictures(frames, 40, 33)
    options = {"grid_size": 3, "patch_size": 4}
    for indices in (clip_indices(frames, 4, rng=rng), time_fragment_indices(frames, rng=rng)):
        corners = plan(40, 33, *indices.shape, aligned=8, rng=rng, **options)
        wanted = video[np.unique(indices)]
        chunks = (wanted[k : k + chunk] for k in range(0, len(wanted), chunk))
        clips = gather(chunks, indices, corners, patch_size=4)
        for clip, index, corner in zip(clips, indices, corners, strict=True):
            assert (clip == cut(video[index], corner, patch_size=4)).all()


def test_gather_from_a_file_decodes_each_frame_once(tmp_path):
    path = write_clip(tmp_path / "a.mp4", frames=50)
    info = probe(path)
    indices = clip_indices(info.frames, 4)
    wanted = np.unique(indices)
    assert len(wanted) < indices.size
    corners = plan(info.height, info.width, *indices.shape)
    clips = gather(stream_frames(path, wanted, info=info), indices, corners)
    assert clips.shape == (4, 32, 224, 224, 3)
    for clip, index, corner in zip(clips, indices, corners, strict=True):
        assert (clip == cut(read_frames(path, index, info=info), corner)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"height": 0}, "at least 1"),
        ({"num_clips": 0}, "at least 1"),
        ({"aligned": 0}, "at least 1"),
        ({"grid_size": 0}, "at least 1"),
        ({"aligned": 5}, "must divide clip_length=32"),
    ],
)
def test_invalid_plans(options, message):
    with pytest.raises(ValueError, match=message):
        plan(**{"height": 240, "width": 240, **options})


def test_no_frames():
    assert cut(pictures(0, 240, 240), plan(240, 240)[0, :0]).shape == (0, 224, 224, 3)


def test_invalid_frames():
    frames, corners = pictures(2, 240, 240), plan(240, 240, 1, 2)[0]
    with pytest.raises(ValueError, match="2 frames: expected as many plans, found 1"):
        cut(frames, corners[:1])
    with pytest.raises(ValueError, match="expected uint8"):
        cut(frames.astype(np.float32), corners)
    with pytest.raises(ValueError, match=r"expected uint8 \(T, H, W, 3\)"):
        cut(frames[..., :1], corners)
    with pytest.raises(ValueError, match=r"expected \(T, grid_size, grid_size, 2\)"):
        cut(frames, corners[:, :6])
    with pytest.raises(ValueError, match="extend beyond the frame of 240 x 240"):
        cut(frames, plan(480, 240, 1, 2)[0])
    with pytest.raises(ValueError, match="extend beyond"):
        cut(frames, corners - 100)


def test_invalid_streams():
    frames, indices = pictures(6, 240, 240), np.array([[0, 2, 4], [2, 4, 5]])
    corners = plan(240, 240, 2, 3)
    assert gather([frames[[0, 2]], frames[[4, 5]]], indices, corners).shape[:2] == (2, 3)
    for count in (3, 5):
        with pytest.raises(ValueError, match=f"expected the 4 distinct frames.*found {count}"):
            gather([frames[:count]], indices, corners)
    with pytest.raises(ValueError, match="do not match"):
        gather([frames[:4]], indices.T, corners)
