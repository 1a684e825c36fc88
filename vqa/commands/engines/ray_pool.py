"""Work on many items by Ray actors, each item exactly once, whatever becomes of the actors.

These are plain actors and not Ray Data, because Ray Data retries blocks and fails the job when a
block kills its actor too often: here a single item is retried, and costs only its own result.
"""

import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from vqa.commands.printing import say

TRIES = 3  # deaths of an actor that worked on nothing else
STARTS = 3  # deaths while the actors load, before the first has loaded
WAITING = 32  # items per actor that are taken from the iterable in advance
CALM_S = 5.0  # between two looks at the size of the cluster
IDLE_S = 0.2  # between two looks for items while actors have nothing to do


class Outcome(NamedTuple):
    """What became of an item.

    Attributes:
        item: The item.
        value: The result; None if there is none.
        error: Why there is none.
    """

    item: str
    value: Any = None
    error: str = ""


@dataclass(eq=False, slots=True)
class _Worker:
    """An actor and what it was given, in its order; `calls` answer the first of these."""

    actor: Any
    calls: deque[Any]
    loaded: bool = False
    alone: bool = False
    given: deque[str] = field(default_factory=deque)
    unsent: list[str] = field(default_factory=list)


class Pool:
    """Actors that work on items.

    An actor has two methods. `load()` makes it ready. `work(items)` takes further items and returns
    the result of the first that has none yet, so it may prepare the next ones meanwhile.

    If an actor dies, each of its items is a suspect and is given to an actor that does nothing
    else; one that ends three actors that way is given up. So neither a node that is lost nor an
    item that kills its neighbours costs an innocent item its result.

    Args:
        ray: The module.
        start: Starts an actor.
        size: Returns how many actors there should be now; a cluster may grow and shrink.
        ahead: Items that an actor is given at a time.
    """

    def __init__(
        self, ray: Any, start: Callable[[], Any], size: Callable[[], int], ahead: int = 3
    ) -> None:
        self.ray, self.start, self.size, self.ahead = ray, start, size, ahead
        self.workers: list[_Worker] = []
        self.suspects: deque[str] = deque()
        self.tries: dict[str, int] = {}  # of suspects
        self._failed_starts, self._looked, self._ended = 0, -CALM_S, False

    def outcomes(self, items: Iterable[str]) -> Generator[Outcome, None, None]:
        """Yield what becomes of each item, as soon as it is known, in any order.

        The items are taken in a thread, some in advance. Closing the iterator ends the actors.

        Raises:
            Exception: Actors cannot load at all, or the items cannot be taken from the iterable.
        """
        self._resize()
        feed: queue.Queue[Any] = queue.Queue(WAITING * max(1, len(self.workers)))
        gone = threading.Event()
        threading.Thread(target=_fill, args=(feed, items, gone), daemon=True).start()
        try:
            while True:
                self._resize()
                self._give(feed)
                if self._ended and not self.suspects and not any(w.given for w in self.workers):
                    return
                yield from self._answers()
        finally:
            gone.set()
            for worker in self.workers:
                self.ray.kill(worker.actor)

    def _resize(self) -> None:
        """Start actors that are missing; nobody ends one that works."""
        now = time.monotonic()
        if now - self._looked < CALM_S:
            return
        self._looked = now
        if self._failed_starts < STARTS:
            self._start(self.size() - len(self.workers))

    def _start(self, count: int) -> None:
        for _ in range(count):
            actor = self.start()
            self.workers.append(_Worker(actor, deque([actor.load.remote()])))

    def _give(self, feed: "queue.Queue[Any]") -> None:
        """Give items to actors that have room for them; the first one takes the suspects."""
        for place, worker in enumerate(one for one in self.workers if one.loaded):
            if worker.alone:
                continue
            if self.suspects and not worker.given:
                worker.alone = True
                self._add(worker, self.suspects.popleft())
            waits = worker.alone or (self.suspects and place == 0)
            while not waits and not self._ended and len(worker.given) < self.ahead:
                try:
                    item = feed.get_nowait()
                except queue.Empty:
                    break
                if isinstance(item, Exception):
                    raise item
                self._ended = item is None
                if item is not None:
                    self._add(worker, item)
            while len(worker.calls) < min(2, len(worker.given)):
                worker.calls.append(worker.actor.work.remote(worker.unsent))
                worker.unsent = []

    @staticmethod
    def _add(worker: _Worker, item: str) -> None:
        worker.given.append(item)
        worker.unsent.append(item)

    def _answers(self) -> Iterator[Outcome]:
        """Wait for an actor, and yield what is known then."""
        waiting = {worker.calls[0]: worker for worker in self.workers if worker.calls}
        if not waiting:
            time.sleep(IDLE_S)
            return
        idle = any(worker.loaded and not worker.given for worker in self.workers)
        timeout = IDLE_S if idle and not self._ended else CALM_S
        ready, others = self.ray.wait(list(waiting), num_returns=1, timeout=timeout)
        if ready and others:
            ready += self.ray.wait(others, num_returns=len(others), timeout=0)[0]
        for call in ready:
            worker = waiting[call]
            try:
                value = self.ray.get(call)
            except self.ray.exceptions.RayError as error:
                yield from self._died(worker, error)
                continue
            worker.calls.popleft()
            if not worker.loaded:
                worker.loaded, self._failed_starts = True, 0
                continue
            item = worker.given.popleft()
            worker.alone = False
            self.tries.pop(item, None)
            yield Outcome(item, value)

    def _died(self, worker: _Worker, error: Exception) -> Iterator[Outcome]:
        """Replace an actor that is gone or broken; its items are suspects."""
        self.workers.remove(worker)
        self.ray.kill(worker.actor)
        cause = _line(error)
        if not worker.loaded:
            self._failed_starts += 1
            if isinstance(error, self.ray.exceptions.RayTaskError):
                raise _cause_of(error)
            if self._failed_starts >= STARTS and not any(one.loaded for one in self.workers):
                raise RuntimeError(f"workers end while they load the model: {cause}")
        elif worker.alone:
            (item,) = worker.given
            self.tries[item] = self.tries.get(item, 0) + 1
            if self.tries[item] < TRIES:
                self.suspects.append(item)
            else:
                del self.tries[item]
                yield Outcome(item, None, f"{TRIES} workers ended on it: {cause}")
        else:
            self.suspects += worker.given
            say(f"a worker ended ({cause}); its files are scored again", sys.stderr)
        if self._failed_starts < STARTS and len(self.workers) < self.size():
            self._start(1)


def _fill(feed: "queue.Queue[Any]", items: Iterable[str], gone: threading.Event) -> None:
    """Put the items into a queue until there are no more or nobody listens, in a thread."""
    left = iter(items)
    item: Any = ""
    while isinstance(item, str) and not gone.is_set():
        try:
            item = next(left, None)
        except Exception as error:  # noqa: BLE001 (the consumer raises it)
            item = error
        while not gone.is_set():
            try:
                feed.put(item, timeout=1)
                break
            except queue.Full:
                continue


def _cause_of(error: Any) -> Exception:
    """Return the exception that an actor raised, without Ray's own text."""
    return error.cause if isinstance(error.cause, Exception) else RuntimeError(_line(error))


def _line(error: Exception) -> str:
    """Return an error of Ray in one line."""
    cause = getattr(error, "cause", None) or error
    text = " ".join(str(cause).split())
    return text[:300] or type(error).__name__
