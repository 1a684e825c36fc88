"""Read feature matrices from `.csv`, NumPy's `.npy` and MATLAB's `.mat` files, one row per video.

A `.csv` has a header and the column `video`. A `.mat` has the matrix `feats_mat`, or a single
matrix of another name, and may have `video_names`, one per row. Published `.mat` files lack names,
and a `.npy` never has any; their ids must be given in the order of the rows. After reading, videos
are found by id only.
"""

import csv
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MATRIX, NAMES = "feats_mat", "video_names"
# Classes of MATLAB variables that can hold features, by the first letters of their names.
NUMBERS = ("double", "single", "int", "uint")


class FeatureTableError(ValueError):
    """A feature matrix that cannot be used; the text says expected, found, and the remedy."""


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """One feature vector per video.

    Attributes:
        ids: Video names, all different.
        features: float32 or float64 (N, D), N and D at least 1; NaN and infinities are allowed.

    Raises:
        FeatureTableError: Counts differ, ids are repeated, or the features are no matrix of floats.
    """

    ids: tuple[str, ...]
    features: NDArray

    def __post_init__(self) -> None:
        features = self.features
        if features.ndim != 2 or not features.size or features.dtype.kind != "f":
            raise FeatureTableError(
                f"features are {features.dtype} {features.shape}; expected floats (N, D)"
            )
        if len(self.ids) != len(features):
            raise FeatureTableError(
                f"{len(self.ids)} ids for {len(features)} rows of features; expected one each, in "
                "the order of the rows"
            )
        repeated = [name for name, count in Counter(self.ids).items() if count > 1]
        if repeated:
            raise FeatureTableError(
                f"{len(repeated)} ids occur more than once, for example {repeated[0]}; keep one "
                "row each"
            )

    @cached_property
    def rows(self) -> dict[str, int]:
        """Number of each video's row."""
        return {name: number for number, name in enumerate(self.ids)}

    def select(self, ids: Iterable[str]) -> NDArray:
        """Return the vectors of these videos (n, D), in the given order.

        Raises:
            FeatureTableError: An id has no row.
        """
        wanted = list(ids)
        absent = [name for name in wanted if name not in self.rows]
        if absent:
            raise FeatureTableError(
                f"{len(absent)} of {len(wanted)} videos have no features, for example "
                f"{absent[0]}; the table names videos like {self.ids[0]}"
            )
        return self.features[[self.rows[name] for name in wanted]]


def read_features(
    paths: str | Path | Sequence[str | Path], ids: Sequence[str] | None = None
) -> FeatureTable:
    """Read a feature matrix from one file, or from several, whose rows follow each other.

    Args:
        paths: A `.csv`, a `.npy`, or a `.mat` of version 5 or 7.3; or several of them.
        ids: Video names in the order of the rows, for files without names.

    Raises:
        FeatureTableError: No such file or matrix, a cell that is not a number, rows and ids that do
            not match, ids given for a file that has its own, or files with different numbers of
            features.
    """
    paths = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    found = [_read(path, named=ids is None) for path in paths]
    if len({matrix.shape[1:] for _, matrix in found}) > 1:
        shapes = ", ".join(
            f"{matrix.shape} in {path}" for path, (_, matrix) in zip(paths, found, strict=True)
        )
        raise FeatureTableError(f"expected as many features in each matrix, found {shapes}")
    names = ids if ids is not None else [name for own, _ in found for name in own]
    features = np.concatenate([matrix for _, matrix in found]) if len(found) > 1 else found[0][1]
    try:
        return FeatureTable(tuple(map(str, names)), features)
    except FeatureTableError as error:
        raise FeatureTableError(f"{', '.join(map(str, paths))}: {error}") from error


def _read(path: Path, *, named: bool) -> tuple[list[str], NDArray]:
    """Return the names in a file, of which there are none unless `named`, and its matrix."""
    # Imported here, like h5py and SciPy below, because most runs read no matrix.
    from vqa.models.svr.preprocessing import as_matrix

    readers = {".csv": _read_csv, ".npy": _read_npy, ".mat": _read_mat}
    read = readers.get(path.suffix.lower())
    if read is None:
        *most, last = readers
        raise FeatureTableError(f"{path}: expected a file that ends in {', '.join(most)} or {last}")
    try:
        names, matrix = read(path)
        features = as_matrix(matrix)
    except FeatureTableError as error:
        raise FeatureTableError(f"{path}: {error}") from error
    # The libraries raise many kinds of errors for damaged files and files of another kind.
    except Exception as error:
        raise FeatureTableError(f"{path}: no feature matrix can be read ({error})") from error
    if (names is not None) != named:
        problem = "names no videos: give their ids" if named else "has its own ids: give none"
        raise FeatureTableError(f"{path}: the file {problem}")
    return names or [], features


def _read_csv(path: Path) -> tuple[list[str], NDArray]:
    # Line by line: as text, the cells of a wide matrix would take tens of times its memory.
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, strict=True)
        header = [name.strip() for name in next(lines)]
        if header[:1] != ["video"]:
            raise FeatureTableError(f"the header is {', '.join(header[:5])}; expected video first")
        names, rows = [], []
        for name, *cells in filter(None, lines):
            if len(cells) != len(header) - 1:
                raise FeatureTableError(
                    f"{len(cells)} features for {name}, {len(header) - 1} in the header; expected "
                    "the same number"
                )
            if not name.strip():
                raise FeatureTableError(
                    f"line {lines.line_num} names no video; name it or remove it"
                )
            names.append(name.strip())
            named = zip(header[1:], cells, strict=True)
            rows.append(np.array([_number(name, column, cell) for column, cell in named]))
    return names, np.array(rows, np.float64).reshape(len(rows), len(header) - 1)


def _number(video: str, column: str, cell: str) -> float:
    """Return a cell as a number; an empty cell is NaN."""
    text = cell.strip()
    try:
        # Python also reads 1_000 and the digits of other scripts.
        number = float(text or "nan") if text.isascii() and "_" not in text else None
    except ValueError:
        number = None
    if number is None or (math.isinf(number) and "inf" not in text.lower()):
        raise FeatureTableError(
            f"feature {column} of {video} is {cell!r}, which is not a number"
        ) from None
    return number


def _read_npy(path: Path) -> tuple[None, NDArray]:
    return None, np.load(path, allow_pickle=False)


def _read_mat(path: Path) -> tuple[list[str] | None, NDArray]:
    import h5py

    return _read_version_73(path) if h5py.is_hdf5(path) else _read_version_5(path)


def _read_version_5(path: Path) -> tuple[list[str] | None, NDArray]:
    import scipy.io

    wanted = _matrix_of(
        [name for name, _, kind in scipy.io.whosmat(path) if kind.startswith(NUMBERS)]
    )
    content = scipy.io.loadmat(path, variable_names=[wanted, NAMES])
    # A cell holds its text as an array of one string.
    cells = content.get(NAMES)
    names = None if cells is None else [str(np.ravel(cell)[0]).strip() for cell in np.ravel(cells)]
    return names, content[wanted]


def _read_version_73(path: Path) -> tuple[list[str] | None, NDArray]:
    """Read HDF5, in which matrices are transposed and texts are stored behind references."""
    import h5py

    with h5py.File(path) as file:
        sets = {name: item for name, item in file.items() if isinstance(item, h5py.Dataset)}
        numeric = [name for name, item in sets.items() if item.dtype.kind == "f" and item.ndim == 2]
        features = sets[_matrix_of(numeric)][()].T
        if NAMES not in sets:
            return None, features
        codes = [file[reference][()] for reference in np.ravel(sets[NAMES][()])]
    return ["".join(map(chr, np.ravel(code))).strip() for code in codes], features


def _matrix_of(names: list[str]) -> str:
    """Return the name of the feature matrix among the matrices of numbers."""
    if MATRIX not in names and len(names) != 1:
        raise FeatureTableError(
            f"matrices of numbers: {', '.join(names) or 'none'}; expected {MATRIX}, or only one"
        )
    return MATRIX if MATRIX in names else names[0]
