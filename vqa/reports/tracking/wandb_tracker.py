"""The tracker that sends to Weights & Biases."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from vqa.reports.tracking.tracker import CsvTracker

if TYPE_CHECKING:
    from pytorch_lightning.loggers.logger import Logger
    from wandb import Run

    from vqa.reports.tracking.wandb_runs import HeldRun

log = logging.getLogger(__name__)

MODES = ("online", "offline", "disabled")
RUNS = ("experiment", "split")
WHOLE = "1/1"


class WandbTracker(CsvTracker):
    """Weights & Biases: one W&B run per experiment, evaluation, comparison, matrix and study.

    `mode="offline"` needs no account and no network; everything is stored in `<folder>/wandb`,
    ready for `wandb sync`. Run ids follow from the path of the folder, so a resumed job continues
    its W&B run. The only parts of the videos that leave the machine are the thumbnails of the
    report, and with `thumbnails=False` not even those.

    Args:
        project: W&B project.
        mode: `online`, `offline` or `disabled`.
        entity: W&B user or team; None takes the default of the account.
        thumbnails: Whether the predictions table shows the thumbnail strips of `evidence.json`.
        runs: `experiment` for one W&B run per training; `split` for one per split and one for the
            summary, in one group.

    Raises:
        ValueError: Unknown mode or runs.
    """

    def __init__(
        self,
        project: str = "vqa",
        mode: str = "online",
        entity: str | None = None,
        thumbnails: bool = True,
        runs: str = "experiment",
    ) -> None:
        for key, value, known in (("mode", mode, MODES), ("runs", runs, RUNS)):
            if value not in known:
                raise ValueError(f"{key}={value!r}: expected one of {', '.join(known)}")
        self.project, self.mode, self.entity = project, mode, entity
        self.thumbnails, self.runs = thumbnails, runs
        self._held: HeldRun | None = None
        self._tested: dict[Path, dict[str, float] | None] = {}

    def check(self) -> None:
        """Check that W&B accepts a key, before hours of work that it could not take.

        On a terminal W&B asks for a key that is absent.

        Raises:
            ValueError: There is no key, it is refused, or W&B cannot be reached.
        """
        if self.mode != "online":
            return
        import wandb

        try:
            wandb.login(verify=True)
        except wandb.errors.Error as error:
            cause = " ".join(str(error).split())
            raise ValueError(
                f"logger=wandb: {cause}; set WANDB_API_KEY or run `wandb login`, keep everything "
                "on this machine with logger.mode=offline, or leave W&B out with logger=csv"
            ) from error

    def split_logger(
        self,
        split_name: str,
        run_folder: Path,
        config: Mapping[str, Any],
        splits: Sequence[str] = (),
    ) -> "Logger":
        """Return the Lightning logger of one split.

        The W&B run starts with the training, on rank 0 only. Jobs that each train a share of the
        splits (`shard=2/4`) have W&B runs of their own, because two processes cannot write one.
        """
        from vqa.reports.tracking.wandb_runs import HeldRun, SplitLogger

        names = list(splits) or [split_name]
        share = str(config.get("shard", WHOLE))
        if self.runs == "split":
            settings = self._settings(run_folder, split_name, "split")
            names = [split_name]
        elif share != WHOLE:
            settings = self._settings(run_folder, f"shard {share.replace('/', ' of ')}", "shard")
        else:
            settings = self._settings(run_folder, "", "train")
        if self._held is None or self._held.id != settings["id"]:
            self._close()
            epochs = (config.get("trainer") or {}).get("max_epochs") or 1
            self._held = HeldRun(settings | {"config": dict(config)}, names, int(epochs))
        return SplitLogger(self._held, split_name)

    def finish_split(self, run_folder: Path, split_name: str) -> None:
        """Log the test metrics of a split, and the table of all splits so far."""
        if self._held is None or self.runs == "split" or self.mode == "disabled":
            return
        import pandas as pd

        from vqa.reports.tracking.split_metrics import split_metrics
        from vqa.reports.tracking.wandb_media import table

        folder, splits = Path(run_folder), self._held.splits
        for name in splits:
            if (folder / name / "predictions.csv").is_file() and folder / name not in self._tested:
                self._tested[folder / name] = split_metrics(folder, name)
        found = self._tested.get(folder / split_name)
        if found is None:
            return
        rows = [
            {"split": name, **values}
            for name in splits
            if (values := self._tested.get(folder / name)) is not None
        ]
        with self._run_of(folder, self._held) as run:
            run.log(
                {
                    "test/split": splits.index(split_name),
                    **{f"test/{name}": value for name, value in found.items()},
                    "test_splits": table(pd.DataFrame(rows)),
                }
            )

    def finish(self, run_folder: Path) -> None:
        """Log results, figures, predictions, group tables, and artifacts with lineage.

        Call it once, on rank 0. A run that tested nothing (protocol=full) has only artifacts.
        """
        run_folder = Path(run_folder).resolve()
        if self.runs == "split":
            settings = self._settings(run_folder, "summary", "summary")
        else:
            settings = self._settings(run_folder, "", "train")
        self._finish_run(run_folder, settings)

    def finish_evaluation(self, folder: Path, place: Path) -> None:
        """Log the test of a run like the run itself, in the run's group.

        W&B's own files go into `<place>/wandb`: it makes symbolic links, which are refused inside
        the folder of a run.
        """
        folder, place = Path(folder).resolve(), Path(place).resolve()
        name, trained = f"{folder.parent.name}/{folder.name}", folder.parents[1].name
        settings = self._settings(folder, "", "evaluation", group=trained)
        self._finish_run(folder, settings | {"name": f"{trained}/{name}", "dir": place})

    def finish_matrix(self, folder: Path, config: Mapping[str, Any] | None = None) -> None:
        """Log heat map, cells, the predictions of each cell and the files of a matrix."""
        from vqa.reports.tracking.wandb_tables import log_matrix

        self._log_job(folder, "matrix", "cross_database", log_matrix, config)

    def finish_comparison(self, folder: Path) -> None:
        """Log models, pairs, groups and files of a comparison."""
        from vqa.reports.tracking.wandb_tables import log_comparison

        self._log_job(folder, "comparison", "comparison", log_comparison)

    def finish_study(self, folder: Path) -> None:
        """Log the table, cells, predictions, pictures and files of a study."""
        from vqa.reports.tracking.wandb_tables import log_study

        self._log_job(folder, "study", "study", log_study)

    def _finish_run(self, folder: Path, settings: dict[str, Any]) -> None:
        from vqa.reports.tracking.wandb_runs import HeldRun
        from vqa.reports.tracking.wandb_tables import log_results

        if self.mode == "disabled":
            self._close()
            return
        if self._held is None or self._held.id != settings["id"]:
            self._close()
            path = folder / "config.yaml"
            if path.is_file():
                settings["config"] = yaml.safe_load(path.read_text(encoding="utf-8"))
            self._held = HeldRun(settings, [], 1)
        place = Path(settings["dir"])
        with self._run_of(place, self._held) as run:
            log_results(run, folder, thumbnails=self.thumbnails)
        self._close()
        self._say_how_to_sync(place)

    def _log_job(
        self,
        folder: Path,
        name: str,
        kind: str,
        write: Callable[["Run", Path], None],
        config: Mapping[str, Any] | None = None,
    ) -> None:
        """Write a job to a W&B run of its own."""
        from vqa.reports.tracking.wandb_runs import HeldRun

        self._close()
        if self.mode == "disabled":
            return
        folder = Path(folder).resolve()
        settings = self._settings(folder, name, kind)
        held = HeldRun(settings | ({} if config is None else {"config": dict(config)}), [], 1)
        with self._run_of(folder, held) as run:
            write(run, folder)
        held.close()
        self._say_how_to_sync(folder)

    @contextmanager
    def _run_of(self, folder: Path, held: "HeldRun") -> Iterator["Run"]:
        """Return the open W&B run; tables' pictures stay in the folder."""
        from vqa.reports.tracking.wandb_runs import staged_in

        with staged_in(folder / "wandb"):
            yield held.run()

    def _settings(self, folder: Path, name: str, kind: str, group: str = "") -> dict[str, Any]:
        from vqa.reports.tracking.wandb_runs import settings_for

        own = {"project": self.project, "entity": self.entity, "mode": self.mode}
        return settings_for(Path(folder), name, kind, group=group) | own

    def _close(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.close()

    def _say_how_to_sync(self, folder: Path) -> None:
        if self.mode == "offline":
            log.info("to send this to W&B: wandb sync %s/wandb/offline-run-*", folder)
