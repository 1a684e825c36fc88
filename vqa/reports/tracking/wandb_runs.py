"""W&B runs: their settings, when they are opened and closed, and the logger of a split in one."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import wandb
from pytorch_lightning.loggers.logger import Logger, rank_zero_experiment
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from vqa.runs.used_features import MARK, untrained_features

if TYPE_CHECKING:
    from wandb import Run

# More splits than this share one set of panels, because a dashboard cannot show one set for each.
MOST_PANELS = 10
FLUSH_S = 1.0


def settings_for(
    folder: Path, name: str, job_type: str, *, group: str = "", tags: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the arguments of `wandb.init` for a job in a folder.

    The id follows from the folder's path, the kind of job and the name, so a job that resumes
    continues its W&B run.

    Args:
        folder: Where the job stores; W&B's own files go into `<folder>/wandb`.
        name: Of the W&B run, below that of the folder; empty for the folder's own.
        job_type: Kind of job.
        group: Of W&B runs; empty: the folder's name.
        tags: Of the W&B run; random weights are added.
    """
    folder = folder.resolve()
    digest = hashlib.sha256(f"{folder}\n{job_type}\n{name}".encode()).hexdigest()
    marked = [*tags, *([MARK] if untrained_features(folder) else [])]
    return {
        "dir": folder,
        "id": digest[:16],
        "name": "/".join(filter(None, [folder.name, name])),
        "group": group or folder.name,
        "job_type": job_type,
        "resume": "allow",
        "tags": marked or None,
        # A separate run even if the caller has one open, without capturing the console.
        "reinit": "create_new",
        "settings": wandb.Settings(console="off", silent=True, **_flushing()),
    }


def _flushing() -> dict[str, float]:
    """Return the setting that bounds what is lost when a job is killed, if this wandb has it."""
    name = "x_transaction_log_flush_interval"
    return {name: FLUSH_S} if name in wandb.Settings.model_fields else {}


class HeldRun:
    """A W&B run that is opened on first use and stays open until it is closed.

    A copy in another process (a training that Lightning spawns) opens the run again there, after
    the original has been closed.

    Args:
        settings: Arguments of `wandb.init`.
        splits: Names of the splits, for the axes.
        epochs: Of a training, for the common axis of many splits.
    """

    def __init__(self, settings: Mapping[str, Any], splits: Sequence[str], epochs: int) -> None:
        self.settings, self.splits, self.epochs = dict(settings), list(splits), epochs
        self.copied = False
        self._run: Run | None = None

    def __getstate__(self) -> dict[str, Any]:
        self.close()
        return self.__dict__ | {"copied": True}

    @property
    def id(self) -> str:
        """The id of the W&B run."""
        return self.settings["id"]

    @property
    def in_panels(self) -> bool:
        """True if each split has curves of its own."""
        return len(self.splits) <= MOST_PANELS

    def run(self) -> "Run":
        """Return the open run."""
        if self._run is None:
            self._run = wandb.init(**self.settings)
            axes = {"test": "split"}
            axes |= dict.fromkeys(self.splits, "epoch") if self.in_panels else {"train": "split"}
            for group, axis in axes.items():
                self._run.define_metric(f"{group}/{axis}", hidden=True)
                self._run.define_metric(f"{group}/*", step_metric=f"{group}/{axis}")
        return self._run

    def close(self) -> None:
        """End the run if it is open."""
        run, self._run = self._run, None
        if run is not None:
            run.finish()


class SplitLogger(Logger):
    """Lightning's logger of one split that shares a W&B run with the others.

    With up to `MOST_PANELS` splits the values are named `<split>/train_loss` and so on, over
    `<split>/epoch`. With more, all splits write one curve, `train/train_loss` over `train/split`:
    2.5 is half of the third split's epochs. There the candidates of a search are left out.

    Args:
        held: The W&B run.
        split: Name of the split.
    """

    def __init__(self, held: HeldRun, split: str) -> None:
        super().__init__()
        self.held, self.split = held, split

    @property
    def name(self) -> str:
        """Name of the split."""
        return self.split

    @property
    def version(self) -> str:
        """Id of the W&B run."""
        return self.held.id

    @property
    @rank_zero_experiment
    def experiment(self) -> "Run":
        """The W&B run, opened on first use, on the first process only."""
        return self.held.run()

    @rank_zero_only
    def log_hyperparams(self, *args: Any, **options: Any) -> None:
        """Do nothing: the run has its whole configuration already."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log an epoch, or a candidate of a search (by its number); without a step, a summary."""
        values = dict(metrics)
        if step is None:
            self.experiment.summary.update(
                {f"{self.split}/{name}": value for name, value in values.items()}
            )
            return
        epoch = values.pop("epoch", step)
        if self.held.in_panels:
            group, place = self.split, {"epoch": epoch}
        elif "epoch" in metrics:
            done = (epoch + 1) / max(self.held.epochs, epoch + 1)
            group, place = "train", {"split": self.held.splits.index(self.split) + done}
        else:
            return
        self.experiment.log({f"{group}/{name}": value for name, value in (values | place).items()})

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """End the run in a process that Lightning has spawned."""
        if self.held.copied:
            self.held.close()


@contextmanager
def staged_in(folder: Path) -> Iterator[None]:
    """Make wandb store the pictures of a table in `folder` until they are sent.

    Otherwise it uses the home folder. Only an environment variable changes that; a value set by
    the user stays.
    """
    if "WANDB_DATA_DIR" in os.environ:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["WANDB_DATA_DIR"] = str(folder)
    try:
        yield
    finally:
        del os.environ["WANDB_DATA_DIR"]
