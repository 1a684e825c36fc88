"""Lists of names for messages, shortened to one line."""

from collections.abc import Sequence


def some(names: Sequence[str], most: int = 3) -> str:
    """Return the first names and the number of the rest, for example `a, b, c and 2 more`.

    Args:
        names: All names.
        most: How many to show.
    """
    shown = ", ".join(names[:most])
    rest = len(names) - most
    return f"{shown} and {rest} more" if rest > 0 else shown
