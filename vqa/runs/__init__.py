"""The run folder: everything a trained model and its numbers rest on.

    config.yaml       resolved configuration          environment.json  versions, commit, device
    database.json     name, MOS scale, counts         splits/*.json     ids and hash of each split
    videos.csv        label and facts of each video   leaks.json        scenes on both sides
    predictions.csv   split, video, mos, score
    results.json      computed from predictions.csv   failures.csv      video, cause
    notes.json        what must be said with any score, for instance untrained weights
    manifest.json     SHA-256 of all that the numbers rest on
    <split>/          checkpoints, history.csv, model.safetensors, learner.json, predictions.csv
    timing.json       what features and training cost in time
    evidence.json, evidence/, figures/, report.html

A split is done when its `predictions.csv` is there, the run when the report is. So a run that
was killed goes on from its last whole split, and that from its last checkpoint.
"""

import csv
import hashlib
import io
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vqa.databases.records import Database, VideoRecord
from vqa.evaluation.results import read_predictions, summarise, write_json
from vqa.files import write_atomically
from vqa.protocols.splits import Split, read_split, write_split
from vqa.runs.environment import environment
from vqa.runs.videos import ci95_of, read_video_table, video_table

HASHED = (
    "config.yaml", "database.json", "leaks.json", "videos.csv", "failures.csv", "notes.json",
    "results.json", "predictions.csv", "splits/*.json", "*/predictions.csv", "*/history.csv",
    "*/learner.json", "*/labels.csv", "*/alignment.json", "*/model.safetensors",
)  # fmt: skip


class RunError(RuntimeError):
    """A run folder that cannot be used as asked."""


class Run:
    """One run folder. Make it with `open_run` or `load_run` of `vqa.runs.opening`."""

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self.folder = folder
        self.config = config
        self._started = time.time()

    @property
    def finished(self) -> bool:
        """Whether the results are there, and the report that is written after them."""
        if not (self.folder / "results.json").is_file():
            return False
        return self.report.is_file() or self.results() is None

    @property
    def report(self) -> Path:
        """Where the report lies."""
        return self.folder / "report.html"

    def split_folder(self, name: str) -> Path:
        """Folder of one split."""
        return self.folder / name

    def describe(self, database: Database) -> None:
        """Store the card of the database that this run is about."""
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
        """Store what is known of each video: `videos.csv`.

        Args:
            videos: Those that the run can use.
            facts: Of a video's file, as its features were stored with: size, rate, codec, source
                fingerprint, and `frames` and `duration_s` of what was described.
        """
        table = video_table(videos, facts)
        write_atomically(self.folder / "videos.csv", table.to_csv(index=False))

    def videos(self) -> pd.DataFrame:
        """What `list_videos` stored, indexed by video; names are text, absent values NaN.

        Raises:
            RunError: The run has no such table, as those of older versions.
        """
        path = self.folder / "videos.csv"
        if not path.is_file():
            raise RunError(f"{path} is absent: make the run again with fresh=true")
        return read_video_table(path)

    @property
    def database(self) -> dict[str, Any]:
        """The card of the database: name, mos_range, videos, skipped."""
        return json.loads((self.folder / "database.json").read_text())

    def has(self, split: Split) -> bool:
        """Whether this very split is done.

        Raises:
            RunError: Another split of this name is, for instance after the database changed.
        """
        if not (self.split_folder(split.name) / "predictions.csv").is_file():
            return False
        stored = read_split(self.folder / "splits" / f"{split.name}.json")
        if stored.sha256 != split.sha256:
            raise RunError(
                f"{self.folder} holds another {split.name} than this database and protocol give: "
                "videos were added, lost or failed since; start anew with fresh=true"
            )
        return True

    def ci95(self) -> pd.Series | None:
        """Half-width of the 95 % confidence interval of each video's MOS, where it is known.

        None where the labels have no spread or number of ratings, or were brought to another scale.
        """
        rescaled = any(self.alignment(split.name) for split in self.splits())
        if rescaled or not (self.folder / "videos.csv").is_file():
            return None
        return ci95_of(self.videos())

    def relabel(self, split: str, database: Database, alignment: Mapping[str, Any]) -> None:
        """Store the labels of a split whose MOS were brought to one scale, and how."""
        rows = [(video.id, video.mos) for video in database.videos]
        table = pd.DataFrame(rows, columns=["video", "mos"]).to_csv(index=False)
        write_atomically(self.split_folder(split) / "labels.csv", table)
        write_json(self.split_folder(split) / "alignment.json", alignment)
        self.describe(database)

    def alignment(self, split: str) -> dict[str, Any] | None:
        """How a split's MOS were brought to one scale; None where they are the database's own."""
        path = self.split_folder(split) / "alignment.json"
        return json.loads(path.read_text()) if path.is_file() else None

    def labels(self, split: str) -> pd.Series:
        """MOS of each video as a split's models were trained and tested on it."""
        path = self.split_folder(split) / "labels.csv"
        if path.is_file():
            return pd.read_csv(path, dtype={"video": str}).set_index("video")["mos"]
        return self.videos()["mos"]

    def count_leaks(self, leaks: Mapping[str, Any]) -> None:
        """Store how many test videos show a scene of the training part, and would by video."""
        write_json(self.folder / "leaks.json", leaks)

    def begin(self, split: Split) -> Path:
        """Store a split before it is trained on. Returns its folder."""
        write_split(split, self.folder / "splits" / f"{split.name}.json")
        return self.split_folder(split.name)

    def splits(self) -> list[Split]:
        """The stored splits, in order."""
        files = sorted(
            (self.folder / "splits").glob("*.json"), key=lambda file: (len(file.stem), file.stem)
        )
        return [read_split(file) for file in files]

    def time_split(self, split: str, seconds: float) -> None:
        """Note how long the training of a split took."""
        write_json(self.split_folder(split) / "seconds.json", round(seconds, 3))

    def time_features(self, features: Mapping[str, Any]) -> None:
        """Store what features and training cost: `timing.json`, which no number rests on."""
        found = [self.split_folder(split.name) / "seconds.json" for split in self.splits()]
        seconds = [json.loads(path.read_text()) for path in found if path.is_file()]
        timing = {
            "features": features,
            "training_s": round(sum(seconds), 3),
            "splits": len(seconds),
        }
        write_json(self.folder / "timing.json", timing)

    def record(self, split: str, predictions: Iterable[Any]) -> None:
        """Store a split's predictions (`id`, `mos`, `score`), which marks it as done."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["split", "video", "mos", "score"])
        writer.writerows([split, row.id, repr(row.mos), repr(row.score)] for row in predictions)
        write_atomically(self.split_folder(split) / "predictions.csv", text.getvalue())

    def note(self, text: str) -> None:
        """Add a sentence that every reader of the results must see."""
        if text not in (notes := self.notes()):
            write_json(self.folder / "notes.json", [*notes, text])

    def notes(self) -> list[str]:
        """The notes so far."""
        path = self.folder / "notes.json"
        return json.loads(path.read_text()) if path.is_file() else []

    def predictions(self) -> pd.DataFrame | None:
        """The predictions of all splits, or None where none tests anything."""
        parts = [
            read_predictions(path)
            for split in self.splits()
            if (path := self.split_folder(split.name) / "predictions.csv").is_file()
            and len(path.read_text().splitlines()) > 1
        ]
        return pd.concat(parts, ignore_index=True) if parts else None

    def finish(self) -> None:
        """Join the splits' predictions, compute the results, note environment and hashes."""
        predictions = self.predictions()
        if predictions is not None:
            write_atomically(self.folder / "predictions.csv", predictions.to_csv(index=False))
            stored = read_predictions(self.folder / "predictions.csv")
            results = summarise(stored, ci95=self.ci95())
        else:
            results = None
        seconds = round(time.time() - self._started, 1)
        write_json(self.folder / "environment.json", environment() | {"seconds": seconds})
        write_json(self.folder / "results.json", results)
        write_json(self.folder / "manifest.json", self.hashes())

    def hashes(self) -> dict[str, str]:
        """SHA-256 of every file that the numbers rest on, by its path in the run folder."""
        files = sorted({path for pattern in HASHED for path in self.folder.glob(pattern)})
        return {
            path.relative_to(self.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        }

    def results(self) -> dict[str, Any] | None:
        """What `finish` computed; None where no video was tested (protocol=full)."""
        return json.loads((self.folder / "results.json").read_text())
