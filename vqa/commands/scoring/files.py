"""Files of scores that grow row by row: a kill costs at most the row that was being made.

While a job runs, each row is appended to `<output>.partial` in one write. At the end, the rows
become the output in one step, so a file under its own name is complete, and what was there before
stays until then. A rerun appends to the partial file too: rows of an earlier start are never lost,
and because only its own rows become the output, that is the output of an undisturbed job.
"""

import csv
import fcntl
import io
import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from vqa.commands.preflight import check_folder
from vqa.commands.printing import say
from vqa.files import plain, replacing, shown, user_path

if TYPE_CHECKING:
    from vqa.commands.scoring.scorer import Score

SUFFIXES = (".csv", ".json", ".jsonl")
COLUMNS = (
    *("video", "score", "frames", "reader", "weights", "error", "mos_low", "mos_high"),
    *("note", "timeline", "run", "raw", "interval_low", "interval_high", "percentile"),
)
TIMELINE_COLUMNS = ("video", "time_s", "frame_quality")
# First bytes of files that a job wrote, and that the next one may replace.
OURS = (b"video,score,frames,", b"video,time_s,", b'{\n "notes":', b'{"notes":', b'{"video":')


def checked_output(path: str | Path) -> Path:
    """Return the path of an output file, before any work.

    Raises:
        ValueError: It ends in no known suffix, its folder cannot be written to, or there is
            something else than scores.
    """
    path = user_path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(
            f"output={shown(path)}: expected a name that ends in .csv, .json or .jsonl"
        )
    check_folder("output", path.parent)
    for file in output_files(path):
        if file.exists() and not file.is_file():
            raise ValueError(f"output={shown(file)}: expected a file, found something else")
        if file.is_file() and not _is_ours(file):
            raise ValueError(
                f"output={shown(file)}: this file exists and holds no scores; choose another name "
                "or delete it"
            )
    return path


def output_files(path: Path) -> list[Path]:
    """Return the files that belong to an output: a .csv has its timelines beside it."""
    if path.suffix.lower() == ".csv":
        return [path, path.with_name(path.stem + ".timeline.csv")]
    return [path]


class ScoreFiles:
    """The output of a scoring job, as a context; `add` scores, then `finish`.

    Args:
        path: A .csv (timelines in `<name>.timeline.csv`), .json or .jsonl (timelines inside).
        notes: What every reader of the scores must know; the head of a .json.

    Attributes:
        count: Number of scores so far.

    Raises:
        ValueError: As `checked_output`, or another job writes to the same output.
        OSError: The place cannot be written to.
    """

    def __init__(self, path: str | Path, notes: Sequence[str] = ()) -> None:
        self.path, self.notes, self.count = checked_output(path), notes, 0
        heads = [b""]
        if self.path.suffix.lower() == ".csv":
            heads = [_csv([COLUMNS]), _csv([TIMELINE_COLUMNS])]
        self._files: list[GrowingFile] = []
        for file, head in zip(output_files(self.path), heads, strict=True):
            self._files.append(GrowingFile(file, head))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and self.count:
            rows = f"{self.count} rows of this start are in {self.partial}"
            say(f"{rows}; rerun the command to resume", sys.stderr)
        for file in self._files:
            file.close()

    @property
    def partial(self) -> Path:
        """Where the rows are until the end."""
        return self._files[0].partial

    def add(self, score: "Score") -> None:
        """Append one score; it is on its way to the disk when this returns."""
        if self.path.suffix.lower() == ".csv":
            rows, timelines = self._files
            moments = zip(score.times_s, score.frame_quality, strict=True)
            timelines.add(_csv([score.video, *moment] for moment in moments))
            rows.add(_csv([_row(score)]))
        else:
            (rows,) = self._files
            text = json.dumps(plain(_entry(score)), ensure_ascii=False, allow_nan=False)
            rows.add(text.encode() + b"\n")
        self.count += 1

    def finish(self) -> list[Path]:
        """Make the output from the rows, in one step for each file; return the files."""
        for file in reversed(self._files):  # the timelines first
            with (
                replacing(file.path) as temporary,
                file.rows() as rows,
                temporary.open("wb") as target,
            ):
                if self.path.suffix.lower() == ".json":
                    _write_json(target, self.notes, rows)
                else:
                    target.write(file.head)
                    shutil.copyfileobj(rows, target)
            file.remove()
        return [file.path for file in self._files]


class GrowingFile:
    """A file that is appended to under a temporary name.

    Args:
        path: Its name at the end.
        head: What precedes the rows.

    Raises:
        ValueError: Another job writes to the same file.
    """

    def __init__(self, path: Path, head: bytes) -> None:
        self.path, self.head = path, head
        self.partial = path.with_name(path.name + ".partial")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.partial.open("a+b", buffering=0)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise ValueError(
                f"output={shown(path)}: another job is writing there; give another name"
            ) from error
        size = self._file.seek(0, os.SEEK_END)
        if size == 0:
            self.add(head)
        elif not self._ends_a_line(size):  # a machine that lost power
            self.add(b"\n")
        self._begin = self._file.seek(0, os.SEEK_END)

    def add(self, data: bytes) -> None:
        """Append bytes in one write.

        Raises:
            OSError: There is no room; what was written before stays.
        """
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            text = f"{error.strerror}; the rows so far are kept, make room and rerun the command"
            raise OSError(error.errno, text, str(self.partial)) from error

    def rows(self) -> BinaryIO:
        """Open the file for reading, at the first row of this start."""
        file = self.partial.open("rb")
        file.seek(self._begin)
        return file

    def remove(self) -> None:
        """Remove the temporary name."""
        self.partial.unlink()

    def close(self) -> None:
        """Close the file; remove it if it holds no row of any start."""
        if self._file.seek(0, os.SEEK_END) == len(self.head):
            self.partial.unlink(missing_ok=True)
        self._file.close()

    def _ends_a_line(self, size: int) -> bool:
        self._file.seek(size - 1)
        return self._file.read(1) == b"\n"


def _row(score: "Score") -> list[Any]:
    """Return the cells of a score in the order of `COLUMNS`."""
    return [
        *(score.video, score.value, score.frames, score.reader, score.weights, score.error),
        *score.mos_range,
        *(score.note, score.timeline, score.run, score.raw),
        *(score.interval or (None, None)),
        score.percentile,
    ]


def _entry(score: "Score") -> dict[str, Any]:
    """Return a score as a JSON object; the head of the file has the notes on all scores."""
    entry = asdict(score)
    del entry["notes"]
    return {"video": entry.pop("video"), "score": entry.pop("value"), **entry}


def _csv(rows: Iterable[Iterable[Any]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows(plain([list(row) for row in rows]))
    return file.getvalue().encode()


def _write_json(target: BinaryIO, notes: Sequence[str], rows: Iterable[bytes]) -> None:
    """Write a document from rows of JSON, one after the other."""
    head = json.dumps(plain(list(notes)), ensure_ascii=False)
    target.write(b'{\n "notes": ' + head.encode() + b',\n "videos": [')
    for number, row in enumerate(rows):
        target.write((b"," if number else b"") + b"\n  " + row.rstrip(b"\n"))
    target.write(b"\n ]\n}\n")


def _is_ours(file: Path) -> bool:
    """Return whether a file is empty or was written by a scoring job."""
    with file.open("rb") as content:
        head = content.read(max(map(len, OURS)))
    return not head or head.startswith(OURS)
