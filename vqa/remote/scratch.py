"""A folder for copies of files elsewhere, bounded in bytes, shared by all processes of a user.

`VQA_SCRATCH` names it, else it is in the system's folder for temporary files; `VQA_SCRATCH_GB` is
its size, 16 by default. Each process has a folder of its own in it, with a lock that it holds while
it lives, so what a killed process left is removed by the next one that starts. A copy's name states
the bytes that it takes, so the sum is known before they are written.
"""

import atexit
import fcntl
import itertools
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import IO

from vqa.files import decimal, shown, user_path
from vqa.remote.objects import FetchError

FOLDER, GIGABYTES = "VQA_SCRATCH", "VQA_SCRATCH_GB"  # environment variables
DEFAULT_GB = 16.0
WAIT_S = 0.1  # between two looks at a full folder
LOCK = "lock"


class Scratch:
    """The copies of this process.

    Args:
        root: The folder of all processes; made if absent.
        most_bytes: Of all copies together. One copy at a time is always allowed to a process.

    Raises:
        ValueError: The folder is another user's.
        OSError: It cannot be written to.
    """

    def __init__(self, root: Path, most_bytes: int) -> None:
        self.root, self.most_bytes = root, most_bytes
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = root.lstat()
        if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
            raise ValueError(
                f"{FOLDER}: {shown(root)} is not a folder of yours; set {FOLDER} to one that is"
            )
        self._numbers = itertools.count()
        with self._locked():
            self._clear()
            self.folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=root))
            self._lock = (self.folder / LOCK).open("wb")
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def reserve(self, size: int, suffix: str, is_stopped: Callable[[], bool] = bool) -> Path:
        """Return the path of an empty file for a copy, once there is room for it.

        Args:
            size: Its bytes.
            suffix: Of its name.
            is_stopped: Whether to wait no longer.

        Raises:
            FetchError: It was stopped while it waited.
        """
        suffix = suffix if re.fullmatch(r"\.\w{1,12}", suffix) else ""
        while not is_stopped():
            with self._locked():
                own = _bytes_in(self.folder)
                used = sum(_bytes_in(folder) or 0 for folder in self._folders())
                if own is None or used + size <= self.most_bytes:
                    path = self.folder / f"{next(self._numbers)}-{size}{suffix}"
                    path.touch()
                    return path
                self._clear()
            time.sleep(WAIT_S)
        raise FetchError("stopped while it waited for room")

    def release(self, path: Path) -> None:
        """Remove a copy; other files stay."""
        if path.parent == self.folder:
            path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove all copies of this process, and its folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()

    def _folders(self) -> list[Path]:
        return [path for path in self.root.iterdir() if path.name != LOCK]

    def _clear(self) -> None:
        """Remove the folders of processes that are gone."""
        for folder in self._folders():
            try:
                with (folder / LOCK).open("rb") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            except BlockingIOError:
                continue
            except OSError:  # it died before it had a lock
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        """Exclude all other processes and threads."""
        with (self.root / LOCK).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file


def scratch() -> Scratch:
    """Return the scratch folder of this process, made on first use and removed at its end.

    Raises:
        FetchError: A setting that cannot be followed.
    """
    with _LOCK:
        if os.getpid() not in _OWN:
            _OWN.clear()  # of the process that this one was forked from
            text = os.environ.get(GIGABYTES) or str(DEFAULT_GB)
            default = Path(tempfile.gettempdir()) / f"vqa-scratch-{os.getuid()}"
            try:
                most_bytes = int(decimal(text) * 10**9)
            except ValueError as error:
                raise FetchError(f"{GIGABYTES}={text}: expected a number, such as 50") from error
            try:
                made = Scratch(user_path(os.environ.get(FOLDER) or default), most_bytes)
            except (OSError, ValueError) as error:
                raise FetchError(f"no scratch folder for copies: {error}") from error
            atexit.register(_remove, os.getpid(), made)
            _OWN[os.getpid()] = made
        return _OWN[os.getpid()]


def release(path: Path) -> None:
    """Remove a copy of this process; any other file stays."""
    if (own := _OWN.get(os.getpid())) is not None:
        own.release(path)


def is_copy(path: Path) -> bool:
    """Return whether a file is a copy of this process."""
    own = _OWN.get(os.getpid())
    return own is not None and path.parent == own.folder


def _remove(process: int, made: Scratch) -> None:
    if process == os.getpid():
        made.remove()


def _bytes_in(folder: Path) -> int | None:
    """Return the bytes that the copies in a folder take; None if there is none."""
    try:
        names = [path.name for path in folder.iterdir() if path.name != LOCK]
    except OSError:
        return None
    sizes = [int(found[1]) for name in names if (found := re.match(r"\d+-(\d+)", name))]
    return sum(sizes) if sizes else None


_OWN: dict[int, Scratch] = {}
_LOCK = Lock()
