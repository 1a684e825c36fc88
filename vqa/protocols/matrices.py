"""Splits from the index matrices of published `.mat` files.

VSFA, MDTVSFA and GSTVQA publish files of version 7.3 (HDF5), SimpleVQA of version 5. In MATLAB,
`index` is a K x N matrix in both. Each row is a permutation that is cut into training, validation
and test part. It permutes reference ids (`ref_ids`), or row numbers if there are no ids, counted
from 0 or 1. KoNViD-1k's file is sorted by MOS, so only names identify its videos.

Source of the conventions: the training scripts of the releases. With its default shares of 0.2 and
0.2, the VSFA family divides KoNViD-1k into 721, 239 and 240 videos, not 720, 240 and 240.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vqa.protocols.grouping import in_order
from vqa.protocols.splits import Split, SplitError

VARIABLES = ("index", "video_names", "scores")
DEFAULT_COUNT = 10  # as in the papers; the matrices have up to 1000 rows


@dataclass(frozen=True)
class IndexMatrix:
    """The content of a published file.

    Attributes:
        path: The file.
        names: Names of the N videos, as published.
        mos: MOS of the videos (N,), as published.
        references: Reference id or row number of each video (N,).
        orders: One permutation of the R references per row (K, R).
        cut: Rounding of a share of R in the release: `math.ceil`, or `int` for SimpleVQA.
    """

    path: Path
    names: tuple[str, ...]
    mos: np.ndarray
    references: np.ndarray
    orders: np.ndarray
    cut: Callable[[float], int]


def read_matrix(path: Path) -> IndexMatrix:
    """Read an info `.mat` of either version.

    Raises:
        SplitError: The file or a variable is absent, or lengths and permutations do not match.
    """
    import h5py  # here, because only this file type needs the slow imports

    try:
        modern = h5py.is_hdf5(path)
        content = _from_hdf5(path) if modern else _from_version_5(path)
        names = tuple(str(name).strip() for name in content["video_names"])
        mos = np.ravel(content["scores"]).astype(float)
        orders = np.atleast_2d(content["index"]).astype(int)
        listed = content.get("ref_ids")
        references = np.arange(len(names)) if listed is None else np.ravel(listed).astype(int)
    # h5py and scipy raise many kinds of errors for damaged files and other file types.
    except Exception as error:
        raise SplitError(
            f"{path}: not a published index matrix ({error}); expected a MATLAB file with "
            f"{', '.join(VARIABLES)}"
        ) from error
    if not names or not len(names) == len(mos) == len(references) or not orders.size:
        raise SplitError(
            f"{path}: {len(names)} names, {len(mos)} scores and {len(references)} references; "
            "expected one of each per video, and an index"
        )
    # References count from 0 or 1; use the same start as the permutations.
    references = references - references.min() + orders.min()
    units = np.unique(references)
    if orders.shape[1] != len(units) or (np.sort(orders, axis=1) != units).any():
        raise SplitError(
            f"{path}: index is {orders.shape[0]} x {orders.shape[1]} and its rows are not "
            f"permutations of the {len(units)} references"
        )
    return IndexMatrix(path, names, mos, references, orders, math.ceil if modern else int)


def matrix_splits(
    matrix: IndexMatrix,
    *,
    count: int | None = None,
    test_fraction: float = 0.2,
    val_fraction: float = 0.2,
    reshuffle_seed: int | None = None,
    group_by: str = "content",
) -> list[Split]:
    """Cut permutations into `split0`, `split1`, ..., with ids as published.

    Args:
        matrix: The published file.
        count: Number of splits, from the first on; None takes ten, or all if there are fewer.
        test_fraction: Share of the test part, at the end of a permutation.
        val_fraction: Share of the validation part, before the test part.
        reshuffle_seed: None takes the permutations as published. With a seed, Python's generator
            shuffles the first permutation again for each split, as GSTVQA's script does with
            seed 1.
        group_by: Value to store in the splits.

    Raises:
        SplitError: Shares are out of range, or the file has fewer splits.
    """
    if test_fraction <= 0 or val_fraction < 0 or test_fraction + val_fraction >= 1:
        raise SplitError(
            f"test_fraction={test_fraction}, val_fraction={val_fraction}: expected shares, the "
            "first above zero, that leave some videos for training"
        )
    held = len(matrix.orders)
    if count is None:
        count = DEFAULT_COUNT if reshuffle_seed is not None else min(DEFAULT_COUNT, held)
    if count < 1 or (reshuffle_seed is None and count > held):
        raise SplitError(f"{matrix.path}: count={count}: expected 1 to {held}, the file's number")
    if reshuffle_seed is None:
        orders: Sequence[Sequence[int]] = matrix.orders[:count].tolist()
    else:
        orders = _reshuffled(matrix.orders[0].tolist(), count, reshuffle_seed)
    splits = []
    for index, order in enumerate(orders):
        # Computed as in the releases: 1 - 0.2 - 0.2 is slightly above 0.6, which changes the ceil.
        first = matrix.cut((1 - test_fraction - val_fraction) * len(order))
        second = matrix.cut((1 - test_fraction) * len(order))
        parts = (order[:first], order[first:second], order[second:])
        train, val, test = (_names(matrix, part) for part in parts)
        splits.append(Split(f"split{index}", train, val, test, group_by, reshuffle_seed or 0))
    return splits


def _names(matrix: IndexMatrix, references: Sequence[int]) -> tuple[str, ...]:
    wanted = np.isin(matrix.references, references)
    return in_order(name for name, taken in zip(matrix.names, wanted, strict=True) if taken)


def _reshuffled(order: list[int], count: int, seed: int) -> list[list[int]]:
    generator = random.Random(seed)
    orders = []
    for _ in range(count):
        generator.shuffle(order)
        orders.append(list(order))
    return orders


def _from_hdf5(path: Path) -> dict[str, Any]:
    """Read version 7.3, which stores matrices transposed and strings as references."""
    import h5py

    with h5py.File(path) as file:
        content = {name: file[name][()] for name in ("index", "scores")}
        content["index"] = content["index"].T
        if "ref_ids" in file:
            content["ref_ids"] = file["ref_ids"][()]
        codes = [file[reference][()] for reference in np.ravel(file["video_names"][()])]
    content["video_names"] = ["".join(map(chr, np.ravel(code))) for code in codes]
    return content


def _from_version_5(path: Path) -> dict[str, Any]:
    import scipy.io

    content = scipy.io.loadmat(path)
    cells = np.ravel(content["video_names"])
    # A cell is an array of one string.
    content["video_names"] = [np.ravel(cell)[0] for cell in cells]
    return content
