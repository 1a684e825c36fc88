"""What the pages call things, and how they write numbers."""

from collections.abc import Sequence

from vqa.evaluation.groups import GROUPINGS
from vqa.evaluation.results import TITLES, number

ABSENT = "–"


def metric_title(metric: str) -> str:
    """A metric as people write it."""
    return TITLES.get(metric, metric)


def grouping_title(by: str) -> str:
    """What videos are grouped by, as people write it."""
    return GROUPINGS.get(by, by.replace("_", " ").capitalize())


def shown(value: float | None, digits: int = 4) -> str:
    """A number as text, a dash where it is undefined (nan, None in JSON)."""
    text = number(value, digits)
    return ABSENT if text == "nan" else text


def known(value: float | None) -> bool:
    """Whether there is a number."""
    return number(value) != "nan"


def span(ends: Sequence[float | None] | None, digits: int = 3) -> str:
    """An interval as text, nothing where it is undefined."""
    if not ends or not all(map(known, ends)):
        return ""
    return f"{number(ends[0], digits)} to {number(ends[1], digits)}"


def percent(level: float) -> str:
    """A share as text."""
    return f"{100 * level:g} %"


def probability(value: float | None) -> str:
    """A p value as text."""
    return "< 0.001" if known(value) and value < 0.001 else shown(value, 3)


def plural(count: int, noun: str) -> str:
    """A count with its noun."""
    return f"{count} {noun if count == 1 else noun + 's'}"
