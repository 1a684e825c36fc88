"""Score any video files with a trained run.

Features go through the cache under the files' absolute paths, so an interrupted job resumes and a
file that was scored before costs almost nothing; a changed file is detected by its hash and read
again. If a run has several splits, the score is the mean over their models.
"""

import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from vqa.commands.experiment import Experiment
from vqa.databases.records import VideoRecord
from vqa.databases.unrated import as_records, find_videos
from vqa.files import write_csv, write_json
from vqa.runs import Run
from vqa.runs.opening import load_run
from vqa.training.errors import TrainingError
from vqa.training.views import moments
from vqa.video import VideoError

SUFFIXES = (".csv", ".json")
COLUMNS = ("video", "score", "frames", "reader", "weights", "error")


@dataclass(frozen=True, slots=True)
class Score:
    """A scored video, or the error in its place.

    Attributes:
        video: Path of the file.
        value: Score on the MOS scale of the training database, higher is better; None on error.
        mos_range: Lowest and highest value of that scale.
        frames: Number of frames of the video.
        times_s: (T,) times in seconds of the timeline: of frames or of clips.
        frame_quality: (T,) quality at these times on the MOS scale.
        reader: Decoder and its version.
        weights: Weights of the feature extractor, in words.
        notes: What every reader of the score must know, for example untrained weights.
        error: Why there is no score; empty if there is one.

    Examples:
        >>> from vqa import Score
        >>> score = Score("cut.mp4", None, (1.0, 5.0), error="truncated after 41 of 240 frames")
        >>> f"{score.value:.2f}" if score.value is not None else f"no score: {score.error}"
        'no score: truncated after 41 of 240 frames'
    """

    video: str
    value: float | None
    mos_range: tuple[float, float]
    frames: int = 0
    times_s: list[float] = field(default_factory=list)
    frame_quality: list[float] = field(default_factory=list)
    reader: str = ""
    weights: str = ""
    notes: tuple[str, ...] = ()
    error: str = ""


class Scorer:
    """A trained run that scores video files. Make it with `vqa.load`.

    Args:
        run: A finished run folder.
        cache: Folder of the feature cache; None uses a temporary one, removed with the scorer.
        device: `cpu`, `cuda`, or `auto`: the GPU if there is one and the run was trained on one.
        trust: Packages besides vqa that the run's configuration may use.

    Attributes:
        cache: Folder of the feature cache.
        mos_range: Scale of the scores.
        notes: What every reader of the scores must know.

    Raises:
        RunError: The folder is not a run.
        FileNotFoundError: The run is not finished.
    """

    def __init__(
        self,
        run: str | Path | Run,
        *,
        cache: str | Path | None = None,
        device: str = "auto",
        trust: Sequence[str] = (),
    ) -> None:
        self.run = run if isinstance(run, Run) else load_run(run)
        folder = tempfile.mkdtemp(prefix="vqa-") if cache is None else str(cache)
        if cache is None:
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.cache = Path(folder).expanduser()
        data = {"name": "files", "reader": self.run.config["data"]["reader"]}
        paths = {"cache": str(self.cache)}
        self._experiment = Experiment.of_run(
            self.run, data=data, paths=paths, device=device, trust=trust
        )
        self._learners = [
            self._experiment.learned(self.run, split.name) for split in self.run.splits()
        ]
        low, high = self.run.database["mos_range"]
        self.mos_range: tuple[float, float] = (low, high)
        self.notes = tuple(self.run.notes())

    def __call__(self, video: str | Path, *, raw_size: str | None = None) -> Score:
        """Score one file; a file that cannot be scored returns a `Score` with an error.

        Args:
            video: The file.
            raw_size: WIDTHxHEIGHT of a headerless .yuv file.
        """
        (score,) = self.score([video], raw_size=raw_size)
        return score

    def score(
        self, videos: Iterable[str | Path], *, raw_size: str | None = None
    ) -> Iterator[Score]:
        """Score files one after the other; each score is yielded as soon as it is known.

        Args:
            videos: The files; a file that is given twice is scored once.
            raw_size: WIDTHxHEIGHT of headerless .yuv files.

        Raises:
            ValueError: `raw_size` is not of that form.
        """
        records = as_records([Path(video).expanduser() for video in videos], raw_size)
        for record, failure in self._experiment.sources.stream(records):
            yield self._failed(record, failure) if failure else self._assessed(record)

    def _assessed(self, record: VideoRecord) -> Score:
        sources, views = self._experiment.sources, self._experiment.views
        try:
            inputs = views.alone(record)
            times_s = views.times_s(record)
        except VideoError as error:
            return self._failed(record, str(error))
        try:
            results = [learner.assess(inputs) for learner in self._learners]
        except TrainingError as error:
            return self._failed(record, str(error))
        timeline = np.mean([quality for _, quality in results], axis=0)
        facts = sources.metadata(record)
        return Score(
            record.id,
            float(np.mean([score for score, _ in results])),
            self.mos_range,
            frames=int(facts["frames"]),
            times_s=moments(times_s, len(timeline)).tolist(),
            frame_quality=timeline.tolist(),
            reader=facts["reader"],
            weights=sources.weights,
            notes=self.notes,
        )

    def _failed(self, record: VideoRecord, error: str) -> Score:
        return Score(record.id, None, self.mos_range, notes=self.notes, error=error)


def main(
    run: str,
    places: Sequence[str],
    *,
    output: str | Path,
    cache: str | Path = "cache",
    device: str = "auto",
    raw_size: str | None = None,
    trust: Sequence[str] = (),
) -> int:
    """Score files, print and write the scores; returns 1 if a file failed, else 0.

    Args:
        run: A finished run folder.
        places: Files, folders, globs, or lists of files.
        output: A .csv or .json file.
        cache: Folder of the feature cache.
        device: `auto`, `cpu` or `cuda`.
        raw_size: WIDTHxHEIGHT of headerless .yuv files.
        trust: Packages besides vqa that the run's configuration may use.
    """
    output = checked_output(output)
    videos = find_videos(places)
    scorer = Scorer(run, cache=cache, device=device, trust=trust)
    for note in scorer.notes:
        print(f"NOTE: {note}")
    low, high = scorer.mos_range
    name = scorer.run.database["name"]
    print(f"score on [{low:g}, {high:g}], the MOS scale of {name}; higher is better")
    scores = []
    for score in scorer.score(videos, raw_size=raw_size):
        scores.append(score)
        shown = "failed" if score.value is None else f"{score.value:8.4f}"
        print(f"{shown}  {score.video}", flush=True)
    files = write_scores(scores, output, scorer.notes)
    print("written: " + ", ".join(map(str, files)))
    failed = sum(bool(score.error) for score in scores)
    if failed:
        print(f"{failed} of {len(scores)} files failed; their rows say why", file=sys.stderr)
    return 1 if failed else 0


def checked_output(path: str | Path) -> Path:
    """Return the path of an output file.

    Raises:
        ValueError: It ends neither in .csv nor in .json.
    """
    path = Path(path).expanduser()
    if path.suffix not in SUFFIXES:
        raise ValueError(f"output={path}: expected a name that ends in .csv or .json")
    return path


def write_scores(scores: Sequence[Score], path: Path, notes: Sequence[str] = ()) -> list[Path]:
    """Write scores as .json (timelines inside) or .csv (timelines in `<name>.timeline.csv`).

    Returns:
        The files written.

    Raises:
        ValueError: Another suffix.
    """
    path = checked_output(path)
    if path.suffix == ".json":
        videos = []
        for score in scores:
            row = asdict(score)
            row["score"] = row.pop("value")
            del row["notes"]
            videos.append(row)
        content = {"notes": list(notes), "videos": videos}
        return [write_json(path, content, indent=1)]
    rows = (
        [
            score.video, score.value, score.frames, score.reader, score.weights, score.error,
            *score.mos_range,
        ]
        for score in scores
    )  # fmt: skip
    moments = (
        [score.video, time_s, quality]
        for score in scores
        for time_s, quality in zip(score.times_s, score.frame_quality, strict=True)
    )
    timeline = path.with_name(path.stem + ".timeline.csv")
    write_csv(path, [*COLUMNS, "mos_low", "mos_high"], rows)
    write_csv(timeline, ["video", "time_s", "frame_quality"], moments)
    return [path, timeline]
