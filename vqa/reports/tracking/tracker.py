"""The interface of all trackers, as the one that adds nothing to the folders."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class CsvTracker:
    """Tracks nothing besides the folders, where learners write `history.csv` themselves.

    The other trackers override what they need. A tracker only reads the folders that it is given.
    """

    def check(self) -> None:
        """Check, before any work, that the tracker will be able to work.

        Raises:
            ValueError: It will not; the text names the remedy.
        """

    def split_logger(
        self,
        split_name: str,
        run_folder: Path,
        config: Mapping[str, Any],
        splits: Sequence[str] = (),
    ) -> Any:
        """Return Lightning's logger for the training of a split; False for none.

        Args:
            split_name: The split.
            run_folder: Of the run.
            config: The run's configuration.
            splits: Names of all splits of the run, in order.
        """
        return False

    def finish_split(self, run_folder: Path, split_name: str) -> None:
        """Follow a split whose predictions are stored; called by the first process only."""

    def finish(self, run_folder: Path) -> None:
        """Follow a run that is complete."""

    def finish_evaluation(self, folder: Path, place: Path) -> None:
        """Follow the test of a run on a database.

        Args:
            folder: `<run>/evaluations/<database>`, perhaps of a run from elsewhere.
            place: Where the tracker stores its own files.
        """

    def finish_matrix(self, folder: Path, config: Mapping[str, Any] | None = None) -> None:
        """Follow a cross-database matrix, made with these settings."""

    def finish_comparison(self, folder: Path) -> None:
        """Follow a comparison of runs."""

    def finish_study(self, folder: Path) -> None:
        """Follow a study: `study.json`, its tables and its figures."""
