"""Lists of names in messages, which stay one line however many names there are."""

from collections.abc import Sequence


def some(names: Sequence[str], most: int = 3) -> str:
    """The first names, and how many more there are: `a, b, c and 2 more`.

    Args:
        names: All of them.
        most: How many to show.
    """
    shown = ", ".join(names[:most])
    rest = len(names) - most
    return f"{shown} and {rest} more" if rest > 0 else shown
