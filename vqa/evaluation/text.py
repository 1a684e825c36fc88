"""Numbers and results as plain text for the terminal."""

import math
from collections.abc import Sequence

import numpy as np

from vqa.evaluation.metrics import cards
from vqa.evaluation.results import Results, Summary

ABSENT = "–"
TABLE_SPLITS = 20


def format_table(results: Results) -> str:
    """Return the results as an aligned table: splits, median, mean, std, interval."""
    names = cards.table()
    header = ["split", "n", *map(cards.title_of, names)]
    splits, summary = results.splits, results.summary
    rows = [
        [name, str(part.n), *(number(part.value(metric)) for metric in names)]
        for name, part in list(splits.items())[:TABLE_SPLITS]
    ]
    if len(splits) > TABLE_SPLITS:
        rows.append([f"... {len(splits) - TABLE_SPLITS} more"] + [""] * (len(header) - 1))
    rule = len(rows)
    if len(splits) > 1:
        spread = {"median": summary.median, "mean": summary.mean, "std": summary.std}
        for name, values in spread.items():
            rows.append([name, "", *(number(values.get(metric)) for metric in names)])
    percent = f"{100 * results.bootstrap.level:g} %"
    for end, name in enumerate([f"{percent} from", f"{percent} to"]):
        rows.append([name, "", *(number(summary.interval(metric)[end]) for metric in names)])
    lines = aligned_rows([header, *rows])
    dashes = "-" * len(lines[0])
    also = ", ".join(f"{title} {value}" for title, value in alongside_values(summary))
    body = [lines[0], dashes, *lines[1 : rule + 1], dashes, *lines[rule + 1 :]]
    return "\n".join([*body, f"also: {also}"] if also else body)


def alongside_values(summary: Summary) -> list[tuple[str, str]]:
    """Return title and value, with its interval if it has one, of each defined metric alongside."""
    shown = []
    for name, value in summary.alongside.items():
        low, high = summary.interval(name)
        if not math.isnan(value):
            ends = "" if math.isnan(low) else f" ({number(low)} to {number(high)})"
            shown.append((cards.title_of(name), number(value) + ends))
    return shown


def aligned_rows(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines of equal width; all columns but the first align right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    ]


def number(value: float | None, digits: int = 4) -> str:
    """Return a value as text; `nan` if it is undefined (None in JSON)."""
    return "nan" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def seconds_text(value: float | None) -> str:
    """Return seconds with three significant digits; a dash if they are unknown."""
    if value is None or not math.isfinite(value):
        return ABSENT
    text = np.format_float_positional(value, precision=3, unique=False, fractional=False)
    return text.rstrip(".")
