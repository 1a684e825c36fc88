"""What keeps the rows of a scoring job: a journal beside the outputs, or a dataset."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from vqa.commands.scoring.journal import Row


class Keeper(Protocol):
    """Keeps rows, and knows those of earlier starts of the same job.

    Attributes:
        count: Number of scores that this start added.
        name: Where they are, for people.
    """

    count: int
    name: str

    def reusable(self, path: str) -> int | None:
        """Return the place of a row for a file with the content that it has now; None without one.

        Several threads may ask at the same time.
        """

    def entry(self, place: int) -> Mapping[str, Any]:
        """Return the score at a place; its timeline may be left out."""

    def add(self, row: Row) -> int:
        """Keep a row; return its place."""

    def rows(self, places: Iterable[int]) -> Iterator[Row]:
        """Yield the rows at these places."""

    def close(self, *, done: bool) -> None:
        """End; `done` says that the job came to its end."""
