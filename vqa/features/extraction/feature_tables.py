"""Feature matrices as files: `.csv` and MATLAB's `.mat`, one row per video.

A `.csv` has a header and the column `video`. A `.mat` has the matrix `feats_mat`, or one matrix of
another name, and may have `video_names`, a row each; published ones have not, so their ids must be
given in the order of the rows. From then on videos are found by id alone.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import scipy.io
from numpy.typing import NDArray

from vqa.files import replacing
from vqa.models.svr.preprocessing import as_matrix

MATRIX, NAMES = "feats_mat", "video_names"
# Classes of MATLAB variables that may be features, by how they begin.
NUMBERS = ("double", "single", "int", "uint")


class FeatureTableError(ValueError):
    """A feature matrix that cannot be used; the text says expected, found, and the remedy."""


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """One feature vector per video.

    Attributes:
        ids: Video names, all different.
        features: float32 or float64 (N, D), N and D at least 1; NaN and infinities allowed.

    Raises:
        FeatureTableError: Counts differ, ids stand twice, or no matrix of numbers.
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
        twice = [name for name, count in Counter(self.ids).items() if count > 1]
        if twice:
            raise FeatureTableError(
                f"{len(twice)} ids stand more than once, for instance {twice[0]}; keep one row each"
            )

    def select(self, ids: Iterable[str]) -> NDArray:
        """The vectors of these videos (n, D), in the order asked for.

        Raises:
            FeatureTableError: An id has no row.
        """
        row = {name: number for number, name in enumerate(self.ids)}
        wanted = list(ids)
        absent = [name for name in wanted if name not in row]
        if absent:
            raise FeatureTableError(
                f"{len(absent)} of {len(wanted)} videos have no features, for instance "
                f"{absent[0]}; the table names videos like {self.ids[0]}"
            )
        return self.features[[row[name] for name in wanted]]


def read_features(path: str | Path, ids: Sequence[str] | None = None) -> FeatureTable:
    """Read a feature matrix.

    Args:
        path: A `.csv`, or a `.mat` of version 5 or 7.3.
        ids: Video names in the order of the rows, for a `.mat` without names.

    Raises:
        FeatureTableError: No such file or matrix, a cell that is no number, rows and ids that do
            not fit, or ids given for a file that has its own.
    """
    path = Path(path)
    read = _kind(path, {".csv": _read_csv, ".mat": _read_mat})
    try:
        names, features = read(path)
    except FeatureTableError as error:
        raise FeatureTableError(f"{path}: {error}") from error
    # The libraries raise many kinds of error for damaged files and files of another kind.
    except Exception as error:
        raise FeatureTableError(f"{path}: no feature matrix can be read ({error})") from error
    if (names is None) == (ids is None):
        problem = "names no videos: give their ids" if ids is None else "has its own ids: give none"
        raise FeatureTableError(f"{path}: the file {problem}")
    try:
        return FeatureTable(tuple(map(str, ids if names is None else names)), features)
    except FeatureTableError as error:
        raise FeatureTableError(f"{path}: {error}") from error


def write_features(table: FeatureTable, path: str | Path) -> Path:
    """Write a feature matrix with its ids as `.csv` or `.mat` (version 5), whole or not at all.

    Raises:
        FeatureTableError: Another ending, or a matrix too large for a `.mat`.
    """
    path = Path(path)
    write = _kind(path, {".csv": _write_csv, ".mat": _write_mat})
    with replacing(path) as temporary:
        write(table, temporary)
    return path


def _kind(path: Path, kinds: dict[str, Callable]) -> Callable:
    if path.suffix.lower() not in kinds:
        raise FeatureTableError(f"{path}: expected a file that ends in {' or '.join(kinds)}")
    return kinds[path.suffix.lower()]


def _read_csv(path: Path) -> tuple[list[str], NDArray]:
    # Line by line: as texts, all the cells of a wide matrix would take tens of times its memory.
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file)
        header = [name.strip() for name in next(lines)]
        if header[:1] != ["video"]:
            raise FeatureTableError(f"the header is {', '.join(header[:5])}; expected video first")
        names, rows = [], []
        for name, *cells in filter(None, lines):
            if len(cells) != len(header) - 1:
                raise FeatureTableError(
                    f"{len(cells)} features for {name}, {len(header) - 1} in the header; expected "
                    "as many"
                )
            names.append(name.strip())
            named = zip(header[1:], cells, strict=True)
            rows.append(np.array([_number(name, column, cell) for column, cell in named]))
    return names, np.array(rows, np.float64).reshape(len(rows), len(header) - 1)


def _number(video: str, column: str, cell: str) -> float:
    """A cell as a number; an empty one is a gap."""
    try:
        return float(cell.strip() or "nan")
    except ValueError:
        raise FeatureTableError(f"feature {column} of {video} is {cell!r}, no number") from None


def _write_csv(table: FeatureTable, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["video", *(f"f{number}" for number in range(table.features.shape[1]))])
        lines.writerows(
            [name, *map(str, row)] for name, row in zip(table.ids, table.features, strict=True)
        )


def _read_mat(path: Path) -> tuple[list[str] | None, NDArray]:
    return _read_version_73(path) if h5py.is_hdf5(path) else _read_version_5(path)


def _read_version_5(path: Path) -> tuple[list[str] | None, NDArray]:
    wanted = _matrix_of(
        [name for name, _, kind in scipy.io.whosmat(path) if kind.startswith(NUMBERS)]
    )
    content = scipy.io.loadmat(path, variable_names=[wanted, NAMES])
    # A cell holds its text as an array of one string.
    cells = content.get(NAMES)
    names = None if cells is None else [str(np.ravel(cell)[0]).strip() for cell in np.ravel(cells)]
    return names, as_matrix(content[wanted])


def _read_version_73(path: Path) -> tuple[list[str] | None, NDArray]:
    """HDF5, which holds matrices transposed and texts behind references."""
    with h5py.File(path) as file:
        sets = {name: item for name, item in file.items() if isinstance(item, h5py.Dataset)}
        numeric = [name for name, item in sets.items() if item.dtype.kind == "f" and item.ndim == 2]
        features = as_matrix(sets[_matrix_of(numeric)][()].T)
        if NAMES not in sets:
            return None, features
        codes = [file[reference][()] for reference in np.ravel(sets[NAMES][()])]
    return ["".join(map(chr, np.ravel(code))).strip() for code in codes], features


def _matrix_of(names: list[str]) -> str:
    if MATRIX not in names and len(names) != 1:
        raise FeatureTableError(
            f"matrices of numbers: {', '.join(names) or 'none'}; expected {MATRIX}, or one alone"
        )
    return MATRIX if MATRIX in names else names[0]


def _write_mat(table: FeatureTable, path: Path) -> None:
    limit = 2**31
    if table.features.nbytes >= limit:
        raise FeatureTableError(
            f"{table.features.nbytes} bytes of features; a .mat holds less than {limit}: "
            "take float32, or a .csv"
        )
    content = {MATRIX: table.features, NAMES: np.array(table.ids, dtype=object)[:, None]}
    scipy.io.savemat(path, content, appendmat=False, do_compression=True)
