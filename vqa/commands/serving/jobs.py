"""The jobs of the service: a folder each, so that they survive the end of any process.

A folder without `job.json` is an upload that was cut off. The result stands beside `job.json`, so
memory holds only what the queue needs.
"""

import re
import secrets
import shutil
import threading
import time
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vqa.files import read_json, write_json

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
ENDED = (DONE, FAILED, CANCELLED)
JOB, RESULT = "job.json", "result.json"
LONGEST_NAME = 200

_ID = re.compile(r"[0-9a-f]{32}")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")


@dataclass
class Job:
    """A video that is scored.

    Attributes:
        id: Its name in addresses; nobody can guess it.
        name: What the client called the video; shown only.
        order: Jobs are done in this order.
        url: Where the video is copied from; empty for an upload, and at the end, because an address
            may hold a secret.
        file: Name of the video's file in the folder of the job.
        state: `queued`, `running`, `done`, `failed` or `cancelled`.
        deaths: Workers that ended while they worked on it.
        kind: Kind of a failure, for the metrics.
        pictures: Title and time in seconds of each picture.
    """

    id: str
    name: str
    order: int
    url: str = ""
    file: str = ""
    state: str = QUEUED
    created: float = 0.0
    started: float | None = None
    finished: float | None = None
    error: str = ""
    remedy: str = ""
    kind: str = ""
    deaths: int = 0
    pictures: list[dict[str, Any]] = field(default_factory=list)


class Jobs:
    """The jobs below a folder, and the queue of those that wait. All methods are thread-safe.

    Args:
        folder: Where they are kept; nothing else is in it.
        changed: Called after each change of a job.
    """

    def __init__(self, folder: Path, changed: Callable[[], None] = lambda: None) -> None:
        self.folder, self.changed = folder, changed
        self._jobs: dict[str, Job] = {}
        self._queue: list[Job] = []  # those that wait, in their order
        self._progress: dict[str, tuple[int, int | None]] = {}
        self._news = threading.Condition()
        self._order = 0
        self.ended: Counter[str] = Counter()
        folder.mkdir(parents=True, exist_ok=True)
        self._restore()

    def _restore(self) -> None:
        """Read the jobs of an earlier start; those that were at work are queued again."""
        for place in sorted(self.folder.iterdir()):
            if not _ID.fullmatch(place.name) or not place.is_dir():
                continue
            job = _read(place / JOB)
            if job is None or job.id != place.name or job.state == CANCELLED:
                shutil.rmtree(place, ignore_errors=True)
                continue
            if job.state == RUNNING:
                job.state, job.started = QUEUED, None
            self._jobs[job.id] = job
            if job.state == QUEUED:
                insort(self._queue, job, key=_order)
            self._order = max(self._order, job.order)

    def begin(self) -> str:
        """Make the folder of an upload that begins, and return its id."""
        id_ = secrets.token_hex(16)
        (self.folder / id_).mkdir()
        return id_

    def drop(self, id_: str) -> None:
        """Remove the folder of an upload that failed."""
        shutil.rmtree(self.folder / id_, ignore_errors=True)

    def path(self, id_: str, file: str) -> Path:
        """Return a file of a job."""
        return self.folder / id_ / file

    def add(self, id_: str, name: str, *, file: str = "", url: str = "") -> Job:
        """Queue a job whose folder is complete."""
        with self._news:
            self._order += 1
            order = self._order
        job = Job(id_, shown_name(name), order, url, file, created=time.time())
        self._store(job)
        with self._news:
            self._jobs[id_] = job
            insort(self._queue, job, key=_order)
            self._news.notify_all()
        self.changed()
        return job

    def get(self, id_: str) -> Job | None:
        """Return a job; None for an id that does not exist, which touches no file."""
        with self._news:
            return self._jobs.get(id_)

    def waiting(self) -> list[Job]:
        """Return the queued jobs in their order."""
        with self._news:
            return list(self._queue)

    def position(self, job: Job) -> int | None:
        """Return how many jobs wait before one that waits; None for another."""
        with self._news:
            if job.state != QUEUED:
                return None
            return bisect_left(self._queue, job.order, key=_order)

    def running(self) -> int:
        """Return the number of jobs at work."""
        with self._news:
            return sum(job.state == RUNNING for job in self._jobs.values())

    def take(self, timeout_s: float) -> Job | None:
        """Take the next job, which is then running; None if none arrives in time."""
        with self._news:
            if not self._news.wait_for(lambda: self._queue, timeout_s):
                return None
            job = self._queue.pop(0)
            job.state, job.started = RUNNING, time.time()
            self._store(job)
        self.changed()
        return job

    def again(self, job: Job, *, death: bool) -> None:
        """Queue a running job again, in its old place."""
        with self._news:
            if job.state == RUNNING:
                job.state, job.started = QUEUED, None
                job.deaths += death
                self._progress.pop(job.id, None)
                insort(self._queue, job, key=_order)
                self._store(job)
                self._news.notify_all()
        self.changed()

    def done(self, job: Job, result: dict[str, Any], pictures: list[dict[str, Any]]) -> None:
        """End a job with its result."""
        with self._news:
            if job.state == RUNNING:
                write_json(self.path(job.id, RESULT), result)
                job.pictures = pictures
        self._end(job, DONE)

    def fail(self, job: Job, kind: str, error: str, remedy: str) -> None:
        """End a job without a result."""
        job.kind, job.error, job.remedy = kind, error, remedy
        self._end(job, FAILED)

    def _end(self, job: Job, state: str) -> None:
        with self._news:
            self._progress.pop(job.id, None)
            if job.state != RUNNING:
                return
            job.state, job.finished, job.url = state, time.time(), ""
            self._store(job)
            self.ended[state] += 1
        self.path(job.id, job.file or "-").unlink(missing_ok=True)
        self.changed()

    def cancel(self, job: Job) -> None:
        """Cancel a job; its upload and its result are removed, at once or by its worker."""
        with self._news:
            if job.state not in ENDED:
                job.finished = time.time()
                self.ended[CANCELLED] += 1
            if job.state == QUEUED:
                self._queue.remove(job)
            job.state, job.pictures = CANCELLED, []
            self._progress.pop(job.id, None)
            self._store(job)
        shutil.rmtree(self.folder / job.id, ignore_errors=True)
        self.changed()

    def told(self, job: Job, done: int, of: int | None) -> None:
        """Note the frames that are done."""
        with self._news:
            if job.state == RUNNING:
                self._progress[job.id] = (done, of)
        self.changed()

    def progress(self, job: Job) -> tuple[int, int | None] | None:
        """Return the frames that are done, and all frames."""
        with self._news:
            return self._progress.get(job.id)

    def result(self, job: Job) -> dict[str, Any] | None:
        """Return the row of a finished job."""
        if job.state != DONE:
            return None
        with suppress(OSError, ValueError):
            found: dict[str, Any] = read_json(self.path(job.id, RESULT))
            return found
        return None

    def forget(self, before: float, most: int) -> None:
        """Remove jobs that finished before a time, in seconds since 1970, and all but the last."""
        with self._news:
            ended = [job for job in self._jobs.values() if job.state in ENDED]
            ended.sort(key=lambda job: job.finished or 0)
            kept = [job for job in ended[-most:] if (job.finished or 0) >= before]
            old = ended[: len(ended) - len(kept)]
            for job in old:
                del self._jobs[job.id]
        for job in old:
            shutil.rmtree(self.folder / job.id, ignore_errors=True)

    def _store(self, job: Job) -> None:
        if (self.folder / job.id).is_dir():
            write_json(self.path(job.id, JOB), asdict(job))


def _order(job: Job) -> int:
    return job.order


def shown_name(name: str) -> str:
    """Return the name of an upload as it is shown: one line, its last part, not too long."""
    last = re.split(r"[\\/]", name)[-1]
    text = "".join(letter if letter.isprintable() else " " for letter in last)
    return " ".join(text.split())[:LONGEST_NAME] or "video"


def suffix_of(name: str) -> str:
    """Return the suffix of a name if it is a plain one, else none."""
    found = re.search(r"\.[^.]*$", name)
    return found[0].lower() if found and _SUFFIX.fullmatch(found[0]) else ""


def iso(time_s: float | None) -> str | None:
    """Return a time as ISO 8601 in UTC."""
    if time_s is None:
        return None
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="milliseconds")


def _read(path: Path) -> Job | None:
    try:
        job = Job(**(read_json(path) or {}))
        plain = Path(job.file).name == job.file and isinstance(job.order, int)
    except (OSError, ValueError, TypeError):
        return None
    return job if plain else None
