"""One iterable for several threads that each need all of its items."""

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def shared(items: Iterable[Item], readers: int) -> list[Iterable[Item]]:
    """Return iterables of the same items, each for a thread of its own.

    An item is taken when the first reader asks for it and kept until the last one has it. While one
    reader waits for the next item, the others get those before.

    Args:
        items: Read once.
        readers: Number of iterables.
    """
    if readers == 1:
        return [items]
    source = _Source(items, readers)
    return [source.items(number) for number in range(readers)]


class _Source:
    """The items that some readers still need; `None` is their end."""

    def __init__(self, items: Iterable, readers: int) -> None:
        self._items = iter(items)
        self._waiting: list[deque] = [deque() for _ in range(readers)]
        self._changed = threading.Condition()
        self._taking = False
        self._error: BaseException | None = None

    def items(self, number: int) -> Iterator:
        """Yield all items to one reader.

        Raises:
            BaseException: That of the iterable; every reader gets it.
        """
        while (item := self._next(self._waiting[number])) is not None:
            yield item

    def _next(self, mine: deque) -> object:
        with self._changed:
            while not mine and self._taking:
                self._changed.wait()
            if mine:
                return self._given(mine)
            self._taking = True
        try:
            item = next(self._items, None)
        except BaseException as error:  # noqa: BLE001 (raised by every reader)
            item, self._error = None, error
        with self._changed:
            for queue in self._waiting:
                queue.append(item)
            self._taking = False
            self._changed.notify_all()
            return self._given(mine)

    def _given(self, mine: deque) -> object:
        item = mine.popleft()
        if item is None and self._error is not None:
            raise self._error
        return item
