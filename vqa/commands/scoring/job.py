"""A scoring job: which files are still to be scored, and what becomes of each score."""

import sys
import threading
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from itertools import islice
from pathlib import Path
from typing import Any

from vqa.commands.scoring.display import Display, beside
from vqa.commands.scoring.journal import Row
from vqa.commands.scoring.keeper import Keeper
from vqa.commands.scoring.outputs import Output
from vqa.commands.scoring.score import Score
from vqa.commands.scoring.scorer import Scorer
from vqa.commands.scoring.tables import json_line
from vqa.databases.unrated import Named
from vqa.files import shown
from vqa.identity import ahead
from vqa.remote.addresses import public


class Job:
    """Takes what places named, gives the files that are to be scored, and receives their scores.

    `to_score` runs in the thread that decodes, so that it may wait for the next name; everything
    that it shares with `scored` is behind a lock.

    Args:
        scorer: Words the failures.
        outputs: What is written at the end; none of them is a video.
        keeper: Keeps the rows; None keeps none.
        display: Shows each row.
        json_lines: Print each score as JSON on standard output.
        fail_below: Name files with a lower score on standard error.

    Attributes:
        places: Place of each row in the keeper, in the order of the files.
        causes: Why nothing was found, as long as no file was.
        files: Number of files that were named.
        below: Number of scores below `fail_below`.
        outside: Number of scores outside the scale.
    """

    def __init__(
        self,
        scorer: Scorer,
        outputs: Sequence[Output],
        keeper: Keeper | None,
        display: Display,
        *,
        json_lines: bool = False,
        fail_below: float | None = None,
    ) -> None:
        self.scorer, self.keeper, self.display = scorer, keeper, display
        self.json_lines, self.fail_below = json_lines, fail_below
        self.places = array("q")
        self.causes: list[str] = []
        self.files = self.below = self.outside = 0
        self._outputs = {str(one.path.absolute()) for one in outputs}
        self._lock = threading.Lock()
        self._waiting: dict[str, int] = {}  # number of what is in work, by path

    def to_score(self, named: Iterable[Named]) -> Iterator[str]:
        """Yield the path or address of each file that no earlier start has scored.

        Names that are known in advance are looked up some ahead, in threads.

        Raises:
            ValueError: An output is among the files.
        """
        known = isinstance(named, Sized)
        places = ahead(named, self._earlier) if known else ((n, self._earlier(n)) for n in named)
        for number, ((path, cause), place) in enumerate(places):
            address = str(path)
            name = public(address)
            with self._lock:
                self.places.append(-1)
                self.files += not cause
            refuse_output(name, self._outputs)
            if cause:
                self.causes.append(cause)
                self._finish(number, name, self.scorer.failed(name, cause).entry())
            elif self.keeper is not None and place is not None:
                self._finish(number, name, self._reused(place), place)
            else:
                with self._lock:
                    self._waiting[name] = number
                yield address

    def scored(self, score: Score) -> None:
        """Receive the score of a file that is in work, in any order."""
        path = score.video
        with self._lock:
            number = self._waiting.pop(path)
        self._finish(number, path, score.entry())

    def _earlier(self, one: Named) -> int | None:
        """Return the place of a row that an earlier start has made of a file; None without one."""
        if self.keeper is None or one.cause:
            return None
        return self.keeper.reusable(str(one.path))

    def _reused(self, place: int) -> Mapping[str, Any]:
        assert self.keeper is not None
        if self.json_lines:  # which have the timeline
            ((_, entry),) = self.keeper.rows([place])
            return entry
        return self.keeper.entry(place)

    def _finish(
        self, number: int, path: str, entry: Mapping[str, Any], place: int | None = None
    ) -> None:
        """Keep, print and judge a row; `place` is where an earlier start has put it."""
        with self._lock:
            if self.keeper is not None:
                self.places[number] = self.keeper.add(Row(path, entry)) if place is None else place
            if self.json_lines:
                with self.display.aside():
                    print_json(entry)
            self.display.row(entry, path, reused=place is not None)
            score, scale = entry["score"], self.scorer.mos_range
            if score is None:
                return
            self.outside += scale is not None and not scale[0] <= score <= scale[1]
            if self.fail_below is not None and score < self.fail_below:
                self.below += 1
                self.display.warn(f"below {self.fail_below:g}: {score:.2f}  {beside(path)}")


def of_shard(named: Iterable[Named], shard: str) -> Iterator[Named]:
    """Yield the part of the files that shard `i/n` scores: every nth, from the ith on."""
    index, _, count = shard.partition("/")
    return islice(named, int(index) - 1, None, int(count))


def refuse_output(path: str, outputs: Iterable[str]) -> None:
    """Refuse to write a file that is to be scored.

    Raises:
        ValueError: The path is one of the outputs.
    """
    if path in outputs:
        raise ValueError(
            f"output={shown(Path(path).name)} is one of the files to score; choose another name"
        )


def print_json(entry: Mapping[str, Any]) -> None:
    """Print a score as one line of JSON, in ASCII if the stream takes nothing else."""
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    print(json_line(entry, ascii_only=encoding != "utf8"), flush=True)
