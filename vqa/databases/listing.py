"""Names for messages, shortened to one line."""

from collections.abc import Sequence

LONGEST = 200


def some(names: Sequence[str], most: int = 3) -> str:
    """Return the first names and the number of the rest, for example `a, b, c and 2 more`.

    Args:
        names: All names.
        most: How many to show.
    """
    shown = ", ".join(map(one_line, names[:most]))
    rest = len(names) - most
    return f"{shown} and {rest} more" if rest > 0 else shown


def one_line(name: str) -> str:
    r"""Return a name that keeps a message in one line: shortened, with escapes for line ends.

    Examples:
        >>> from vqa.databases.listing import one_line
        >>> one_line("a\nb.mp4")
        'a\\nb.mp4'
    """
    if len(name) <= LONGEST and name.isprintable():
        return name
    # The end of a long path says more than its middle.
    text = name if len(name) <= LONGEST else f"{name[:50]}...{name[53 - LONGEST :]}"
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
