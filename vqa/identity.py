"""The identity of a file: what says that a file is the one that was read before.

`content` is the SHA-256 of all its bytes. `sampled` is a hash of its size, its time of change and
some of its bytes: it costs the same for a file of any size, but misses a change that keeps all
three, and takes a copy with another time for another file. A sampled identity begins with
`sampled:`, so one kind is never taken for the other.
"""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from vqa.files import content_hash, opened_at_once, regular_state

if TYPE_CHECKING:
    from concurrent.futures import Future

KINDS = ("content", "sampled")
SAMPLED = "sampled:"
BLOCKS, BLOCK_BYTES = 8, 2**16  # read for a sampled identity: first, last, and six in between
THREADS = max(4, min(16, os.cpu_count() or 1))  # the hash releases Python's lock

Identify = Callable[[Path], str]
Item = TypeVar("Item")
Result = TypeVar("Result")


def identity_of(path: str | os.PathLike[str], kind: str = "content") -> str:
    """Return the identity of a file.

    Args:
        path: The file.
        kind: `content` or `sampled`.

    Raises:
        OSError: The file cannot be read, or is not a regular file.
        ValueError: An unknown kind.
    """
    if kind not in KINDS:
        raise ValueError(f"identity={kind!r}: expected {' or '.join(KINDS)}")
    return content_hash(path) if kind == "content" else _sampled(path)


class Identities:
    """The identities of the files of one job.

    Args:
        kind: `content` or `sampled`.
        remember: Keep the identity that each file had when it was first asked for, so that all
            parts of the job speak of the same content and nothing is hashed twice.
        is_copy: Whether a file is a short-lived copy, which is identified by its content, and not
            remembered.
    """

    def __init__(
        self,
        kind: str = "content",
        *,
        remember: bool = False,
        is_copy: Callable[[Path], bool] | None = None,
    ) -> None:
        self.kind, self.is_copy = kind, is_copy
        self._known: dict[Path, str] | None = {} if remember else None

    def now(self, path: Path) -> str:
        """Return the identity that a file has now.

        Raises:
            OSError: The file cannot be read.
        """
        return identity_of(path, "content" if self._is_copy(path) else self.kind)

    def first(self, path: Path) -> str:
        """Return the identity that a file had when it was first asked for, if that is kept.

        Raises:
            OSError: The file cannot be read.
        """
        if self._known is None or self._is_copy(path):
            return self.now(path)
        if (found := self._known.get(path)) is None:
            found = self._known.setdefault(path, self.now(path))  # the first of several threads
        return found

    def _is_copy(self, path: Path) -> bool:
        return self.is_copy is not None and self.is_copy(path)


def kind_of(identity: str) -> str:
    """Return the kind of an identity.

    Examples:
        >>> from vqa.identity import kind_of
        >>> kind_of("sampled:9f86d081"), kind_of("9f86d081")
        ('sampled', 'content')
    """
    return "sampled" if identity.startswith(SAMPLED) else "content"


def is_same(path: str | os.PathLike[str], identity: str) -> bool:
    """Return whether a file still has an identity, which says how to look."""
    try:
        return bool(identity) and identity_of(path, kind_of(identity)) == identity
    except OSError:
        return False


def ahead(
    items: Iterable[Item], work: Callable[[Item], Result], threads: int = THREADS
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with its result, in order; a few threads work on the items that follow.

    At most `2 * threads` items are taken ahead, so that files which are hashed now are still in the
    memory of the system when they are decoded.

    Args:
        items: Must not block: the next are taken before the first is yielded.
        work: What to do with each.
        threads: Number of threads.
    """
    from concurrent.futures import ThreadPoolExecutor  # here, because a command line needs none

    waiting: deque[tuple[Item, Future[Result]]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="ahead")
    try:
        for item in items:
            waiting.append((item, pool.submit(work, item)))
            if len(waiting) == 2 * threads:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _sampled(path: str | os.PathLike[str]) -> str:
    with open(path, "rb", opener=opened_at_once) as file:
        *_, size, changed_ns, _ = regular_state(file)
        digest = hashlib.sha256(f"{size} {changed_ns}".encode())
        last = max(0, size - BLOCK_BYTES)
        for place in sorted({last * number // (BLOCKS - 1) for number in range(BLOCKS)}):
            file.seek(place)
            digest.update(file.read(BLOCK_BYTES))
    return SAMPLED + digest.hexdigest()
