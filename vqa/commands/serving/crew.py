"""The workers: a thread each, which gives jobs to a process and replaces it if it ends."""

import logging
import math
import multiprocessing
import threading
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

from vqa.commands.serving.fetching import fetch
from vqa.commands.serving.jobs import CANCELLED, DONE, RUNNING, Job, Jobs
from vqa.commands.serving.limits import Limits, Refusal
from vqa.commands.serving.measures import Measures, resident_bytes, with_helpers
from vqa.commands.serving.scoring_process import work
from vqa.files import shown

LOOK_S = 0.2  # how often a worker looks whether its job was cancelled or took too long
GIVE_UP_S = 5.0  # a process that works on a cancelled job for longer is replaced
MOST_DEATHS = 2
LONGEST_PAUSE_S = 60.0
LOG = logging.getLogger("vqa.serving")
TRY_ANOTHER = "try another file; the service itself goes on"


class Crew:
    """The workers of the service.

    Args:
        jobs: Where work comes from.
        limits: The limits.
        options: Of the scorer, by keyword.
        allowed: Hosts that videos may be copied from.
        measures: Counts what happens.
        count: Number of workers.
        target: What a process runs; tests replace it.

    Attributes:
        facts: What every reader of the scores must know; None until a model is loaded.
        fault: Why no model can be loaded; empty if one can.
    """

    def __init__(
        self,
        jobs: Jobs,
        limits: Limits,
        options: Mapping[str, Any],
        allowed: tuple[str, ...],
        measures: Measures,
        count: int = 1,
        threads: int = 1,
        target: Callable[..., None] = work,
    ) -> None:
        self.jobs, self.limits, self.allowed, self.measures = jobs, limits, allowed, measures
        self.count = count
        self.facts: dict[str, Any] | None = None
        self.fault = ""
        self.loaded = threading.Event()  # a model, or the reason why there is none
        self._start = (target, (dict(options), limits.max_video_s, threads))
        self._stop, self._now = threading.Event(), threading.Event()
        self._processes: dict[int, Any] = {}
        self._seconds: float | None = None  # that a video takes
        self._threads = [
            threading.Thread(target=self._serve, args=(number,), name=f"worker-{number}")
            for number in range(count)
        ]

    def start(self) -> None:
        """Start the workers."""
        for thread in self._threads:
            thread.daemon = True
            thread.start()

    def stop(self, grace_s: float) -> None:
        """Let running jobs finish in time; those that do not are queued again."""
        self._stop.set()
        end = time.monotonic() + grace_s
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        self._now.set()
        for thread in self._threads:
            thread.join(10)
        for process in list(self._processes.values()):
            process.kill()  # its thread still waits for something else, such as a server elsewhere

    def seconds_to_come_back(self) -> int:
        """Return when a place in the queue is free, measured by the videos so far."""
        each = self._seconds if self._seconds is not None else 5.0
        return min(3600, max(1, math.ceil(each / self.count)))

    def eta_s(self, position: int) -> float | None:
        """Return the seconds until a job is done that has so many before it."""
        if self._seconds is None:
            return None
        return round(self._seconds * (position // self.count + 1), 1)

    def memory_bytes(self) -> int:
        """Return the memory of all worker processes and their helpers."""
        return sum(map(resident_bytes, with_helpers(self.pids)))

    @property
    def pids(self) -> list[int]:
        """The process ids of the workers."""
        return [one.pid for one in list(self._processes.values())]

    def _serve(self, number: int) -> None:
        """Do jobs until the service stops, in a thread."""
        pause = 1.0
        while not self._stop.is_set():
            process, connection = self._process(number)
            try:
                if self._has_loaded(process, connection):
                    pause = 1.0
                    self._do_jobs(process, connection)
                else:
                    self._stop.wait(pause)
                    pause = min(2 * pause, LONGEST_PAUSE_S)
            finally:
                del self._processes[number]
                process.kill()
                process.join()
                connection.close()
            if not self._stop.is_set():
                self.measures.restarts.inc()

    def _process(self, number: int) -> tuple[Any, Connection]:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        target, given = self._start
        # Not daemonic, so that it may have helpers; it ends with this process all the same.
        process = context.Process(target=target, args=(theirs, number, *given))
        process.start()
        theirs.close()
        self._processes[number] = process
        return process, ours

    def _has_loaded(self, process: Any, connection: Connection) -> bool:
        while not connection.poll(LOOK_S):
            if self._stop.is_set():
                return False
        try:
            kind, content = connection.recv()
        except (EOFError, OSError):
            process.join()
            kind, content = "wrong", f"the worker ended while it loaded the model ({_end(process)})"
        if kind == "ready":
            self.facts, self.fault = content, ""
        else:
            self.fault = content
        self.loaded.set()
        return bool(kind == "ready")

    def _do_jobs(self, process: Any, connection: Connection) -> None:
        """Do jobs until the service stops or the process is of no use any more."""
        while not self._stop.is_set():
            job = self.jobs.take(LOOK_S)
            if job is None:
                if not process.is_alive():
                    return
                continue
            if not process.is_alive():  # it ended while it waited, which is no fault of this job
                self.jobs.again(job, death=False)
                return
            begun = time.monotonic()
            fetched = not job.url or job.file or self._fetched(job)
            usable = not fetched or self._do(job, process, connection, begun + self.limits.job_s)
            if job.state == CANCELLED:  # what was written meanwhile
                self.jobs.drop(job.id)
            if fetched:
                self._measure(job, time.monotonic() - begun)
            if not usable:
                return

    def _measure(self, job: Job, spent_s: float) -> None:
        """Note how long a job took, for the metrics and for estimates."""
        self.measures.video_s.observe(spent_s)
        LOG.info("%s %s after %.1f s %s", job.id, job.state, spent_s, job.kind)
        if job.state == DONE:
            before = self._seconds
            self._seconds = spent_s if before is None else 0.8 * before + 0.2 * spent_s

    def _fetched(self, job: Job) -> bool:
        """Copy the video of a job with an address; a failure ends the job."""

        def goes_on() -> bool:
            return job.state == RUNNING and not self._now.is_set()

        try:
            path = self.jobs.path(job.id, "video")
            path = fetch(job.url, path, self.allowed, self.limits, goes_on)
            job.file = path.name
        except Refusal as refusal:
            if self._now.is_set():
                self.jobs.again(job, death=False)
            else:
                self._failed(job, "address", refusal.error, refusal.remedy)
            return False
        return True

    def _do(self, job: Job, process: Any, connection: Connection, end: float) -> bool:
        """Do one job; return whether the process can do another."""
        path = self.jobs.path(job.id, job.file)
        try:
            connection.send((str(path.absolute()), job.name, str(path.parent.absolute())))
            while True:
                if connection.poll(LOOK_S):
                    kind, content = connection.recv()
                    if kind != "frames":
                        break
                    self.jobs.told(job, *content)
                if job.state != RUNNING:  # cancelled
                    return _lets_go(connection)
                if time.monotonic() > end:
                    most = f"the job took longer than {self.limits.job_s:g} s"
                    self._failed(job, "too_slow", most, "send a shorter or smaller video")
                    return False
                if self._now.is_set():
                    self.jobs.again(job, death=False)
                    return False
        except (EOFError, OSError):
            process.join()
            self._died(job, _end(process))
            return False
        if kind == "scored":
            self.jobs.done(job, *content)
            if job.state == DONE:
                self.measures.jobs.labels(DONE).inc()
        else:
            self._failed(job, *content)
        return True

    def _died(self, job: Job, end: str) -> None:
        if job.deaths + 1 < MOST_DEATHS:
            self.jobs.again(job, death=True)
            return
        reason = f"{MOST_DEATHS} workers ended while they scored this video, the last by {end}"
        self._failed(job, "worker_died", reason, TRY_ANOTHER)

    def _failed(self, job: Job, kind: str, error: str, remedy: str) -> None:
        if job.state != RUNNING:  # cancelled meanwhile
            return
        self.jobs.fail(job, kind, shown(error), remedy)
        self.measures.jobs.labels("failed").inc()
        self.measures.failures.labels(kind).inc()


def _lets_go(connection: Connection) -> bool:
    """Tell a process to give up its video; return whether it did, and so keeps its model."""
    connection.send(None)
    end = time.monotonic() + GIVE_UP_S
    while connection.poll(max(0.0, end - time.monotonic())):
        if connection.recv()[0] != "frames":
            return True
    return False


def _end(process: Any) -> str:
    status = process.exitcode or 0
    if status == -9:
        return "signal 9, often for lack of memory"
    if status == 3:
        return "a lost device"
    return f"signal {-status}" if status < 0 else f"exit status {status}"
