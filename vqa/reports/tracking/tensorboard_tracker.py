"""The tracker that writes TensorBoard's event files below the run folder."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqa.reports.tracking.tracker import CsvTracker

if TYPE_CHECKING:
    from pytorch_lightning.loggers import TensorBoardLogger

FOLDER = "tensorboard"


class TensorBoardTracker(CsvTracker):
    """TensorBoard: event files in `<run folder>/tensorboard`, one folder per split.

    `tensorboard --logdir <run folder>/tensorboard` shows the curves of all splits, and in
    `summary` the test metrics of each split by its number, the results and the figures. A resumed
    training continues in the same folder.
    """

    def __init__(self) -> None:
        self._order: list[str] = []

    def check(self) -> None:
        """Check that the package is installed.

        Raises:
            ValueError: It is not.
        """
        if importlib.util.find_spec("tensorboard") is None:
            raise ValueError(
                "logger=tensorboard: expected the package tensorboard, found none; run "
                "`pip install 'vqa[tensorboard]'`, or choose logger=csv"
            )

    def split_logger(
        self,
        split_name: str,
        run_folder: Path,
        config: Mapping[str, Any],
        splits: Sequence[str] = (),
    ) -> "TensorBoardLogger":
        """Return Lightning's logger of a split."""
        self._order = list(splits) or [split_name]
        return _logger(run_folder, split_name)

    def finish_split(self, run_folder: Path, split_name: str) -> None:
        """Log the test metrics of a split over its number."""
        from vqa.reports.tracking.split_metrics import split_metrics

        if (found := split_metrics(Path(run_folder), split_name)) is not None:
            logger = _logger(run_folder, "summary")
            values = {f"test/{name}": value for name, value in found.items()}
            logger.log_metrics(values, step=self._order.index(split_name))
            logger.experiment.close()

    def finish(self, run_folder: Path) -> None:
        """Log the medians over the splits, and the figures."""
        from vqa.evaluation.predictions import read_predictions
        from vqa.evaluation.results import read_results
        from vqa.reports import figures
        from vqa.runs.used_features import MARK, untrained_features

        run_folder = Path(run_folder)
        results = read_results(run_folder / "results.json")
        if results is None:
            return
        logger = _logger(run_folder, "summary")
        medians = results.summary.median.items()
        logger.log_metrics({f"median/{name}": value for name, value in medians}, step=0)
        predictions = read_predictions(run_folder / "predictions.csv")
        remark = MARK if untrained_features(run_folder) else ""
        for draw in (figures.scatter, figures.residuals):
            figure = figures.mark(draw(predictions), remark)
            figure.set_facecolor("white")
            logger.experiment.add_figure(draw.__name__, figure)
        logger.experiment.close()


def _logger(run_folder: Path, name: str) -> "TensorBoardLogger":
    from pytorch_lightning.loggers import TensorBoardLogger

    return TensorBoardLogger(str(run_folder), name=FOLDER, version=name)
