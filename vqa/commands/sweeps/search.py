"""A search for settings by Hydra's Optuna sweeper, judged on validation parts only.

Trials are ordinary trainings. What a trial is worth is read from the stored histories; this module
opens no predictions and prints no number of a test part.
"""

import os
import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqa.commands.configuration import UsageError, quoted
from vqa.commands.sweeps.sweep import Sweep
from vqa.evaluation.text import aligned_rows, number
from vqa.files import write_csv, write_json
from vqa.runs.histories import MEASURE, read_histories, validation_srocc

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from vqa.runs import Run

STORAGE = "search.db"


def objective(folder: Path, splits: Sequence[str], selection: str) -> float:
    """Return what a trial is worth, from `<split>/history.csv` of its run alone.

    Raises:
        ValueError: A split has no validation SROCC in its history.
    """
    return validation_srocc(read_histories(folder, splits), splits, selection)


class Search(Sweep):
    """The trials of `vqa train -m hparams_search=...`.

    Args:
        arguments: Overrides and flags of the command.

    Raises:
        UsageError: The protocol has no validation part, or the model does not validate.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        super().__init__(arguments)
        from vqa.commands.settings import without_validation

        protocol, model = self.settings["protocol"], self.settings["model"]
        if "selection" not in model:
            raise UsageError(
                f"model={self.settings['model_name']}: expected a model that validates after each "
                "epoch, found one that searches by itself; choose another model="
            )
        if without_validation(protocol):
            raise UsageError(
                "hparams_search: expected a protocol with a validation part to judge trials by, "
                "found none; set protocol.val_fraction=0.2, for protocol=holdout, kfold or repeated"
            )

    @property
    def keys(self) -> list[str]:
        """The searched settings."""
        params = self.first.hydra.sweeper.params or {}
        own = [one.key_or_group for one in self.parsed if one.is_sweep_override()]
        return list(dict.fromkeys([*map(str, params), *own]))

    @cached_property
    def words(self) -> list[str]:
        """Overrides of the sweeper: where trials are stored, and how many are left.

        Trials that a killed job left are queued again with their settings, so their trainings
        resume.
        """
        # Its optuna needs SQLAlchemy 1.4, which advises to move on.
        os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.folder.mkdir(parents=True, exist_ok=True)
        sweeper = self.first.hydra.sweeper
        storage = sweeper.storage or f"sqlite:///{(self.folder / STORAGE).absolute()}"
        study = optuna.create_study(
            storage=storage,
            study_name=sweeper.study_name,
            direction=str(getattr(sweeper.direction, "name", sweeper.direction)),
            load_if_exists=True,
        )
        states = optuna.trial.TrialState
        with warnings.catch_warnings():  # it calls its own queue experimental
            warnings.simplefilter("ignore")
            for trial in study.get_trials(deepcopy=False):
                if trial.state == states.RUNNING:
                    study.tell(trial.number, state=states.FAIL)
                    study.enqueue_trial(trial.params)
        done = [one for one in study.get_trials(deepcopy=False) if one.state == states.COMPLETE]
        left = max(0, int(sweeper.n_trials) - len(done))
        words = [f"hydra.sweeper.storage={quoted(storage)}", f"hydra.sweeper.n_trials={left}"]
        if sweeper.sampler.get("seed") is not None:
            # A sampler that starts afresh would draw the first trials again.
            words.append(f"hydra.sweeper.sampler.seed={sweeper.sampler.seed + len(study.trials)}")
        self.study = study
        return words

    def job(self, config: "DictConfig") -> "Run":
        """Train, without printing results: they are of test parts."""
        from vqa.commands.experiment import Experiment
        from vqa.commands.train import trained

        return trained(Experiment.composed(config))

    def done(self, run: "Run") -> float:
        """Return the trial's worth, which the sweeper maximises."""
        super().done(run)
        names = [split.name for split in run.splits()]
        return objective(run.folder, names, run.config["model"]["selection"])

    def finish(self) -> None:
        """Write search.json and search.csv, and print all trials, the best first."""
        from vqa.training.processes import is_first_process

        if not is_first_process():
            return
        trials: list[dict[str, Any]] = [
            {"trial": one.number, "value": one.value, "state": one.state.name.lower()}
            | {"settings": {key: one.params.get(key) for key in self.keys}}
            for one in self.study.get_trials()
        ]
        trials.sort(key=lambda one: (one["value"] is None, -(one["value"] or 0.0)))
        write_json(self.folder / "search.json", {"measure": MEASURE, "trials": trials})
        header = ["trial", "state", MEASURE, *self.keys]
        rows = [
            [one["trial"], one["state"], one["value"], *one["settings"].values()] for one in trials
        ]
        write_csv(self.folder / "search.csv", header, rows)
        print(f"\n{format_search(trials, self.keys)}\n")
        print(f"search: {self.folder / 'search.csv'}")


def format_search(trials: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> str:
    """The trials as aligned text, and the best as overrides to type."""
    table = [["trial", "validation SROCC", *keys]]
    table += [
        [
            str(one["trial"]),
            one["state"] if one["value"] is None else number(one["value"]),
            *(_short(one["settings"][key]) for key in keys),
        ]
        for one in trials
    ]
    lines = aligned_rows(table)
    lines.insert(1, "-" * len(lines[0]))
    if trials and trials[0]["value"] is not None:
        best = " ".join(f"{key}={value}" for key, value in trials[0]["settings"].items())
        lines.append(f"best: {best}")
    return "\n".join(lines)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
