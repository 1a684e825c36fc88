"""Scoring in several processes on a CPU: each has the model, and the scores arrive in order.

A process that is killed, for example for lack of memory, costs the video that it was scoring.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

import torch

from vqa.commands.memory import keep_freed_memory
from vqa.commands.scoring.score import Score
from vqa.commands.scoring.scorer import Scorer
from vqa.video import RawFormat

AT_ONCE = 2  # videos of a process: one in work, one that is decoded ahead
HELD = 64  # scores per process that may wait for an earlier one


def score_in_processes(
    scorer: Scorer,
    options: Mapping[str, Any],
    videos: Iterable[str],
    workers: int,
    raw: RawFormat | None = None,
) -> Generator[Score, None, None]:
    """Yield the score of each video in order; several are in work at a time.

    Closing the iterator ends the processes.

    Args:
        scorer: Writes the scores of videos whose process was killed.
        options: Of the scorer that each process makes, by keyword.
        videos: Paths; taken in a thread, so that one that is not yet known delays no score.
        workers: Number of processes.
        raw: Format of headerless .yuv files.

    Raises:
        Exception: A scorer cannot work at all, or the videos cannot be taken from the iterable.
    """
    threads = max(1, torch.get_num_threads() // workers)
    pool = _Pool(scorer, (dict(options), raw, threads), workers)
    feed, mouth = multiprocessing.Pipe(duplex=False)
    threading.Thread(target=_feed, args=(mouth, videos), daemon=True).start()
    try:
        yield from pool.scores(feed)
    finally:
        feed.close()
        pool.end()


class _Worker:
    """A process with the videos that it was given, in its order."""

    def __init__(self, job: tuple[Any, ...]) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, *job), daemon=True)
        self.process.start()
        theirs.close()
        self.given: deque[tuple[int, str]] = deque()

    def give(self, number: int, video: str) -> None:
        """Let it score a video after those before."""
        self.given.append((number, video))
        with suppress(OSError):  # it was killed, which `wait` reports
            self.connection.send(video)

    def end(self) -> int:
        """End it at once; return its exit status."""
        self.process.kill()
        self.process.join()
        self.connection.close()
        return self.process.exitcode or 0


class _Pool:
    """The processes and what is known so far."""

    def __init__(self, scorer: Scorer, job: tuple[Any, ...], workers: int) -> None:
        self.scorer, self.job = scorer, job
        self.workers = [_Worker(job) for _ in range(workers)]
        self.done: dict[int, Score] = {}  # that wait for an earlier one, by number

    def scores(self, feed: Connection) -> Iterator[Score]:
        """Yield the score of each video that arrives on `feed`, in order."""
        begun = yielded = 0
        ended = False
        while not (ended and begun == yielded):
            free = [one for one in self.workers if len(one.given) < AT_ONCE]
            takes = not ended and free and begun - yielded < HELD * len(self.workers)
            listening = [one.connection for one in self.workers]
            ready = wait([*listening, feed] if takes else listening)
            for worker in [one for one in self.workers if one.connection in ready]:
                self._answered(worker)
            if feed in ready:
                video = _received(feed)
                ended = video is None
                if video is not None:
                    min(self.workers, key=lambda one: len(one.given)).give(begun, video)
                    begun += 1
            while yielded in self.done:
                yield self.done.pop(yielded)
                yielded += 1

    def end(self) -> None:
        """End all processes."""
        for worker in self.workers:
            worker.end()

    def _answered(self, worker: _Worker) -> None:
        try:
            answer = worker.connection.recv()
        except (EOFError, OSError):
            self._replace(worker)
            return
        if isinstance(answer, Exception):
            raise answer
        number, _ = worker.given.popleft()
        self.done[number] = answer

    def _replace(self, worker: _Worker) -> None:
        """Start a process in place of a killed one; its first video is the one that it died of."""
        worker.process.join(1)
        status = worker.end()
        self.workers[self.workers.index(worker)] = fresh = _Worker(self.job)
        if worker.given:
            number, video = worker.given.popleft()
            how = signal.Signals(-status).name if status < 0 else f"status {status}"
            self.done[number] = self.scorer.failed(
                video, f"the process that scored it was killed ({how}), perhaps for lack of memory"
            )
        for left in worker.given:
            fresh.give(*left)


def _received(feed: Connection) -> str | None:
    """Return the next video; None at the end."""
    item: str | Exception | None = feed.recv()
    if isinstance(item, Exception):
        raise item
    return item


def _feed(mouth: Connection, videos: Iterable[str]) -> None:
    """Pass videos on until there are no more or nobody listens, in a thread."""
    left = iter(videos)
    item: str | Exception | None = ""
    with mouth, suppress(OSError):
        while isinstance(item, str):
            try:
                item = next(left, None)
            except Exception as error:  # noqa: BLE001 (the consumer raises it)
                item = error
            mouth.send(item)


def _work(
    connection: Connection, options: dict[str, Any], raw: RawFormat | None, threads: int
) -> None:
    """Score the videos that arrive, in a process of its own, until there are no more."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the parent handles them and ends this
        signal.signal(number, signal.SIG_IGN)
    keep_freed_memory()
    torch.set_num_threads(threads)

    def arriving() -> Iterator[str]:
        with suppress(EOFError, OSError):
            while True:
                yield connection.recv()

    def answer(content: Score | Exception) -> None:
        try:
            connection.send(content)
        except OSError:  # the parent has gone
            os._exit(1)

    try:
        scorer = Scorer(**options)
        scorer.use_decoders(1)  # the other cores have processes of their own
        for score in scorer.score(arriving(), raw=raw):
            answer(score)
    except Exception as error:  # noqa: BLE001 (the parent raises it)
        answer(error)
