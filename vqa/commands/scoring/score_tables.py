"""Files of scores, read back: .csv, .json, .jsonl, .parquet and datasets, as a job writes them."""

import csv
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vqa.commands.scoring.manifest import number_of
from vqa.commands.scoring.outputs import is_dataset
from vqa.files import read_json, shown, user_path

SUFFIXES = (".csv", ".json", ".jsonl", ".parquet")
COLUMNS = ("video", "path", "score", "error", "run", "mos_range", "mos_low", "mos_high")
EXPECTED = "expected a file that vqa score wrote"


@dataclass(slots=True)
class ScoreTable:
    """The scores of one job.

    Attributes:
        path: The file.
        scores: Score by path of the video.
        failed: Cause by path of the videos without a score.
        models: Names of the runs or models that gave the scores.
        scales: Ends of their scales.
        notes: On all scores.
    """

    path: Path
    scores: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    models: set[str] = field(default_factory=set)
    scales: set[tuple[float, float]] = field(default_factory=set)
    notes: tuple[str, ...] = ()


def is_score_file(text: str) -> bool:
    """Return whether a text names a file of scores, whether it exists or not, or a dataset."""
    path = user_path(text)
    return is_dataset(path) if path.is_dir() else path.suffix.lower() in SUFFIXES


def read_scores(path: str | Path) -> ScoreTable:
    """Read the scores of a job.

    Raises:
        FileNotFoundError: No such file.
        ValueError: It holds no scores, or a value that cannot be one.
    """
    path = user_path(path)
    if not (path.is_file() or is_dataset(path)):
        raise FileNotFoundError(f"{shown(path)}: no such file; {EXPECTED}")
    table = ScoreTable(path)
    readers = {".csv": _csv, ".json": _json, ".jsonl": _jsonl, ".parquet": _parquet}
    reader = _dataset if path.is_dir() else readers[path.suffix.lower()]
    try:
        for number, row in enumerate(reader(table), start=1):
            _take(table, row, number)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{shown(path)}: not a table of text ({error}); {EXPECTED}") from error
    if not table.scores and not table.failed:
        raise ValueError(f"{shown(path)}: no scores in it; {EXPECTED}")
    return table


def _take(table: ScoreTable, row: Any, number: int) -> None:
    """Add one row to the table."""
    where = f"{shown(table.path)}: row {number}"
    if not isinstance(row, Mapping) or not row.get("video") or "score" not in row:
        names = ", ".join(map(str, row)) if isinstance(row, Mapping) else type(row).__name__
        raise ValueError(f"{where} has no video and score but {names[:200]}; {EXPECTED}")
    video = str(row.get("path") or row["video"])
    if video in table.scores or video in table.failed:
        raise ValueError(f"{where}: {shown(video)} is there twice; expected a row per video")
    try:
        ends: Any = row.get("mos_range") or (row.get("mos_low"), row.get("mos_high"))
        if not _absent(ends[0]):
            table.scales.add((float(ends[0]), float(ends[1])))
        score = None if _absent(row["score"]) else float(row["score"])
        if score is not None and not math.isfinite(score):
            raise ValueError(f"{score} is not finite")
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise ValueError(f"{where}: not the score of a video ({error}); {EXPECTED}") from error
    if not _absent(row.get("run")):
        table.models.add(str(row["run"]))
    if score is None:
        table.failed[video] = str(row.get("error") or "no score")
    else:
        table.scores[video] = score


def _absent(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _csv(table: ScoreTable) -> Iterator[Any]:
    with table.path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _json(table: ScoreTable) -> Iterator[Any]:
    content = read_json(table.path)
    if not isinstance(content, dict) or not isinstance(content.get("videos"), list):
        raise ValueError(f"{shown(table.path)}: no list of videos in it; {EXPECTED}")
    table.notes = tuple(map(str, content.get("notes") or ()))
    yield from content["videos"]


def _jsonl(table: ScoreTable) -> Iterator[Any]:
    with table.path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    yield json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise ValueError(
                        f"{shown(table.path)}: line {number} is not JSON ({error}); {EXPECTED}"
                    ) from error


def _dataset(table: ScoreTable) -> Iterator[Any]:
    for part in sorted(filter(lambda one: number_of(one.name), table.path.iterdir())):
        yield from _rows_of(part)


def _parquet(table: ScoreTable) -> Iterator[Any]:
    yield from _rows_of(table.path)


def _rows_of(path: Path) -> Iterator[Any]:
    import pyarrow.parquet

    try:
        content = pyarrow.parquet.ParquetFile(path)
        columns = [name for name in content.schema_arrow.names if name in COLUMNS]
        for batch in content.iter_batches(columns=columns):
            yield from batch.to_pylist()
    except pyarrow.ArrowException as error:
        raise ValueError(f"{shown(path)}: not Parquet ({error}); {EXPECTED}") from error
