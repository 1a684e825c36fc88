"""The cells of study.json as blocks, rows and columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vqa.evaluation.text import ABSENT, number
from vqa.reports.words import known, percent, span

Cell = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a block with its cells from left to right.

    Attributes:
        name: Its name.
        group: The heading over it and its neighbours.
        heading: The group if the row is its first, else empty.
        cells: Its cells.
    """

    name: str
    group: str
    heading: str
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Block:
    """A table of a study: its heading and rows."""

    name: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Head:
    """The headings over one column of numbers, from the widest to the narrowest."""

    group: str
    column: str
    metric: str


def blocks_of(study: Mapping[str, Any]) -> list[Block]:
    """Arrange the cells of study.json, which are in the order of reading."""
    by_place: dict[tuple[str, ...], list[Cell]] = {}
    for cell in study["cells"]:
        place = (cell["block"], cell["row_group"], cell["row"])
        by_place.setdefault(place, []).append(cell)
    before = ["", *(row["group"] for row in study["rows"])]
    rows = [
        (row["name"], row["group"], row["group"] if row["group"] != last else "")
        for row, last in zip(study["rows"], before, strict=False)
    ]
    return [
        Block(
            block["name"],
            [
                Line(name, group, heading, by_place[block["name"], group, name])
                for name, group, heading in rows
            ],
        )
        for block in study["blocks"]
    ]


def heads_of(study: Mapping[str, Any]) -> list[Head]:
    """Return the headings of all columns of numbers."""
    lines = [line for block in blocks_of(study) for line in block.lines]
    heads = []
    for place, cell in enumerate(lines[0].cells):
        metrics = {line.cells[place]["metric"] for line in lines}
        metric = study["titles"][cell["metric"]] if len(metrics) == 1 else ""
        heads.append(Head(cell["column_group"], cell["column"], metric))
    # One metric for the whole table is said in its title.
    if len({head.metric for head in heads}) == 1 and len(heads) == len(study["columns"]):
        return [Head(head.group, head.column, "") for head in heads]
    return heads


def metric_of_all(study: Mapping[str, Any]) -> str:
    """Return the title of the only metric of a table; empty if it has several."""
    titles = set(study["titles"].values())
    return titles.pop() if len(titles) == 1 else ""


def ours(cell: Cell, study: Mapping[str, Any]) -> str:
    """Return our number with its deviation; a dash if there is none."""
    if not known(cell["value"]):
        return ABSENT
    key = "std_population" if study["deviation"] == "population" else "std"
    spread = cell[key] if study["deviation"] else None
    return number(cell["value"], study["digits"]) + _deviation(spread, study["digits"])


def interval(cell: Cell) -> str:
    """Return our interval; empty if there is none."""
    return span((cell["low"], cell["high"]))


def printed(cell: Cell, study: Mapping[str, Any]) -> str:
    """Return the printed number with its deviation; empty if none is printed."""
    if not known(cell["printed"]):
        return ""
    text = number(cell["printed"], study["digits"])
    return text + _deviation(cell["printed_deviation"], study["digits"])


def difference(cell: Cell, study: Mapping[str, Any]) -> str:
    """Return ours less the printed number, and whether our interval holds the printed one."""
    if not known(cell["difference"]):
        return ""
    text = f"{round(cell['difference'], study['digits']) + 0.0:+.{study['digits']}f}"
    return text if cell["inside"] is None else f"{text} {'inside' if cell['inside'] else 'outside'}"


def labels(study: Mapping[str, Any]) -> dict[str, str]:
    """Return what each line under a row shows."""
    return {
        "interval": f"{percent(study['level'])} interval",
        "printed": "printed",
        "difference": "difference",
    }


def _deviation(value: float | None, digits: int) -> str:
    return f" ± {number(value, digits)}" if known(value) else ""
