"""A study as its YAML file states it: the rows and columns of a table, or what a figure shows."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from vqa.commands import configuration
from vqa.commands.configuration import UsageError
from vqa.evaluation.metrics import cards

AXES = ("blocks", "rows", "columns")
DEVIATIONS = ("sample", "population")


@dataclass(frozen=True, slots=True)
class Item:
    """A block, row or column of a table.

    Attributes:
        name: Its heading, different in each group.
        group: A heading over neighbours that share it.
        train: Overrides of the training of its cells.
        test: Overrides of the test: another database (`data=...`), or settings that the trained
            model is tested with.
        metric: Metric of its cells, instead of the study's `metrics`.
        average: Names of neighbours, in its group, whose mean it is.
        weights: `equal`, or `videos`: by the sizes of the databases.
        minus: Two names of neighbours, in its group: the first less the second.
        part: Part of each split that is reported: `test`, or `val`, to measure what choosing an
            epoch on the reported part does.
        sizes: Test only videos of these sizes, such as `1280x720`.
        other_sizes: Test only videos of other sizes than these.
        as_printed: Only printed numbers: another method, which this study does not run.
        x: Of a row: its place on the horizontal axis of a curve.
        file: Its part in the names of released files of predictions.
        printed: Of a row: the printed numbers, one for each column and metric, None where nothing
            is printed; by the names of blocks if there are several.
        printed_deviation: Of a row: the same for printed deviations.
    """

    name: str
    group: str = ""
    train: Sequence[str] = ()
    test: Sequence[str] = ()
    metric: str | None = None
    average: Sequence[str] = ()
    weights: str = "equal"
    minus: Sequence[str] = ()
    part: str = ""
    sizes: Sequence[str] = ()
    other_sizes: Sequence[str] = ()
    as_printed: bool = False
    x: float | None = None
    file: str = ""
    printed: Any = ()
    printed_deviation: Any = ()

    @property
    def key(self) -> tuple[str, str]:
        """Its group and name."""
        return self.group, self.name

    @property
    def derived(self) -> bool:
        """True if its cells follow from those of its neighbours."""
        return bool(self.average or self.minus)


@dataclass(frozen=True, slots=True)
class Study:
    """A table or a figure, as data.

    Attributes:
        name: `<paper>/<table>`, or the stem of the user's own file.
        title: What it shows.
        source: Where the printed numbers are from.
        notes: Sentences under the table.
        overrides: Of the training of every cell.
        trainings: All overrides of further trainings by name. `{name}` in an override is the run
            folder of that training.
        blocks: Tables under each other; one without a name by default.
        rows: Rows of each block.
        columns: Columns.
        metrics: The innermost columns, unless rows or columns have metrics of their own.
        aggregate: Over the splits of a training: `median` or `mean`.
        deviation: Which deviation over the splits is shown: `sample` (n - 1) or `population` (n).
        digits: Decimals.
        released: Names of released files of predictions, such as `{row}_{column}`.
        databases: What a figure shows, if it is no drawing of a table.
        figure: Target and settings of a figure. With rows it is called with the numbers of the
            table, see `vqa.commands.study.values.to_draw`; without, with a `Material`.
        smoke: In smoke size: `overrides` of every training, or settings of the figure.
    """

    name: str
    title: str
    source: str = ""
    notes: Sequence[str] = ()
    overrides: Sequence[str] = ()
    trainings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    blocks: Sequence[Item] = (Item(""),)
    rows: Sequence[Item] = ()
    columns: Sequence[Item] = ()
    metrics: Sequence[str] = ()
    aggregate: str = "median"
    deviation: str | None = None
    digits: int = 4
    released: str = ""
    databases: Sequence[str] = ()
    figure: Mapping[str, Any] | None = None
    smoke: Mapping[str, Any] = field(default_factory=dict)

    def axis(self, name: str) -> Sequence[Item]:
        """Return the items of an axis."""
        items: Sequence[Item] = getattr(self, name)
        return items

    def cells(self) -> Iterator[tuple[Item, Item, Item, str]]:
        """Yield block, row, column and metric of each cell, in the order of reading."""
        for block in self.blocks:
            for row in self.rows:
                for column in self.columns:
                    own = next((one.metric for one in (row, column, block) if one.metric), None)
                    for metric in (own,) if own else self.metrics:
                        yield block, row, column, metric

    def printed_of(self, block: Item, row: Item, column: Item, metric: str) -> list[float | None]:
        """Return the printed number of a cell and its deviation, None where there is none."""
        width = 1 if row.metric or column.metric or block.metric else len(self.metrics)
        place = list(self.columns).index(column) * width
        place += list(self.metrics).index(metric) if width > 1 else 0
        lines = [_of_block(table, block) for table in (row.printed, row.printed_deviation)]
        return [line[place] if line else None for line in lines]

    def neighbours(self, axis: str, item: Item) -> dict[str, Item]:
        """Return the items of an axis that are in the group of one, by name."""
        return {one.name: one for one in self.axis(axis) if one.group == item.group}


def _of_block(table: Any, block: Item) -> Sequence[float | None]:
    """Return the printed numbers of a row in a block."""
    if isinstance(table, Mapping):
        table = table.get(block.name) or ()
    return list(table)


def names(config_dir: str | None = None) -> dict[str, Path]:
    """Return the files of all studies by name."""
    more = [Path(config_dir)] if config_dir else []
    return configuration.choices("study", *more)


def read(name: str, config_dir: str | None = None) -> Study:
    """Read a study by its name, or from a YAML file of the user's own.

    Raises:
        UsageError: There is no such study, or its file is wrong; one line.
    """
    own = Path(name)
    known = names(config_dir)
    path = own if own.suffix in (".yaml", ".yml") else known.get(name)
    if path is None or not path.is_file():
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or list(known)
        raise UsageError(
            f"study {name}: expected a YAML file or one of the studies of `vqa study`, such as "
            f"{', '.join(near)}"
        )
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return parse(own.stem if path is own else name, content)
    except (UnicodeDecodeError, yaml.YAMLError, ValueError, TypeError) as error:
        raise UsageError(f"{path}: {' '.join(str(error).split())}") from error


def parse(name: str, content: Any) -> Study:
    """Make a study of the content of its file.

    Raises:
        ValueError: A key that does not exist, or a value that cannot be meant.
    """
    if not isinstance(content, dict) or not content.get("title"):
        raise ValueError("expected a mapping with a title; docs/guides/studies.md shows one")
    _known(content, Study.__dataclass_fields__.keys() - {"name"}, "a study")
    axes = {axis: tuple(map(_item, content[axis])) for axis in AXES if content.get(axis)}
    study = Study(name, **(content | axes))
    _check(study)
    return study


def _item(content: Any) -> Item:
    content = {"name": content} if not isinstance(content, dict) else content
    if "name" not in content:
        raise ValueError(f"expected rows and columns with a name, found {content}")
    _known(content, Item.__dataclass_fields__, f"row or column {content['name']!r}")
    return Item(**(content | {"name": str(content["name"])}))


def _known(content: Mapping[str, Any], keys: Any, what: str) -> None:
    if wrong := sorted(set(map(str, content)) - set(keys)):
        raise ValueError(f"{what}: expected {', '.join(sorted(keys))}; found {', '.join(wrong)}")


def _check(study: Study) -> None:
    if not study.rows and study.figure is None:
        raise ValueError("expected rows and columns, or a figure")
    if not study.rows:
        return
    if not study.columns:
        raise ValueError("expected columns")
    if study.aggregate not in ("median", "mean"):
        raise ValueError(f"aggregate={study.aggregate}: expected median or mean")
    if study.deviation not in (None, *DEVIATIONS):
        raise ValueError(f"deviation={study.deviation}: expected sample, population or null")
    for axis in AXES:
        items = study.axis(axis)
        if len({item.key for item in items}) < len(items):
            raise ValueError(f"{axis}: expected different names in each group")
        for item in items:
            if wrong := {*item.average, *item.minus} - study.neighbours(axis, item).keys():
                raise ValueError(f"{axis}, {item.name}: there is no {', '.join(sorted(wrong))}")
            if item.minus and len(item.minus) != 2:
                raise ValueError(f"{axis}, {item.name}: expected minus with two names")
            if item.weights not in ("equal", "videos"):
                raise ValueError(f"{axis}, {item.name}: expected weights equal or videos")
            if item.part not in ("", "test", "val"):
                raise ValueError(f"{axis}, {item.name}: expected part test or val")
    width = 0
    for block, row, column, metric in study.cells():
        if metric not in cards.METRICS:
            raise ValueError(f"metric {metric}: expected one of {', '.join(cards.METRICS)}")
        width += (block, row) == (study.blocks[0], study.rows[0])
        del column
    if not width:
        raise ValueError("expected metrics, in the study or its rows or columns")
    _check_printed(study, width)


def _check_printed(study: Study, width: int) -> None:
    blocks = {block.name for block in study.blocks}
    for row in study.rows:
        for key in ("printed", "printed_deviation"):
            table = getattr(row, key)
            if isinstance(table, Mapping) and (wrong := set(table) - blocks):
                raise ValueError(f"{row.name}, {key}: there is no block {', '.join(sorted(wrong))}")
            lines = table.values() if isinstance(table, Mapping) else [table] if table else []
            for line in lines:
                if len(line) != width:
                    raise ValueError(
                        f"{row.name}, {key}: expected {width} numbers, found {len(line)}"
                    )
