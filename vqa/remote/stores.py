"""A folder of files that are each written in one step: on a local disk or in an object store."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from vqa.files import replacing, shown, user_path
from vqa.remote.addresses import clean, protocol_of, public
from vqa.remote.objects import FetchError, filesystem


class Store:
    """The files of one folder, by name.

    A file under its name is complete: a local one gets its name when it is on the disk, and an
    object store shows an object when all of it has arrived.

    Args:
        place: A folder, or a URL such as `s3://bucket/folder/`. Credentials come from the
            environment or fsspec's configuration.

    Attributes:
        name: The place for people, without what a URL may hold of secrets.
        local: The folder; None for a URL.

    Raises:
        ValueError: A protocol that is unknown, or whose package is not installed.
    """

    def __init__(self, place: str | Path) -> None:
        text = str(place)
        self.local: Path | None = None
        if not protocol_of(text) or text.startswith("file://"):
            self.local = user_path(text.removeprefix("file://"))
            self.name = shown(self.local)
            return
        self.name = public(text)
        try:
            self._files, root = filesystem(text)
        except FetchError as error:
            raise ValueError(str(error)) from error
        self._root = root.rstrip("/")

    def names(self) -> dict[str, int]:
        """Return the size in bytes of each file, by name; none for a folder that is absent."""
        if self.local is not None:
            if not self.local.is_dir():
                return {}
            return {one.name: one.stat().st_size for one in self.local.iterdir() if one.is_file()}
        with self._clear("list"):
            try:
                found = self._files.ls(self._root, detail=True, refresh=True)
            except FileNotFoundError:
                return {}
        return {
            PurePosixPath(one["name"]).name: int(one["size"] or 0)
            for one in found
            if one["type"] == "file"
        }

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            FileNotFoundError: There is no such file.
            OSError: It cannot be read.
        """
        if self.local is not None:
            return (self.local / name).read_bytes()
        with self._clear("read"):
            content: bytes = self._files.cat_file(f"{self._root}/{name}")
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file in one step; the folder is created if it is absent.

        Raises:
            OSError: It cannot be written; what was there before stays.
        """
        if self.local is not None:
            with replacing(self.local / name) as temporary:
                temporary.write_bytes(content)
            return
        with self._clear("write"):
            self._files.pipe_file(f"{self._root}/{name}", content)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        if self.local is not None:
            (self.local / name).unlink(missing_ok=True)
            return
        with self._clear("remove"):
            try:
                self._files.rm_file(f"{self._root}/{name}")
            except FileNotFoundError:
                return

    def exists(self, name: str) -> bool:
        """Return whether there is such a file."""
        if self.local is not None:
            return (self.local / name).is_file()
        with self._clear("look for"):
            return bool(self._files.isfile(f"{self._root}/{name}"))

    @contextmanager
    def _clear(self, verb: str) -> Iterator[None]:
        """Say which place an error of a store is about, in one line and without secrets."""
        try:
            yield
        except Exception as error:
            # Stores raise what their own libraries do: botocore's errors are no OSError.
            kind = FileNotFoundError if isinstance(error, FileNotFoundError) else OSError
            cause = " ".join(clean(str(error)).split()) or type(error).__name__
            raise kind(
                f"{self.name}: cannot {verb} files there ({cause}); check that the bucket exists "
                "and that the credentials in the environment allow it"
            ) from error
