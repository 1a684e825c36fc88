"""Trackers follow a run outside its folder; only this module imports wandb.

A tracker has four methods: `check` is called before any work, `split_logger` returns the logger
for the trainer of a split, `finish` is called once when the run folder is complete, `finish_matrix`
when a cross-database matrix is.
"""

import hashlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import yaml

from vqa.evaluation.predictions import read_predictions
from vqa.evaluation.results import read_results
from vqa.evaluation.summary import summarise
from vqa.files import read_json
from vqa.reports import figures
from vqa.runs.used_features import MARK, untrained_features

if TYPE_CHECKING:
    import wandb
    from matplotlib.figure import Figure
    from pytorch_lightning.loggers import WandbLogger

log = logging.getLogger(__name__)

MODES = ("online", "offline", "disabled")


class CsvTracker:
    """Tracks nothing besides the run folder, where learners write `history.csv` themselves."""

    def check(self) -> None:
        """Do nothing."""

    def split_logger(
        self, split_name: str, run_folder: Path, config: Mapping[str, Any]
    ) -> Literal[False]:
        """Return no Lightning logger."""
        return False

    def finish(self, run_folder: Path) -> None:
        """Do nothing."""

    def finish_matrix(self, folder: Path) -> None:
        """Do nothing."""


class WandbTracker:
    """Weights & Biases: one W&B run per split and one for the summary, grouped by run folder.

    `mode="offline"` needs no account and no network; everything is stored in `<run folder>/wandb`,
    ready for `wandb sync`. Run ids follow from the path of the run folder and the split, so a
    resumed run continues in the same place. The only parts of the videos that leave the machine
    are the thumbnails of the report, and with `thumbnails=False` not even those.

    Args:
        project: W&B project.
        mode: `online`, `offline` or `disabled`.
        entity: W&B user or team; None takes the default of the account.
        thumbnails: Whether the predictions table shows the thumbnail strips of `evidence.json`.

    Raises:
        ValueError: Unknown mode.
    """

    def __init__(
        self,
        project: str = "vqa",
        mode: str = "online",
        entity: str | None = None,
        thumbnails: bool = True,
    ) -> None:
        if mode not in MODES:
            raise ValueError(f"mode={mode!r}: expected one of {', '.join(MODES)}")
        self.project = project
        self.mode = mode
        self.entity = entity
        self.thumbnails = thumbnails
        self._open: WandbLogger | None = None

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
        self, split_name: str, run_folder: Path, config: Mapping[str, Any]
    ) -> "WandbLogger":
        """Return the Lightning logger of one split; the previous split is closed.

        The W&B run starts with the first logged value, on rank 0 only.
        """
        from pytorch_lightning.loggers import WandbLogger

        self._close()
        run_folder = Path(run_folder)
        settings = self._settings(run_folder, split_name, "split") | {"config": dict(config)}
        # Lightning's `offline=True` would set WANDB_MODE for the whole process; `mode` does not.
        self._open = WandbLogger(save_dir=str(settings.pop("dir")), **settings)
        return self._open

    def finish(self, run_folder: Path) -> None:
        """Write the summary run: config, results, figures, predictions, artifacts with lineage.

        Call it once, on rank 0. A run that tested nothing (protocol=full) has only artifacts.
        """
        self._close()
        if self.mode == "disabled":
            return
        import wandb

        run_folder = Path(run_folder).resolve()
        config = run_folder / "config.yaml"
        settings = self._settings(run_folder, "summary", "summary")
        if config.is_file():
            settings["config"] = yaml.safe_load(config.read_text(encoding="utf-8"))
        with _staged_in(run_folder / "wandb"), wandb.init(**settings) as run:
            if (run_folder / "predictions.csv").is_file():
                predictions = read_predictions(run_folder / "predictions.csv")
                results = read_results(run_folder / "results.json") or summarise(predictions)
                run.summary.update(_flat(results.to_json()["summary"]))
                remark = MARK if (untrained := untrained_features(run_folder)) else ""
                run.summary["untrained"] = ", ".join(untrained)
                table = self._table(run_folder, predictions)
                run.log(
                    {
                        "scatter": _image(figures.mark(figures.scatter(predictions), remark)),
                        "residuals": _image(figures.mark(figures.residuals(predictions), remark)),
                        "predictions": table,
                        "score_mos": wandb.plot.scatter(table, "score", "mos", "MOS over score"),
                    }
                )
            _log_artifacts(run, run_folder)
        self._say_how_to_sync(run_folder)

    def finish_matrix(self, folder: Path) -> None:
        """Write a cross-database matrix as its own W&B run: heat map, table, files."""
        if self.mode == "disabled":
            return
        import wandb

        folder = Path(folder).resolve()
        matrix = read_json(folder / "matrix.json")
        settings = self._settings(folder, "matrix", "cross_database")
        if any(cell.get("untrained") for cell in matrix["cells"]):
            settings["tags"] = [MARK]
        with _staged_in(folder / "wandb"), wandb.init(**settings) as run:
            table = wandb.Table(dataframe=pd.read_csv(folder / "matrix.csv"))
            heat_map = _image(figures.heat_map(matrix, matrix["metric"]))
            run.log({"heat_map": heat_map, "cells": table})
            for cell in matrix["cells"]:
                name = f"{cell['train']}/{cell['test']}/{matrix['metric']}"
                run.summary[name] = cell["metrics"][matrix["metric"]]
            _log_files(run, "matrix", [folder / "matrix.json", folder / "matrix.csv"])
        self._say_how_to_sync(folder)

    def _say_how_to_sync(self, folder: Path) -> None:
        if self.mode == "offline":
            log.info("to send this run to W&B: wandb sync %s/wandb/offline-run-*", folder)

    def _settings(self, run_folder: Path, name: str, job_type: str) -> dict[str, Any]:
        """Return the arguments of `wandb.init` for a run of this folder."""
        import wandb

        run_folder = run_folder.resolve()
        digest = hashlib.sha256(f"{run_folder}\n{job_type}\n{name}".encode()).hexdigest()
        return {
            "project": self.project,
            "entity": self.entity,
            "mode": self.mode,
            "dir": run_folder,
            "id": digest[:16],
            "name": f"{run_folder.name}/{name}",
            "group": run_folder.name,
            "job_type": job_type,
            "resume": "allow",
            "tags": [MARK] if untrained_features(run_folder) else None,
            # A separate run even if the caller has one open, without capturing the console.
            "reinit": "create_new",
            "settings": wandb.Settings(console="off", silent=True),
        }

    def _close(self) -> None:
        """End the W&B run of the split, if one was started."""
        logger, self._open = self._open, None
        if logger is not None and logger._experiment is not None:
            logger._experiment.finish()

    def _table(self, run_folder: Path, predictions: pd.DataFrame) -> "wandb.Table":
        """Return all predictions, with their strips if the run has them."""
        import wandb

        columns = ["split", "video", "mos", "score", "mapped"]
        rows = predictions.assign(mapped=figures.mapped_scores(predictions))
        data = rows[columns].to_numpy(dtype=object).tolist()
        if self.thumbnails:
            strips = {
                (case["split"], case["video"]): run_folder / case["strip"]
                for case in read_json(run_folder / "evidence.json") or []
                if case.get("strip") and (run_folder / case["strip"]).is_file()
            }
            for row in data:
                strip = strips.get((row[0], row[1]))
                row.append(wandb.Image(str(strip)) if strip else None)
            columns.append("frames")
        return wandb.Table(columns=columns, data=data)


@contextmanager
def _staged_in(folder: Path) -> Iterator[None]:
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


def _image(figure: "Figure") -> "wandb.Image":
    """Return a figure on a white background."""
    import wandb

    figure.set_facecolor("white")
    return wandb.Image(figure)


def _log_artifacts(run: "wandb.Run", run_folder: Path) -> None:
    """Log splits as input of the run, predictions and models as its output."""
    splits = _artifact(run, "splits", sorted((run_folder / "splits").glob("*.json")))
    if splits and run.offline:  # only a server can record that a run used an artifact
        run.log_artifact(splits)
    elif splits:
        run.use_artifact(splits)
    made = [run_folder / name for name in ("predictions.csv", "results.json", "manifest.json")]
    _log_files(run, "predictions", [path for path in made if path.is_file()])
    _log_files(run, "model", sorted(run_folder.glob("*/model.safetensors")))


def _log_files(run: "wandb.Run", kind: str, files: Sequence[Path]) -> None:
    if artifact := _artifact(run, kind, files):
        run.log_artifact(artifact)


def _artifact(run: "wandb.Run", kind: str, files: Sequence[Path]) -> "wandb.Artifact | None":
    """Return files as an artifact that refers to them without a copy; None without files."""
    import wandb

    if not files:
        return None
    artifact = wandb.Artifact(f"{kind}-{run.id}", type=kind)
    for path in files:
        several = len({file.name for file in files}) < len(files)
        name = f"{path.parent.name}-{path.name}" if several else path.name
        artifact.add_file(str(path), name=name, policy="immutable")
    return artifact


def _flat(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Flatten `{"median": {"srocc": x}}` to `{"median/srocc": x}`."""
    flat: dict[str, Any] = {}
    for key, value in summary.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}/{metric}": number for metric, number in value.items()}
        else:
            flat[key] = value
    return flat
