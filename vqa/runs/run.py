"""A run folder as an object: what it stores, and what it computes from that."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqa.databases.records import Database, VideoRecord
from vqa.evaluation.results import Results, read_results
from vqa.files import read_json, write_atomically, write_csv, write_json
from vqa.protocols.splits import Split, read_split, write_split
from vqa.runs.environment import environment
from vqa.runs.errors import RunError
from vqa.runs.hashes import check, file_hashes
from vqa.runs.inputs import hold
from vqa.runs.stored import as_data, read_object

if TYPE_CHECKING:
    import pandas as pd


class Run:
    """One run folder; `vqa.runs.opening` makes and opens it.

    pandas and SciPy are imported only by the methods that need tables or numbers, so a run that
    scores a video opens quickly.

    Args:
        folder: The run folder.
        config: Its resolved configuration.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self.folder = folder
        self.config = config
        self._started = time.time()

    @property
    def report(self) -> Path:
        """Path of the report."""
        return self.folder / "report.html"

    @property
    def finished(self) -> bool:
        """True if results and report exist; a run that tests nothing has no report."""
        path = self.folder / "results.json"
        return path.is_file() and (self.report.is_file() or read_json(path) is None)

    @property
    def version(self) -> str:
        """The version of vqa that wrote this run, or `unknown`."""
        return str((read_object(self.folder / "environment.json") or {}).get("vqa", "unknown"))

    @property
    def database(self) -> dict[str, Any]:
        """The card of the database: name, mos_range, videos, skipped, origin.

        Raises:
            RunError: The run has not stored it yet, or it is damaged.
        """
        card = self._required("database.json", name=str, mos_range=list)
        with as_data(self.folder / "database.json"):
            low, high = card["mos_range"]
            if not low < high:
                raise TypeError(f"mos_range is {low}, {high}")
        return card

    def split_folder(self, name: str) -> Path:
        """Return the folder of one split."""
        return self.folder / name

    def hold(self, inputs: Mapping[str, Any]) -> None:
        """Store what the numbers are made from, or compare it: see `vqa.runs.inputs.hold`."""
        hold(self.folder, inputs)

    def check(self, *names: str) -> None:
        """Compare files with the manifest of the finished run: see `vqa.runs.hashes.check`."""
        check(self.folder, self._required("manifest.json"), names)

    def inputs(self) -> dict[str, Any]:
        """Return what the numbers were made from.

        Raises:
            RunError: It is not stored.
        """
        return self._required("inputs.json")

    def describe(self, database: Database) -> None:
        """Store the card of the database."""
        card = {
            "name": database.name,
            "mos_range": list(database.mos_range),
            "videos": len(database),
            "skipped": len(database.skipped),
            "origin": database.origin,
        }
        write_json(self.folder / "database.json", card)

    def list_videos(
        self, videos: Sequence[VideoRecord], facts: Callable[[VideoRecord], Mapping[str, str]]
    ) -> None:
        """Store the label and the facts of each video in `videos.csv`.

        Args:
            videos: Videos that the run can use.
            facts: Facts about a video file, as stored with its features: size, rate, codec, source
                fingerprint, and `frames` and `duration_s` of the described part.
        """
        from vqa.runs.videos import video_table

        table = video_table(videos, facts)
        write_atomically(self.folder / "videos.csv", table.to_csv(index=False))

    def videos(self) -> "pd.DataFrame":
        """Read `videos.csv`, indexed by video; names are text, absent values NaN.

        Raises:
            RunError: The run has no such table, like runs of older versions.
        """
        from vqa.runs.videos import read_video_table

        path = self.folder / "videos.csv"
        if not path.is_file():
            raise RunError(f"{path} is absent; train the run again with fresh=true")
        with as_data(path):
            return read_video_table(path)

    def training_files(self) -> set[str]:
        """Return the SHA-256 of the files of the run's videos, or of a model folder's training."""
        if (self.folder / "videos.csv").is_file():
            return set(self.videos()["source"].dropna()) - {""}
        with as_data(self.folder / "database.json"):
            return set(self.database.get("files", []))

    def ci95(self) -> "pd.Series | None":
        """Return the half-width of the 95 % confidence interval of each MOS, if known.

        None if the labels have no standard deviation or number of ratings, or were brought to
        another scale.
        """
        from vqa.runs.videos import ci95_of

        rescaled = any(self.alignment(split.name) for split in self.splits())
        if rescaled or not (self.folder / "videos.csv").is_file():
            return None
        return ci95_of(self.videos())

    def begin(self, split: Split) -> Path:
        """Store a split before training on it; return its folder."""
        write_split(split, self.folder / "splits" / f"{split.name}.json")
        return self.split_folder(split.name)

    def splits(self) -> list[Split]:
        """Return the stored splits, in order."""
        files = sorted(
            (self.folder / "splits").glob("*.json"), key=lambda file: (len(file.stem), file.stem)
        )
        return [read_split(file) for file in files]

    def parts(self) -> list[str]:
        """Return the names of the folders with a trained model: the splits, in order.

        Raises:
            RunError: There is none.
        """
        names = [file.parent.name for file in self.folder.glob("*/learner.json")]
        if not names:
            raise RunError(f"{self.folder} has no trained model; rerun its command to resume it")
        return sorted(names, key=lambda name: (len(name), name))

    def has(self, split: Split) -> bool:
        """Return whether exactly this split is done.

        Raises:
            RunError: Another split of this name is stored, for example after the database changed.
        """
        if not (self.split_folder(split.name) / "predictions.csv").is_file():
            return False
        stored = read_split(self.folder / "splits" / f"{split.name}.json")
        if stored.sha256 != split.sha256:
            raise RunError(
                f"{self.folder} holds another {split.name} than this database and protocol give: "
                "videos were added, lost or failed since; start again with fresh=true"
            )
        return True

    def count_leaks(self, leaks: Mapping[str, Any]) -> None:
        """Store how many test videos show a scene of the training part, and would by video.

        Test videos whose very file is in the training part are noted.
        """
        twins = leaks["twins"]
        if twins["videos"]:
            self.note(
                f"{twins['files']} files have several names ({twins['videos']} videos); equal "
                "files count as one content."
            )
        if leaked := sum(twins["leaked"].values()):
            self.note(
                f"WARNING: {leaked} test videos in {len(twins['leaked'])} splits are files of the "
                "training part under another name: their scores are not those of unseen videos."
            )
        write_json(self.folder / "leaks.json", leaks)

    def relabel(self, split: str, database: Database, alignment: Mapping[str, Any]) -> None:
        """Store the labels of a split whose MOS were brought to one scale, and the alignment."""
        rows = ([video.id, video.mos] for video in database.videos)
        write_csv(self.split_folder(split) / "labels.csv", ["video", "mos"], rows)
        write_json(self.split_folder(split) / "alignment.json", alignment)
        self.describe(database)

    def alignment(self, split: str) -> dict[str, Any] | None:
        """Return how the MOS of a split were brought to one scale; None if they were not."""
        return read_object(self.split_folder(split) / "alignment.json")

    def labels(self, split: str) -> "pd.Series":
        """Return the MOS of each video as the model of a split was trained and tested on it."""
        import pandas as pd

        path = self.split_folder(split) / "labels.csv"
        if path.is_file():
            with as_data(path):
                return pd.read_csv(path, dtype={"video": str}).set_index("video")["mos"]
        return self.videos()["mos"]

    def record(self, split: str, predictions: Iterable[Any], name: str = "predictions.csv") -> None:
        """Store predictions of a split (`id`, `mos`, `score`).

        Those of its test part, in `predictions.csv`, mark it as done.
        """
        rows = ([split, row.id, repr(row.mos), repr(row.score)] for row in predictions)
        path = self.split_folder(split) / name
        write_csv(path, ["split", "video", "mos", "score"], rows)

    def predictions(self) -> "pd.DataFrame | None":
        """Return the predictions of all splits; None if no video was tested."""
        import pandas as pd

        from vqa.evaluation.predictions import read_predictions

        parts = [
            read_predictions(path)
            for split in self.splits()
            if (path := self.split_folder(split.name) / "predictions.csv").is_file()
            and len(path.read_bytes().splitlines()) > 1
        ]
        return pd.concat(parts, ignore_index=True) if parts else None

    def note(self, text: str) -> None:
        """Add a sentence that every reader of the results must see."""
        if text not in (notes := self.notes()):
            write_json(self.folder / "notes.json", [*notes, text])

    def notes(self) -> list[str]:
        """Return the notes so far.

        Raises:
            RunError: They are damaged.
        """
        path = self.folder / "notes.json"
        notes = read_json(path) or []
        if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
            raise RunError(f"{path}: expected a list of sentences; was it edited or cut off?")
        return notes

    def finish(self) -> None:
        """Join the predictions, compute the results, store environment and hashes."""
        predictions, results = self.predictions(), None
        if predictions is not None:
            from vqa.evaluation.predictions import read_predictions
            from vqa.evaluation.summary import summarise

            path = self.folder / "predictions.csv"
            write_atomically(path, predictions.to_csv(index=False))
            results = summarise(read_predictions(path), ci95=self.ci95()).to_json()
        seconds = {"seconds": round(time.time() - self._started, 1)}
        write_json(self.folder / "environment.json", environment(self.folder) | seconds)
        write_json(self.folder / "results.json", results)
        write_json(self.folder / "manifest.json", file_hashes(self.folder))

    def results(self) -> Results | None:
        """Return what `finish` computed; None if no video was tested (protocol=full).

        Raises:
            RunError: The run is not finished.
            ValueError: results.json is damaged.
        """
        path = self.folder / "results.json"
        if not path.is_file():
            raise RunError(f"{self.folder} is not finished; rerun its command to resume it")
        return read_results(path)

    def _required(self, name: str, /, **kinds: type) -> dict[str, Any]:
        content = read_object(self.folder / name, **kinds)
        if content is None:
            raise RunError(
                f"{self.folder / name} is absent: the run stopped before it was written; rerun its "
                "command to resume it"
            )
        return content
