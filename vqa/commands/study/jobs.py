"""What a study is made of: trainings, tests of them, and the cells that show their numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vqa.commands.experiment import Experiment
from vqa.commands.study.definition import Item


@dataclass(eq=False)
class Training:
    """One training, whatever asks for it.

    Attributes:
        name: Its name in the study, or its overrides without those that all have.
        experiment: What is trained.
        needs: Trainings whose run folders its overrides name.
        absent: Why it cannot be done: its database is not here. Empty if it can.
    """

    name: str
    experiment: Experiment
    needs: Sequence["Training"] = ()
    absent: str = ""

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.experiment.folder

    @property
    def database(self) -> str:
        """Name of its database."""
        return str(self.experiment.config["data"]["name"])


@dataclass(eq=False)
class Test:
    """One test of a trained model.

    Attributes:
        training: The training whose models are tested.
        data: The database to test on; None tests the run's own parts.
        settings: What the models are told at test time, by key.
        absent: Why it cannot be done; empty if it can.
    """

    __test__ = False  # not a test of pytest's

    training: Training
    data: Experiment | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    absent: str = ""

    @property
    def database(self) -> str:
        """Name of the database that is tested on."""
        return (
            self.training.database if self.data is None else str(self.data.config["data"]["name"])
        )

    @property
    def is_stored(self) -> bool:
        """True if the training itself stores the predictions."""
        return self.data is None and not self.settings


@dataclass(frozen=True, slots=True)
class Part:
    """A test that a cell is made of.

    Attributes:
        weight: Its factor.
        place: Keys of block, row and column of the cell that shows it alone.
        test: The test.
        part: `test`, or `val`.
        sizes: Sizes of the videos that count; empty for all.
        other_sizes: Sizes of the videos that do not count.
    """

    weight: float
    place: tuple[tuple[str, str], ...]
    test: Test
    part: str = "test"
    sizes: Sequence[str] = ()
    other_sizes: Sequence[str] = ()


@dataclass(eq=False)
class Cell:
    """One number of the table.

    Attributes:
        block: Its block.
        row: Its row.
        column: Its column.
        metric: Name of its metric.
        terms: What makes it up: one test, or those of an average or a difference.
        by_videos: Whether the weights are the sizes of the databases.
        printed: The printed number, or None.
        printed_deviation: The printed deviation over splits, or None.
        empty: Why there is nothing to compute, such as a database tested on itself.
    """

    block: Item
    row: Item
    column: Item
    metric: str
    terms: Sequence["Part"] = ()
    by_videos: bool = False
    printed: float | None = None
    printed_deviation: float | None = None
    empty: str = ""
