"""The trainings of a cross-database matrix, from the configuration of `cross`."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqa.commands import configuration
from vqa.commands.experiment import Experiment
from vqa.commands.preflight import check_experiment, check_folder
from vqa.commands.setting_rules import FOLDER_NAME
from vqa.files import user_path

if TYPE_CHECKING:
    from omegaconf import DictConfig

SHOWN = ("metric", "output")
OWN = ("train", "test", "whole", "shard", *SHOWN)
TABLES = (".csv", ".tsv", ".txt")  # entries of train and test that are label tables


class Crossing:
    """What a matrix trains and tests.

    Args:
        config: As composed from `cross`.
        overrides: Overrides that compose it; each training gets them, too.

    Attributes:
        trains: Names of the databases to train on.
        tests: Names of the databases to test on.

    Raises:
        ValueError: A label table that is absent, or a name of several databases.
    """

    def __init__(self, config: "DictConfig", overrides: Sequence[str]) -> None:
        self.whole, self._overrides = Experiment.composed(config), overrides
        trains, tests = (
            [_chosen(key, entry) for entry in self.settings[key]] for key in ("train", "test")
        )
        self.trains, self.tests = [name for name, _ in trains], [name for name, _ in tests]
        self._chosen = _by_name([*trains, *tests])

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of `cross`."""
        return self.whole.config

    @property
    def protocol(self) -> str | None:
        """Protocol of the models that are tested on other databases."""
        found: str | None = self.settings["whole"]
        return found

    @cached_property
    def folder(self) -> Path:
        """Folder of the matrix."""
        settings = {key: value for key, value in self.settings.items() if key not in SHOWN}
        name = f"cross-{self.settings['model_name']}-{Experiment(settings).identity}"
        return Path(self.settings["output"] or Path(self.settings["paths"]["runs"]) / name)

    def training(self, database: str, protocol: str | None = None) -> Experiment:
        """Return the experiment that trains on a database, perhaps under another protocol."""
        kept = [item for item in self._overrides if item.lstrip("+~").split("=")[0] not in OWN]
        if protocol:
            kept = [item for item in kept if not item.lstrip("+~").startswith("protocol")]
            kept.append(f"protocol={protocol}")
        words = [*kept, *self._chosen[database]]
        return Experiment.composed(configuration.compose("train", words))

    def experiments(self) -> list[Experiment]:
        """Return the training on each database, those that are only tested on included."""
        return [self.training(database, self.protocol) for database in self._chosen]

    def check(self) -> None:
        """Check places, devices and names before the first training.

        Raises:
            ValueError: One that cannot be used.
        """
        check_experiment(self.settings)
        check_folder("output", self.folder)
        self.whole.tracker.check()
        self.experiments()


def _chosen(key: str, entry: str) -> tuple[str, tuple[str, ...]]:
    """Return the name of a database and the overrides that choose it.

    Args:
        key: `train` or `test`, for the error.
        entry: A name of conf/data, or the path of a label table, which is named after its file.
    """
    if Path(entry).suffix.lower() not in TABLES:
        return entry, (f"data={entry}",)
    table = user_path(entry)
    if not table.is_file():
        raise ValueError(f"{key}={entry}: expected a label table, found no such file")
    if not FOLDER_NAME.holds(table.stem):
        raise ValueError(
            f"{key}={entry}: expected {FOLDER_NAME.expected}, found {table.stem}; rename the table"
        )
    labels = configuration.quoted(str(table.absolute()))
    return table.stem, ("data=csv", f"data.labels={labels}", f"data.name='{table.stem}'")


def _by_name(chosen: Sequence[tuple[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    """Return the overrides of each database by its name, which must be of one database."""
    found: dict[str, tuple[str, ...]] = {}
    for name, words in chosen:
        if found.setdefault(name, words) != words:
            raise ValueError(f"{name}: expected databases of different names; rename a label table")
    return found
