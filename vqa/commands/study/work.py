"""Do what a study plans: each training and each test once, this job's share of them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd

from vqa.commands.errors import explained
from vqa.commands.experiment import Experiment
from vqa.commands.process import report
from vqa.commands.study.definition import Study
from vqa.commands.study.jobs import Test, Training
from vqa.commands.study.planning import Plan
from vqa.commands.test import evaluate_run, evaluation_folder
from vqa.commands.train import train
from vqa.evaluation.predictions import read_predictions
from vqa.features.extraction.fill import shard_of
from vqa.files import user_path
from vqa.progress import progress_bar
from vqa.runs import Run
from vqa.runs.opening import load_run

LEFT = "left to another job"


class Work:
    """The finished runs of a plan, and why others are missing.

    Attributes:
        runs: Finished trainings and tests.
        missing: Why a training or a test is missing, in one line.
        failed: Number of trainings and tests that failed.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.runs: dict[Training | Test, Run] = {}
        self.missing: dict[Training | Test, str] = {
            one: one.absent for one in plan.jobs if one.absent
        }
        self.failed = 0

    def do(self, shard: str | None, then: Callable[[], object]) -> None:
        """Train and test what this job shares and is not finished; a failure costs its cells only.

        Args:
            shard: i/n: every n-th training with its tests, starting with the i-th; None: nothing,
                only what is finished is found.
            then: Called after each training of the share with its tests.

        Raises:
            Exception: An error that is not the user's to mend.
        """
        trainings = self.plan.trainings
        share = [] if shard is None else shard_of(trainings, shard)
        units = sum(1 + len(self.plan.tests_of(one)) for one in share)
        with progress_bar(units, "study", "training or test") as bar:
            for training in trainings:
                ours = training in share
                if ours:
                    bar.set_postfix_str(training.name[:60])
                self._one(training, ours, bar.update)
                if ours:
                    then()

    def _one(self, training: Training, ours: bool, step: Callable[[], object]) -> None:
        tests = self.plan.tests_of(training)
        if training not in self.missing:
            self._attempt(training, ours, partial(self._train, training, ours))
        if ours:
            step()
        for test in tests:
            if training in self.missing:
                self.missing.setdefault(test, self.missing[training])
            if test not in self.missing:
                self._attempt(test, ours, partial(self._evaluate, test, ours))
            if ours:
                step()

    def _attempt(self, what: Training | Test, ours: bool, job: Callable[[], Run | None]) -> None:
        try:
            run = job()
        except Exception as error:
            known = explained(error)
            if known is None:
                raise
            self.missing[what] = known[1]
            self.failed += ours
            report(f"{_shown(what)}: {known[1]}")
            return
        if run is None:
            self.missing[what] = LEFT
        else:
            self.runs[what] = run

    def _train(self, training: Training, ours: bool) -> Run | None:
        if not ours:
            return _finished(training.folder)
        for needed in training.needs:
            if self.missing.get(needed) == LEFT:
                return None
            if needed not in self.runs:
                raise ValueError(
                    f"it starts from the training {needed.name}, which is missing "
                    f"({self.missing[needed]}); rerun the command when it is finished"
                )
        run = train(training.experiment)
        return run if run.finished else None

    def _evaluate(self, test: Test, ours: bool) -> Run | None:
        run = self.runs[test.training]
        experiment = Experiment.of_run(
            run,
            data=test.data.config["data"] if test.data else None,
            paths=test.training.experiment.config["paths"],
            trust=None,
            told=test.settings,
        )
        if ours:
            return evaluate_run(run, experiment)
        return _finished(evaluation_folder(run, experiment))

    def run_of(self, test: Test) -> Run | None:
        """Return the run that holds the predictions of a test; None if it is missing."""
        return self.runs.get(test.training if test.is_stored else test)

    def why_missing(self, test: Test) -> str:
        """Return why the predictions of a test are missing."""
        return self.missing.get(test) or self.missing.get(test.training) or "not computed yet"


def released(study: Study, folder: str) -> dict[tuple[tuple[str, str], ...], Path]:
    """Return the released file of predictions of each cell that has one, by its keys.

    Raises:
        ValueError: The study has no released files, or none of them is in the folder.
    """
    place = user_path(folder)
    if not study.released:
        raise ValueError(f"predictions={folder}: no predictions of {study.name} were released")
    files: dict[tuple[tuple[str, str], ...], Path] = {}
    name = ""
    for block, row, column, _ in study.cells():
        name = study.released.format(block=block.file, row=row.file, column=column.file)
        for suffix in (".csv", ".mat"):
            if row.file and column.file and (path := place / f"{name}{suffix}").is_file():
                files[block.key, row.key, column.key] = path
    if not files:
        raise ValueError(
            f"predictions={folder}: expected files such as {name}.csv (mos,score) or {name}.mat "
            "(mos, pred), found none"
        )
    return files


def read_released(path: Path) -> pd.DataFrame:
    """Read released predictions: a table with `mos, score`, or a .mat with `mos` and `pred`.

    Returns:
        Columns `split, video, mos, score`; videos are numbered by their rows.

    Raises:
        ValueError: The file has another content.
    """
    if path.suffix == ".csv":
        return read_predictions(path)
    from scipy.io import loadmat

    content = loadmat(path)
    if missing := {"mos", "pred"} - content.keys():
        raise ValueError(f"{path}: expected mos and pred, no {', '.join(sorted(missing))}")
    mos, score = content["mos"].ravel(), content["pred"].ravel()
    videos = [f"row {row}" for row in range(1, len(mos) + 1)]
    return pd.DataFrame({"split": "all", "video": videos, "mos": mos, "score": score})


def _finished(folder: Path) -> Run | None:
    if not (folder / "config.yaml").is_file():
        return None
    run = load_run(folder)
    return run if run.finished else None


def _shown(what: Training | Test) -> str:
    if isinstance(what, Training):
        return what.name
    told = " ".join(f"{key}={value}" for key, value in what.settings.items())
    return f"{what.training.name} on {what.database} {told}".rstrip()
