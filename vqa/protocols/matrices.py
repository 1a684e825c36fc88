"""The index matrices of published `.mat` files, as splits.

VSFA, MDTVSFA and GSTVQA publish version 7.3 (HDF5), SimpleVQA version 5. In both `index` is a K x N
matrix in MATLAB's view, each row a permutation that is cut into training, validation and test
part. What it permutes are reference ids (`ref_ids`), or row numbers where there are none, from one
or from zero. KoNViD-1k's file is sorted by MOS, so names alone say which video is meant.

Source of the conventions: the releases' own training scripts. With its defaults of 0.2 and 0.2 the
VSFA family's cut gives KoNViD-1k 721, 239 and 240 videos, not 720, 240 and 240.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io

from vqa.protocols.grouping import in_order
from vqa.protocols.splits import Split, SplitError

VARIABLES = ("index", "video_names", "scores")
DEFAULT_COUNT = 10  # what the papers report; the matrices hold up to a thousand


@dataclass(frozen=True)
class IndexMatrix:
    """What a published file says.

    Attributes:
        path: The file.
        names: Video names as published, N of them.
        mos: Their MOS as published (N,).
        references: What `orders` permutes, for each video (N,).
        orders: One permutation of the references a row (K, R).
        cut: How the release rounds a share of R to a number: `math.ceil`, or `int` for SimpleVQA.
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
        SplitError: No such file, variables absent, or lengths and permutations that do not fit.
    """
    try:
        modern = h5py.is_hdf5(path)
        content = _from_hdf5(path) if modern else _from_version_5(path)
        names = tuple(str(name).strip() for name in content["video_names"])
        mos = np.ravel(content["scores"]).astype(float)
        orders = np.atleast_2d(content["index"]).astype(int)
        listed = content.get("ref_ids")
        references = np.arange(len(names)) if listed is None else np.ravel(listed).astype(int)
    # h5py and scipy raise many kinds of error for damaged files and files of another kind.
    except Exception as error:
        raise SplitError(
            f"{path}: no published index matrix ({error}); expected a MATLAB file with "
            f"{', '.join(VARIABLES)}"
        ) from error
    if not names or not len(names) == len(mos) == len(references) or not orders.size:
        raise SplitError(
            f"{path}: {len(names)} names, {len(mos)} scores and {len(references)} references; "
            "expected one of each per video, and an index"
        )
    # Counted from zero or from one: whichever the permutations do.
    references = references - references.min() + orders.min()
    units = np.unique(references)
    if orders.shape[1] != len(units) or (np.sort(orders, axis=1) != units).any():
        raise SplitError(
            f"{path}: index is {orders.shape[0]} x {orders.shape[1]} and its rows are no "
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
    """Cut permutations into `split0`, `split1` and so on, ids as published.

    Args:
        matrix: What `read_matrix` read.
        count: How many, from the first on; None takes ten, or all where there are fewer.
        test_fraction: Share at the end of a permutation.
        val_fraction: Share before it.
        reshuffle_seed: None takes the permutations as published. A seed shuffles the first one
            again and again with Python's generator; GSTVQA's script does so, with seed 1.
        group_by: Written into the splits.

    Raises:
        SplitError: Shares out of range, or more splits than the file holds.
    """
    if test_fraction <= 0 or val_fraction < 0 or test_fraction + val_fraction >= 1:
        raise SplitError(
            f"test_fraction={test_fraction}, val_fraction={val_fraction}: expected shares, the "
            "first above zero, that leave some videos to train on"
        )
    held = len(matrix.orders)
    if count is None:
        count = DEFAULT_COUNT if reshuffle_seed is not None else min(DEFAULT_COUNT, held)
    if count < 1 or (reshuffle_seed is None and count > held):
        raise SplitError(f"{matrix.path}: count={count}: expected 1 to {held}, as the file holds")
    if reshuffle_seed is None:
        orders: Sequence[Sequence[int]] = matrix.orders[:count].tolist()
    else:
        orders = _reshuffled(matrix.orders[0].tolist(), count, reshuffle_seed)
    splits = []
    for index, order in enumerate(orders):
        # In the releases' own terms: 1 - 0.2 - 0.2 is a little above 0.6, and ceil sees it.
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
    """Variables of version 7.3, which holds matrices transposed and strings behind references."""
    with h5py.File(path) as file:
        content = {name: file[name][()] for name in ("index", "scores")}
        content["index"] = content["index"].T
        if "ref_ids" in file:
            content["ref_ids"] = file["ref_ids"][()]
        codes = [file[reference][()] for reference in np.ravel(file["video_names"][()])]
    content["video_names"] = ["".join(map(chr, np.ravel(code))) for code in codes]
    return content


def _from_version_5(path: Path) -> dict[str, Any]:
    content = scipy.io.loadmat(path)
    cells = np.ravel(content["video_names"])
    # A cell holds its text as an array of one string.
    content["video_names"] = [np.ravel(cell)[0] for cell in cells]
    return content
