"""Names and numbers as the pages write them."""

from collections.abc import Sequence

from vqa.evaluation.groups import GROUPINGS
from vqa.evaluation.text import ABSENT, number


def grouping_title(by: str) -> str:
    """Return the title of a grouping of videos."""
    return GROUPINGS.get(by, by.replace("_", " ").capitalize())


def shown(value: float | None, digits: int = 4) -> str:
    """Return a number as text; a dash if it is undefined (NaN, None in JSON)."""
    text = number(value, digits)
    return ABSENT if text == "nan" else text


def known(value: float | None) -> bool:
    """Return whether a value is a number."""
    return number(value) != "nan"


def span(ends: Sequence[float | None] | None, digits: int = 3) -> str:
    """Return an interval as text; empty if it is undefined."""
    if not ends or not all(map(known, ends)):
        return ""
    return f"{number(ends[0], digits)} to {number(ends[1], digits)}"


def percent(level: float) -> str:
    """Return a share as text."""
    return f"{100 * level:g} %"


def probability(value: float | None) -> str:
    """Return a p value as text."""
    return "< 0.001" if known(value) and value < 0.001 else shown(value, 3)


def plural(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count} {noun if count == 1 else noun + 's'}"
