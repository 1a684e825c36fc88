"""The plan of a study: the trainings and tests that its cells need, each once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vqa.commands.configuration import UsageError
from vqa.commands.errors import explained
from vqa.commands.experiment import Experiment
from vqa.commands.study.composing import Composer, is_of_data, key_of, merged, split_by_time
from vqa.commands.study.definition import AXES, Item, Study
from vqa.commands.study.jobs import Cell, Part, Test, Training

WHOLE = "full"  # the protocol without test parts
LONGEST_VALUE = 32


class Plan:
    """All trainings, tests and cells of a study.

    Args:
        study: The study.
        composer: Composes its experiments.
        check_databases: Look for the databases; without, all count as present.

    Attributes:
        trainings: In an order in which each follows those it needs.
        tests: Each once.
        cells: In the order of reading.
    """

    def __init__(self, study: Study, composer: Composer, *, check_databases: bool = True) -> None:
        self.study, self.composer = study, composer
        self._checks = check_databases
        self._made: dict[Path, Training] = {}
        self._tests: dict[tuple[Any, ...], Test] = {}
        self._absent: dict[str, str] = {}
        self.named = {} if study.rows else {name: self._named(name) for name in study.trainings}
        self.databases = {name: self._look(composer(f"data={name}")) for name in study.databases}
        self.cells = [self._cell(*place) for place in study.cells()] if study.rows else []

    @property
    def trainings(self) -> list[Training]:
        """The trainings that cells and figures need, after those that they need themselves."""
        found: dict[Training, None] = {}

        def add(training: Training) -> None:
            for needed in training.needs:
                add(needed)
            found[training] = None

        # Trainings that only others start from are done if any of these needs them.
        helpers = {
            name for words in self.study.trainings.values() for name in self._named_in(*words)
        }
        drawn = [one for name, one in self.named.items() if name not in helpers]
        for training in (*drawn, *(test.training for test in self.tests)):
            add(training)
        return list(found)

    @property
    def tests(self) -> list[Test]:
        """The tests."""
        return list(self._tests.values())

    @property
    def jobs(self) -> list[Training | Test]:
        """All that is to be done."""
        return [*self.trainings, *self.tests]

    def tests_of(self, training: Training) -> list[Test]:
        """Return the tests of a training that it does not store itself."""
        return [one for one in self.tests if one.training is training and not one.is_stored]

    def _named_in(self, *overrides: str) -> list[str]:
        """Return the names of the trainings whose run folders overrides stand for."""
        return [
            name
            for name in self.study.trainings
            if any(f"{{{name}}}" in word for word in overrides)
        ]

    def _named(self, name: str, asked: tuple[str, ...] = ()) -> Training:
        if name in asked:
            raise UsageError(f"{self.study.name}: these trainings need each other: {name}, {asked}")
        return self._training(self.study.trainings[name], name, (*asked, name))

    def _training(
        self, overrides: Sequence[str], name: str = "", asked: tuple[str, ...] = ()
    ) -> Training:
        """Return the training of these overrides; made once for equal settings."""
        others = {other: self._named(other, asked) for other in self._named_in(*overrides)}
        words = list(overrides)
        for other, training in others.items():
            words = [word.replace(f"{{{other}}}", str(training.folder)) for word in words]
        experiment = self.composer(*words)
        folder = experiment.folder
        if folder not in self._made:
            # Smoke size may have put something else in place of another training's files.
            settings = repr(experiment.config)
            needs = [one for one in others.values() if str(one.folder) in settings]
            absent = next((one.absent for one in needs if one.absent), self._look(experiment))
            shown = [_short(word) for word in overrides if word not in self.study.overrides]
            made = Training(name or " ".join(shown) or "as stated", experiment, needs, absent)
            self._made[folder] = made
        return self._made[folder]

    def _look(self, experiment: Experiment) -> str:
        """Return why the database of an experiment is absent; empty if it is here."""
        data = experiment.config["data"]
        if not self._checks:
            return ""
        key = repr(data)
        if key not in self._absent:
            try:
                found = len(experiment.database)
                self._absent[key] = "" if found else f"{data['name']} has no videos"
            except (OSError, ValueError) as error:
                known = explained(error)
                cause = (known[1] if known else str(error)).removeprefix(f"{data['name']}: ")
                self._absent[key] = f"{data['name']} is absent: {cause}"
        return self._absent[key]

    def _cell(self, block: Item, row: Item, column: Item, metric: str) -> Cell:
        printed, deviation = self.study.printed_of(block, row, column, metric)
        items = (block, row, column)
        cell = Cell(block, row, column, metric, printed=printed, printed_deviation=deviation)
        if any(item.as_printed for item in items):
            cell.empty = "as printed"
            return cell
        cell.by_videos = any(item.weights == "videos" for item in items)
        terms = [(weight, inner, self._test(inner)) for weight, inner in self._terms(items)]
        known = [
            Part(
                weight,
                tuple(item.key for item in inner),
                test,
                next((item.part for item in inner if item.part), "test"),
                [size for item in inner for size in item.sizes],
                [size for item in inner for size in item.other_sizes],
            )
            for weight, inner, test in terms
            if test is not None
        ]
        if not known or (len(known) < len(terms) and any(item.minus for item in items)):
            cell.empty = "the database trained on"
            return cell
        # An average leaves out the database that was trained on.
        whole = sum(abs(weight) for weight, _, _ in terms) / sum(abs(one.weight) for one in known)
        cell.terms = [replace(one, weight=one.weight * whole) for one in known]
        return cell

    def _terms(self, items: tuple[Item, ...]) -> Iterator[tuple[float, tuple[Item, ...]]]:
        """Yield weight, and block, row and column, of each single cell that makes up a cell."""
        for place, item in enumerate(items):
            if not item.derived:
                continue
            axis = self.study.neighbours(AXES[place], item)
            weights = (1.0, -1.0) if item.minus else (1 / len(item.average),) * len(item.average)
            for weight, name in zip(weights, item.minus or item.average, strict=True):
                inner = (*items[:place], axis[name], *items[place + 1 :])
                yield from ((weight * factor, place_) for factor, place_ in self._terms(inner))
            return
        yield 1.0, items

    def _test(self, items: Iterable[Item]) -> Test | None:
        """Return the test of a cell; None if the database that was trained on has no test part."""
        train = merged(self.study.overrides, *(item.train for item in items))
        test = merged(*(item.test for item in items))
        data = [word for word in test if is_of_data(word)]
        # What a trained model can be told does not make another training.
        # Overrides that name other trainings do not say which model it is.
        plain = [word for word in train if not self._named_in(word)]
        options = self.composer(*plain).config.get("test_settings", ())
        told = [word for word in test if not is_of_data(word)]
        if wrong := [word for word in told if key_of(word) not in options]:
            raise UsageError(
                f"{self.study.name}: {wrong[0]}: expected data=... or one of the model's "
                f"test_settings ({', '.join(options) or 'none'})"
            )
        kept, settings = split_by_time(train, told, options)
        training = self._training(kept)
        on = self.composer(*data) if data else None
        if on is not None and on.config["data"] == training.experiment.config["data"]:
            on = None
        protocol = str(training.experiment.config["protocol"]["_target_"]).rpartition(".")[2]
        if on is None and protocol == WHOLE:
            return None
        key = (training.folder, repr(on and on.config["data"]), repr(sorted(settings.items())))
        if key not in self._tests:
            absent = training.absent or (self._look(on) if on else "")
            self._tests[key] = Test(training, on, settings, absent)
        return self._tests[key]


def _short(override: str) -> str:
    """Return an override with the end of a long value."""
    key, _, value = override.partition("=")
    return override if len(value) <= LONGEST_VALUE else f"{key}=...{value[3 - LONGEST_VALUE :]}"
