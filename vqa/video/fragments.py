"""Fragments: small patches of a frame at full resolution, joined into one small picture.

A frame is divided into a grid of 7 x 7 cells. One patch of 32 x 32 pixels is cut from each cell,
without scaling, and the patches form a picture of 224 x 224 pixels, whatever the resolution. All
frames of a clip are cut at the same positions, so motion and flicker inside a patch are preserved.

Source: Wu et al., FAST-VQA, ECCV 2022, and FasterVQA, TPAMI 2023. The cells, the range of random
offsets and the enlargement of small frames follow the published code. There are three differences.
The published code keeps the grid of the small frame after enlarging it, and so uses only the top
left of the frame; here the grid is that of the enlarged frame. It truncates the values of enlarged
pixels; here they are rounded. It draws offsets at random in evaluation too, so the score of a video
varies; here a patch is the middle of its cell if there is no generator.

Height and width of the video are needed before it is decoded:

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

    Random offsets are uniform from 0 to cell - patch - 1, as published; they are 0 if a cell is not
    larger than a patch.

    Args:
        height: Height of the video in pixels.
        width: Width of the video in pixels.
        num_clips: Number of clips; each has its own offsets.
        clip_length: Frames per clip.
        aligned: Number of consecutive frames of a clip that share their offsets; None for the whole
            clip (FAST-VQA-B), 8 for FasterVQA and FAST-VQA-M. Divides `clip_length`.
        grid_size: Number of cells along each side.
        patch_size: Side of a patch in pixels.
        rng: Draws the offsets; None takes the middle of each cell.

    Returns:
        int64 (num_clips, clip_length, grid_size, grid_size, 2): row and column of the top left
        pixel of each patch, in a frame after `enlarge` to grid_size * patch_size.

    Raises:
        ValueError: A number is below 1, or `aligned` does not divide `clip_length`.
    """
    aligned = clip_length if aligned is None else aligned
    if min(height, width, num_clips, clip_length, aligned, grid_size, patch_size) < 1:
        raise ValueError(
            f"height={height}, width={width}, num_clips={num_clips}, clip_length={clip_length}, "
            f"aligned={aligned}, grid_size={grid_size}, patch_size={patch_size}: "
            "expected at least 1"
        )
    if clip_length % aligned:
        raise ValueError(
            f"aligned={aligned} must divide clip_length={clip_length}; None aligns whole clips"
        )
    cells = np.array(enlarged_size(height, width, grid_size * patch_size)) // grid_size
    spare = cells - patch_size  # never negative: the frame is at least as large as all patches
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
        frames: uint8 (T, H, W, 3); small frames are enlarged.
        corners: (T, grid_size, grid_size, 2), one clip from `plan` for frames of this size.
        patch_size: Side of a patch in pixels, as in `plan`.

    Returns:
        uint8 (T, S, S, 3), S = grid_size * patch_size: 224 by default. Patch (i, j) starts at row
        i * patch_size, column j * patch_size.

    Raises:
        ValueError: Shapes or types are wrong, or patches extend beyond the frame.

    Examples:
        >>> import numpy as np
        >>> from vqa.video.fragments import cut, plan
        >>> frames = np.zeros((2, 540, 960, 3), dtype=np.uint8)
        >>> corners = plan(height=540, width=960, clip_length=2)
        >>> cut(frames, corners[0]).shape
        (2, 224, 224, 3)
    """
    if len(corners) != len(frames):
        raise ValueError(f"{len(frames)} frames: expected as many plans, found {len(corners)}")
    return _cut(frames, np.arange(len(frames)), corners, patch_size)


def gather(
    chunks: Iterable[np.ndarray],
    indices: np.ndarray,
    corners: np.ndarray,
    *,
    patch_size: int = PATCH_SIZE,
) -> np.ndarray:
    """Cut the fragments of all clips in one pass over the video, one chunk at a time.

    Args:
        chunks: uint8 (n, H, W, 3) each: the frames `np.unique(indices)` in order, each once.
        indices: (clips, T) frame indices, for example from `vqa.video.sampling.clip_indices`.
        corners: (clips, T, grid_size, grid_size, 2), from `plan` for frames of this size.
        patch_size: Side of a patch in pixels, as in `plan`.

    Returns:
        uint8 (clips, T, S, S, 3), S = grid_size * patch_size.

    Raises:
        ValueError: There are more or fewer frames than distinct indices; and as for `cut`.
    """
    if corners.shape[:2] != indices.shape:
        raise ValueError(f"indices {indices.shape} do not match corners {corners.shape}")
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
    """Return height and width of a frame after its short side is enlarged to at least `side`."""
    short = min(height, width)
    return (height, width) if short >= side else (height * side // short, width * side // short)


def enlarge(frames: np.ndarray, side: int) -> np.ndarray:
    """Enlarge small frames bilinearly until the short side is `side`; keep others unchanged.

    Pixels are areas, not points: in both directions, the centre of target pixel k is at
    (k + 1/2) * short / side in the source. Values are rounded.

    Args:
        frames: uint8 (T, H, W, 3).
        side: Minimum height and width in pixels.

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
    """Interpolate linearly along one axis; the outermost pixels extend to the edge."""
    last = pictures.shape[axis] - 1
    at = np.clip((np.arange(size) + 0.5) / scale - 0.5, 0, last)
    before = at.astype(np.int64)
    weight = np.expand_dims((at - before).astype(np.float32), tuple(range(1, 4 - axis)))
    low = pictures.take(before, axis=axis)
    high = pictures.take(np.minimum(before + 1, last), axis=axis)
    return low + weight * (high - low)


def _cut(frames: np.ndarray, which: np.ndarray, corners: np.ndarray, patch_size: int) -> np.ndarray:
    """Cut fragments (n, S, S, 3) of the frames `which` (n,) at `corners` (n, G, G, 2)."""
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3:
        raise ValueError(
            f"frames: expected uint8 (T, H, W, 3), found {frames.dtype} {frames.shape}"
        )
    if corners.ndim != 4 or corners.shape[1] != corners.shape[2] or corners.shape[3] != 2:
        raise ValueError(f"corners: expected (T, grid_size, grid_size, 2), found {corners.shape}")
    side = corners.shape[1] * patch_size
    frames = enlarge(frames, side)
    count, height, width, _ = frames.shape
    top, left = np.moveaxis(corners, -1, 0)
    reach = (corners + patch_size).max(axis=(0, 1, 2), initial=0)
    if corners.min(initial=0) < 0 or reach[0] > height or reach[1] > width:
        raise ValueError(
            f"patches extend beyond the frame of {height} x {width} pixels (to {reach[0]} x "
            f"{reach[1]}); plan them for frames of this size"
        )
    # With colours and columns in one axis, a row of a patch is one run of bytes.
    rows = frames.reshape(count, height, width * 3)
    windows = sliding_window_view(rows, (patch_size, patch_size * 3), axis=(1, 2))
    patches = windows[which[:, None, None], top, 3 * left]
    return patches.transpose(0, 1, 3, 2, 4).reshape(len(which), side, side, 3)
