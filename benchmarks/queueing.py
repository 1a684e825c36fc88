"""A discrete-event simulation of videos that pass through shared resources, in order of arrival.

A resource (a disk, a link, cores, a GPU, the driver) serves a number of items at a time, the others
wait in line. Workers take the next item from one common queue whenever they hold fewer than they
may, so a slow worker takes fewer; what an item needs is a list of (resource, seconds).
"""

import heapq
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Route = Sequence[tuple[str, float]]  # resources that an item needs one after another, with seconds


@dataclass(slots=True)
class _Resource:
    free: int
    line: deque["_Item"] = field(default_factory=deque)
    busy_s: float = 0.0


@dataclass(slots=True)
class _Item:
    worker: int
    route: Route
    step: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a simulation found.

    Attributes:
        seconds: Until the last item was done.
        items: Number of items.
        used: Resource -> share of its capacity that was in use.
    """

    seconds: float
    items: int
    used: Mapping[str, float]

    @property
    def rate(self) -> float:
        """Items per second."""
        return self.items / self.seconds

    @property
    def limit(self) -> str:
        """The resource that was in use most."""
        return max(self.used, key=lambda name: self.used[name])


def simulate(
    items: int,
    route: Callable[[int, int], Route],
    resources: Mapping[str, int],
    workers: int,
    *,
    ahead: int,
    start_s: float = 0.0,
) -> Outcome:
    """Pass items through resources until all are done.

    Args:
        items: Number of items in the common queue.
        route: (number of the item, number of the worker) -> what it needs there.
        resources: Name -> number of items that it serves at a time.
        workers: Number of workers.
        ahead: Items that a worker holds at most: in service, in line, or done but not yet followed.
        start_s: Seconds before a worker takes its first item.
    """
    pools = {name: _Resource(count) for name, count in resources.items()}
    events: list[tuple[float, int, _Item | int]] = []  # an item that leaves a resource, or a worker
    ticket = taken = done = 0
    now = 0.0

    def at(when: float, what: _Item | int) -> None:
        nonlocal ticket
        ticket += 1
        heapq.heappush(events, (when, ticket, what))

    def enter(item: _Item) -> None:
        pool = pools[item.route[item.step][0]]
        if pool.free:
            pool.free -= 1
            serve(item, pool)
        else:
            pool.line.append(item)

    def serve(item: _Item, pool: _Resource) -> None:
        seconds = item.route[item.step][1]
        pool.busy_s += seconds
        at(now + seconds, item)

    def take(worker: int) -> None:
        nonlocal taken
        if taken < items:
            taken += 1
            enter(_Item(worker, route(taken - 1, worker)))

    for worker in range(workers):
        for _ in range(ahead):
            at(start_s, worker)
    while events:
        now, _, what = heapq.heappop(events)
        if isinstance(what, int):
            take(what)
            continue
        pool = pools[what.route[what.step][0]]
        if pool.line:
            serve(pool.line.popleft(), pool)
        else:
            pool.free += 1
        what.step += 1
        if what.step < len(what.route):
            enter(what)
        else:
            done += 1
            take(what.worker)
    used = {name: one.busy_s / (now * resources[name]) for name, one in pools.items()}
    return Outcome(now, done, used)
