"""Fragments: small patches of a frame at its own resolution, side by side in one small picture.

A frame is divided into a grid of 7 x 7 cells; from each cell comes one patch of 32 x 32 pixels,
untouched, and the patches together make a picture of 224 x 224 pixels, whatever the resolution. All
frames of a clip are cut at the same places, so that motion and flicker inside a patch remain.

Source: Wu et al., FAST-VQA, ECCV 2022, and FasterVQA, TPAMI 2023. The cells, the range of random
offsets and the enlargement of small frames follow the published code. Three things differ. That
code keeps the grid of the small frame after enlarging it, and so looks at its top left only; here
the grid is that of the enlarged frame. It cuts fractions of enlarged pixels off; here they are
rounded. And it draws offsets at random in evaluation too, so that a video has no score of its own;
without a generator, a patch here is the middle of its cell.

The steps, for a video whose height and width are known before it is decoded:

    indices = clip_indices(info.frames, num_clips=4)                 # vqa.video.sampling
    corners = plan(info.height, info.width, *indices.shape)
    chunks = stream_frames(path, np.unique(indices), info=info)      # vqa.video: each frame once
    clips = gather(chunks, indices, corners)                         # uint8 (4, 32, 224, 224, 3)
"""

from collections.abc import Iterable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

GRID_SIZE = 7
PATCH_SIZE = 32


def plan(
    height: int,
    width: int,
    num_clips: int = 1,
    clip_length: int = 32,
    *,
    aligned: int | None = None,
    grid_size: int = GRID_SIZE,
    patch_size: int = PATCH_SIZE,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """Choose the patches of all clips of a video.

    Random offsets are uniform on 0 to cell - patch - 1, as published; a cell no larger than a patch
    leaves the offset 0.

    Args:
        height: Of a frame of the video, in pixels.
        width: Likewise.
        num_clips: Number of clips; each has offsets of its own.
        clip_length: Frames of a clip.
        aligned: Consecutive frames of a clip that share their offsets; None for the whole clip
            (FAST-VQA-B), 8 for FasterVQA and FAST-VQA-M. Divides `clip_length`.
        grid_size: Cells along each side.
        patch_size: Side of a patch in pixels.
        rng: Draws the offsets; None for the middle of each cell.

    Returns:
        int64 (num_clips, clip_length, grid_size, grid_size, 2): row and column of the top left
        pixel of each patch, in a frame that `enlarge` has brought to grid_size * patch_size.

    Raises:
        ValueError: A number below 1, or `aligned` does not divide `clip_length`.
    """
    aligned = clip_length if aligned is None else aligned
    if min(height, width, num_clips, clip_length, aligned, grid_size, patch_size) < 1:
        raise ValueError(
            f"all sizes of fragments must be at least 1, not height={height}, width={width}, "
            f"num_clips={num_clips}, clip_length={clip_length}, aligned={aligned}, "
            f"grid_size={grid_size}, patch_size={patch_size}"
        )
    if clip_length % aligned:
        raise ValueError(
            f"aligned={aligned} must divide clip_length={clip_length}; None aligns whole clips"
        )
    cells = np.array(enlarged_size(height, width, grid_size * patch_size)) // grid_size
    spare = cells - patch_size  # not negative, since the frame is as large as all patches
    shape = (num_clips, clip_length // aligned, grid_size, grid_size, 2)
    if rng is None:
        offsets = np.broadcast_to(spare // 2, shape)
    else:
        offsets = rng.integers(0, np.maximum(spare, 1), size=shape)
    places = np.stack(np.indices((grid_size, grid_size)), axis=-1)
    return np.repeat(places * cells + offsets, aligned, axis=1)


def cut(frames: np.ndarray, corners: np.ndarray, *, patch_size: int = PATCH_SIZE) -> np.ndarray:
    """Cut the fragments of frames.

    Args:
        frames: uint8 (T, H, W, 3); frames too small are enlarged.
        corners: (T, grid_size, grid_size, 2), one clip of what `plan` gave for frames of this size.
        patch_size: As planned.

    Returns:
        uint8 (T, S, S, 3), S = grid_size * patch_size: 224 by default. Patch (i, j) lies at row
        i * patch_size, column j * patch_size.

    Raises:
        ValueError: Arrays of other shapes or types, or patches that reach out of the frame.
    """
    if len(corners) != len(frames):
        raise ValueError(f"{len(frames)} frames need as many plans, not {len(corners)}")
    return _cut(frames, np.arange(len(frames)), corners, patch_size)


def gather(
    chunks: Iterable[np.ndarray],
    indices: np.ndarray,
    corners: np.ndarray,
    *,
    patch_size: int = PATCH_SIZE,
) -> np.ndarray:
    """Cut the fragments of all clips from one pass over the video, a chunk in memory at a time.

    Args:
        chunks: uint8 (n, H, W, 3) each: the frames `np.unique(indices)` in order, each once.
        indices: (clips, T) frame indices, as from `vqa.video.sampling.clip_indices`.
        corners: (clips, T, grid_size, grid_size, 2), from `plan` for frames of this size.
        patch_size: As planned.

    Returns:
        uint8 (clips, T, S, S, 3), S = grid_size * patch_size.

    Raises:
        ValueError: Another number of frames than the distinct indices; and as `cut`.
    """
    if corners.shape[:2] != indices.shape:
        raise ValueError(f"indices {indices.shape} do not fit corners {corners.shape}")
    side = corners.shape[2] * patch_size
    frames, place = np.unique(indices.ravel(), return_inverse=True)
    corners = corners.reshape(-1, *corners.shape[2:])
    fragments = np.empty((indices.size, side, side, 3), dtype=np.uint8)
    done = 0
    for chunk in chunks:
        users = np.flatnonzero((place >= done) & (place < done + len(chunk)))
        fragments[users] = _cut(chunk, place[users] - done, corners[users], patch_size)
        done += len(chunk)
    if done != len(frames):
        raise ValueError(
            f"expected the {len(frames)} distinct frames of the indices, found {done}; "
            "decode np.unique(indices)"
        )
    return fragments.reshape(*indices.shape, side, side, 3)


def enlarged_size(height: int, width: int, side: int) -> tuple[int, int]:
    """Height and width of a frame whose short side is brought up to `side`, if it is below."""
    short = min(height, width)
    return (height, width) if short >= side else (height * side // short, width * side // short)


def enlarge(frames: np.ndarray, side: int) -> np.ndarray:
    """Enlarge small frames bilinearly until the short side is `side`; return others as they are.

    Pixels are areas, not points: the middle of target pixel k is at (k + 1/2) * short / side in the
    source, in both directions. Values are rounded.

    Args:
        frames: uint8 (T, H, W, 3).
        side: Least height and width wanted.

    Returns:
        uint8 (T, H', W', 3), see `enlarged_size`.
    """
    height, width = frames.shape[1:3]
    if min(height, width) >= side:
        return frames
    scale = side / min(height, width)
    rows, columns = enlarged_size(height, width, side)
    wide = _stretch(frames.astype(np.float32), columns, scale, axis=2)
    return np.rint(_stretch(wide, rows, scale, axis=1)).astype(np.uint8)


def _stretch(pictures: np.ndarray, size: int, scale: float, axis: int) -> np.ndarray:
    """Interpolate linearly along one axis; the outermost pixels continue to the edge."""
    last = pictures.shape[axis] - 1
    at = np.clip((np.arange(size) + 0.5) / scale - 0.5, 0, last)
    before = at.astype(np.int64)
    weight = np.expand_dims((at - before).astype(np.float32), tuple(range(1, 4 - axis)))
    low = pictures.take(before, axis=axis)
    high = pictures.take(np.minimum(before + 1, last), axis=axis)
    return low + weight * (high - low)


def _cut(frames: np.ndarray, which: np.ndarray, corners: np.ndarray, patch_size: int) -> np.ndarray:
    """Fragments (n, S, S, 3) of the frames `which` (n,) at `corners` (n, G, G, 2)."""
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3:
        raise ValueError(f"frames must be uint8 (T, H, W, 3), not {frames.dtype} {frames.shape}")
    if corners.ndim != 4 or corners.shape[1] != corners.shape[2] or corners.shape[3] != 2:
        raise ValueError(f"corners must be (T, grid_size, grid_size, 2), not {corners.shape}")
    side = corners.shape[1] * patch_size
    frames = enlarge(frames, side)
    count, height, width, _ = frames.shape
    top, left = np.moveaxis(corners, -1, 0)
    reach = (corners + patch_size).max(axis=(0, 1, 2), initial=0)
    if corners.min(initial=0) < 0 or reach[0] > height or reach[1] > width:
        raise ValueError(
            f"patches reach outside the frame of {height} x {width} pixels (to {reach[0]} x "
            f"{reach[1]}); plan them for frames of the size that is cut"
        )
    # Colours join the columns, so that a row of a patch is one run of bytes.
    rows = frames.reshape(count, height, width * 3)
    windows = sliding_window_view(rows, (patch_size, patch_size * 3), axis=(1, 2))
    patches = windows[which[:, None, None], top, 3 * left]
    return patches.transpose(0, 1, 3, 2, 4).reshape(len(which), side, side, 3)
