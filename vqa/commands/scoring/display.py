"""What a scoring job shows: a table that grows, its progress, and a summary."""

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TextIO

from vqa.commands.printing import say
from vqa.commands.scoring.causes import NAMED
from vqa.progress import progress_bar

CALM_S = 30.0  # between two lines of progress in a log


class Display:
    """Prints rows and progress for people.

    Args:
        stream: Where the table goes; None prints none.
        total: Number of files; None if it is not known in advance.
        quiet: Show no progress.

    Attributes:
        done: Number of files so far.
        reused: Those whose row an earlier start made.
        failed: Those without a score.
    """

    def __init__(self, stream: TextIO | None, total: int | None, *, quiet: bool = False) -> None:
        self.stream, self.total = stream, total
        self.done = self.reused = self.failed = 0
        self._started = self._said = time.monotonic()
        self._quiet, self._wide = quiet, False
        self._bar = None
        if not quiet and sys.stderr.isatty():
            self._bar = progress_bar(total, "score", "file", disable=total == 0, leave=False)

    def head(self, model: Mapping[str, Any]) -> None:
        """Print what the numbers mean, and the head of the table."""
        scale = model["scale_is"]
        if model["scale"] is not None:
            low, high = model["scale"]
            scale = f"[{low:g}, {high:g}], {scale}"
        self.say(f"model {model['name']}: scores on {scale}; higher is better")
        for note in model["notes"]:
            self.say(f"NOTE: {note}")
        if model["opinions"] is not None and model["level"] is None:
            self.say("NOTE: there are no intervals, because the run was tested on too few videos")
        self.say(f"timeline: {model['timeline']}")
        self.say("")
        self._wide = model["opinions"] is not None
        columns = f"{'score':>7}"
        if self._wide:
            level = model["level"]
            interval = "no interval" if level is None else f"{level:.0%} interval"
            columns += f"   {interval:12}  percentile"
        self.say(f"{columns}   file")

    def row(self, entry: Mapping[str, Any], path: str, *, reused: bool = False) -> None:
        """Count a file, and print its row unless an earlier start did."""
        self.done += 1
        self.reused += reused
        self.failed += entry["score"] is None
        if not reused:
            for line in lines_of(entry, beside(path), wide=self._wide):
                self.say(line)
        if self.stream is None and entry["error"]:
            self.warn(f"failed: {beside(path)}: {entry['error']}")
        self._progress()

    def end(self, written: Sequence[str]) -> None:
        """Print a summary.

        Args:
            written: Names of the outputs.
        """
        scored, seconds = self.done - self.reused, time.monotonic() - self._started
        words = f"{self.done - self.failed:,} of {counted(self.done)} scored"
        if self.reused:
            words += f", {self.reused:,} by an earlier start"
        words += f"; {duration(seconds)}, {scored / max(seconds, 1e-3):.3g} files/s"
        self.say("")
        self.say(words)
        if written:
            self.say("written: " + ", ".join(written))

    def close(self) -> None:
        """Take the progress off the terminal."""
        if self._bar is not None:
            self._bar.close()

    def say(self, line: str) -> None:
        """Print a line for people."""
        if self.stream is not None:
            with self.aside():
                say(line, self.stream)

    def warn(self, line: str) -> None:
        """Print a line on standard error."""
        with self.aside():
            say(line, sys.stderr)

    def aside(self) -> AbstractContextManager[None]:
        """Take the progress off the terminal while something is printed."""
        return nullcontext() if self._bar is None else type(self._bar).external_write_mode()

    def _progress(self) -> None:
        if self._bar is not None:
            if self.failed:
                self._bar.set_postfix(failed=self.failed, refresh=False)
            self._bar.update()
            return
        now = time.monotonic()
        if self._quiet or now - self._said < CALM_S:
            return
        self._said = now
        rate = (self.done - self.reused) / (now - self._started)
        words = f"scored {self.done:,}"
        if self.total is not None:
            words += f" of {self.total:,}"
        words += f" files, {rate:.3g} files/s"
        if self.total is not None and rate > 0:
            words += f", {duration((self.total - self.done) / rate)} left"
        if self.failed:
            words += f", {self.failed:,} failed"
        say(words, sys.stderr)


def lines_of(entry: Mapping[str, Any], name: str, *, wide: bool) -> list[str]:
    """Return the lines of the table for a score: its row, and why it is special.

    Args:
        entry: The score as a JSON object.
        name: Of the file.
        wide: The table has columns of intervals and percentiles.
    """
    if entry["score"] is None:
        cells, remark = f"{'failed':>7}", entry["error"]
    else:
        cells, remark = f"{entry['score']:7.2f}", entry["note"]
        if entry["scales"]:
            others = ", ".join(f"{name} {one:.4g}" for name, one in entry["scales"].items())
            remark = "; ".join(filter(None, [f"on other scales: {others}", remark]))
    if wide:
        low, high = entry["interval"] or (None, None)
        interval = "" if low is None else f"{low:.2f} - {high:.2f}"
        percentile = entry["percentile"]
        cells += f"   {interval:12}  {'' if percentile is None else f'{percentile:.0f} %':>10}"
    beneath = [remark, why(entry.get("explanation"))]
    return [f"{cells}   {name}", *(f"{'':{len(cells)}}     {line}" for line in beneath if line)]


def why(explanation: Mapping[str, Any] | None) -> str:
    """Return an explanation in a line: the worst moment, and what pulls the score down most.

    Args:
        explanation: See `vqa.commands.scoring.explanation`; None gives an empty line.
    """
    if explanation is None:
        return ""
    words = []
    if explanation["moments"]:
        worst = min(explanation["moments"], key=lambda moment: moment["quality"])
        words.append(f"worst moment {worst['quality']:.2f} at {worst['time_s']:.1f} s")
    harmful = [one for one in explanation["causes"] if one["effect"] < 0][:1]
    words += [f"{one['kind']} pulls down by {-one['effect']:.2f}" for one in harmful]
    main = explanation["main_cause"]
    said = [one["kind"] for one in harmful if one["effect"] <= -NAMED]
    if main is not None and main["kind"] not in said:
        words.append(main["text"])
    moved = [one for one in explanation["descriptions"] if one["change"] < 0][:1]
    words += [f'"{one["text"]}" pulls down by {-one["change"]:.2f}' for one in moved]
    return "why: " + "; ".join(words or explanation["remarks"])


def beside(path: str) -> str:
    """Return a path relative to the current folder, if it lies in it."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return path


def counted(files: int) -> str:
    """Return a number of files in words."""
    return f"{files:,} file{'s' * (files != 1)}"


def duration(seconds: float) -> str:
    """Return a time for people.

    Examples:
        >>> from vqa.commands.scoring.display import duration
        >>> duration(8.2), duration(754), duration(9000)
        ('8.2 s', '12 min 34 s', '2 h 30 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.2g} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
