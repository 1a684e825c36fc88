"""Files of scores: rows are written as they finish, so a killed job leaves those that it had.

A rerun writes the same rows again. It compares each with what is already in the file and overwrites
from the first difference on; so the rows of an earlier start stay until they are redone, and the
finished file is the same as that of an undisturbed job. No row is kept in memory.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from vqa.files import plain, user_path

if TYPE_CHECKING:
    from vqa.commands.score import Score

SUFFIXES = (".csv", ".json", ".jsonl")
COLUMNS = (
    "video", "score", "frames", "reader", "weights", "error", "mos_low", "mos_high", "note",
    "timeline",
)  # fmt: skip
TIMELINE_COLUMNS = ("video", "time_s", "frame_quality")


class ScoreWriter(Protocol):
    """Writes scores one by one; a context manager, which completes the file."""

    files: list[Path]

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def write(self, score: "Score") -> None:
        """Write one score."""
        ...


def score_writer(path: str | Path, notes: Sequence[str] = ()) -> ScoreWriter:
    """Open a file for scores.

    Args:
        path: `.csv` (timelines go into `<name>.timeline.csv`), `.json` (an object with `notes` and
            `videos`), or `.jsonl` (a line per video).
        notes: What every reader of the scores must know; part of `.json`.

    Raises:
        ValueError: Another suffix, or the file exists and does not hold scores.
        OSError: The file cannot be written.
    """
    path = checked_output(path)
    match path.suffix.lower():
        case ".csv":
            return _Tables(path)
        case ".json":
            head = json.dumps({"notes": plain(list(notes))}, ensure_ascii=False)
            return _Lines(path, head.removesuffix("}") + ', "videos": [', ",", "\n]}\n")
        case _:
            return _Lines(path, "", "", "")


def checked_output(path: str | Path) -> Path:
    """Return the path of an output file.

    Raises:
        ValueError: It ends neither in .csv nor in .json or .jsonl, or it is a file of another kind.
    """
    path = user_path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"output={path}: expected a name that ends in {' or '.join(SUFFIXES)}")
    if path.exists() and not path.is_file():
        raise ValueError(f"output={path}: expected a file, found something else of this name")
    if path.is_file() and (begin := _beginning(path)) and not _holds_scores(path, begin):
        raise ValueError(
            f"output={path}: this file exists and holds no scores; choose another name or delete it"
        )
    return path


class _Growing:
    """A file that grows by whole records and keeps what is already right."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        self._file = path.open("r+b", buffering=0)

    def write(self, text: str) -> None:
        """Write a record, unless it is already there."""
        data, place = text.encode(), self._file.tell()
        if self._file.read(len(data)) != data:
            self._file.truncate(place)
            self._file.seek(place)
            self._file.write(data)  # in one step, so a killed process leaves no part of it

    def close(self, whole: bool) -> None:
        """Close the file; if it is whole, remove what an earlier job left behind it."""
        if whole:
            self._file.truncate()
        self._file.close()


class _Tables:
    """Scores as one CSV table, their timelines as another."""

    def __init__(self, path: Path) -> None:
        self.files = [path, path.with_name(path.stem + ".timeline.csv")]

    def __enter__(self) -> Self:
        self._rows, self._moments = map(_Growing, self.files)
        self._rows.write(_csv([COLUMNS]))
        self._moments.write(_csv([TIMELINE_COLUMNS]))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file in (self._moments, self._rows):
            file.close(whole=kind is None)

    def write(self, score: "Score") -> None:
        """Write the timeline, then the row."""
        moments = zip(score.times_s, score.frame_quality, strict=True)
        self._moments.write(_csv([score.video, *moment] for moment in moments))
        self._rows.write(
            _csv([[
                score.video, score.value, score.frames, score.reader, score.weights, score.error,
                *score.mos_range, score.note, score.timeline,
            ]])
        )  # fmt: skip


class _Lines:
    """Scores as JSON, a line per video, between a head and a foot."""

    def __init__(self, path: Path, head: str, between: str, foot: str) -> None:
        self.files = [path]
        self._head, self._between, self._foot = head, between, foot

    def __enter__(self) -> Self:
        self._file = _Growing(self.files[0])
        self._file.write(self._head)
        self._separator = "\n" if self._head else ""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._file.write(self._foot)
        self._file.close(whole=kind is None)

    def write(self, score: "Score") -> None:
        """Write one line."""
        row: dict[str, Any] = asdict(score)
        row["score"] = row.pop("value")
        del row["notes"]
        end = "" if self._head else "\n"
        text = json.dumps(plain(row), ensure_ascii=False, allow_nan=False)
        self._file.write(self._separator + text + end)
        self._separator = self._between + "\n" if self._head else ""


def _csv(rows: Iterable[Iterable[Any]]) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows(map(plain, map(list, rows)))
    return file.getvalue()


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(200).lstrip()


def _holds_scores(path: Path, begin: bytes) -> bool:
    """Return whether a file begins as one that this module wrote."""
    if path.suffix.lower() == ".csv":
        return begin.startswith(b"video,score,frames,reader,weights,error")
    return begin.startswith((b'{"notes"', b'{\n "notes"', b'{"video"'))
