"""Score any video files with a trained run.

Features go through the cache under the files' absolute paths, so an interrupted job resumes and a
file that was scored before costs almost nothing; a changed file is detected by its hash and read
again. If a run has several splits, the score is the mean over their models.
"""

import math
import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vqa.commands.experiment import Experiment
from vqa.commands.score_files import checked_output, score_writer
from vqa.databases.records import VideoRecord
from vqa.databases.unrated import as_records, find_videos
from vqa.files import shown, user_path
from vqa.runs import Run
from vqa.runs.opening import load_run
from vqa.training.errors import TrainingError
from vqa.training.views import moments
from vqa.video import RawFormat, VideoError


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
        timeline: What the timeline is, and whether the score is its mean.
        note: What is special about this video or its score; empty if nothing is.
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
    timeline: str = ""
    note: str = ""
    notes: tuple[str, ...] = ()
    error: str = ""


class Scorer:
    """A trained run that scores video files. Make it with `vqa.load`.

    Args:
        run: A finished run folder.
        cache: Folder of the feature cache; None uses a temporary one, removed with the scorer.
        device: `cpu`, `cuda`, or `auto`: the GPU if there is one and the run was trained on one.
        damaged: `refuse`, or `score` to score damaged files by their good frames.
        trust: Packages besides vqa that the run's configuration may use.

    Attributes:
        cache: Folder of the feature cache.
        mos_range: Scale of the scores.
        notes: What every reader of the scores must know.
        timeline: What the timelines are, and whether a score is the mean of its timeline.

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
        damaged: str = "refuse",
        trust: Sequence[str] = (),
    ) -> None:
        self.run = run if isinstance(run, Run) else load_run(run)
        folder = tempfile.mkdtemp(prefix="vqa-") if cache is None else str(cache)
        if cache is None:
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.cache = user_path(folder)
        reader = self.run.config["data"]["reader"]
        data = {"name": "files", "reader": reader, "damaged": damaged}
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
        self.timeline = self._learners[0].timeline_is
        if len(self._learners) > 1:
            self.timeline += f" (mean over {len(self._learners)} models)"

    def __call__(self, video: str | Path, *, raw: RawFormat | None = None) -> Score:
        """Score one file; a file that cannot be scored returns a `Score` with an error.

        Args:
            video: The file.
            raw: Format of a headerless .yuv file.
        """
        (score,) = self.score([video], raw=raw)
        return score

    def score(
        self, videos: Iterable[str | Path], *, raw: RawFormat | None = None
    ) -> Iterator[Score]:
        """Score files one after the other; each score is yielded as soon as it is known.

        Args:
            videos: The files; a file that is given twice is scored once.
            raw: Format of headerless .yuv files.
        """
        records = as_records([user_path(video) for video in videos], raw)
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
        value = float(np.mean([score for score, _ in results]))
        if not (math.isfinite(value) and np.isfinite(timeline).all()):
            return self._failed(record, "the model gives no finite score")
        low, high = self.mos_range
        outside = "" if low <= value <= high else f"outside the scale [{low:g}, {high:g}]"
        return Score(
            record.id,
            value,
            self.mos_range,
            frames=int(facts["frames"]),
            times_s=moments(times_s, len(timeline)).tolist(),
            frame_quality=timeline.tolist(),
            reader=facts["reader"],
            weights=sources.weights,
            timeline=self.timeline,
            note="; ".join(filter(None, (facts.get("note"), outside))),
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
    raw: RawFormat | None = None,
    damaged: str = "refuse",
    trust: Sequence[str] = (),
) -> int:
    """Score files, print and write the scores; returns 1 if a file failed, else 0.

    Args:
        run: A finished run folder.
        places: Files, folders, globs, or lists of files.
        output: A .csv, .json or .jsonl file.
        cache: Folder of the feature cache.
        device: `auto`, `cpu` or `cuda`.
        raw: Format of headerless .yuv files.
        damaged: `refuse`, or `score` to score damaged files by their good frames.
        trust: Packages besides vqa that the run's configuration may use.

    Raises:
        ValueError: The output is one of the videos, or as in `score_writer`.
    """
    checked_output(output)
    found = find_videos(places)
    for remark in found.remarks():
        print(remark, file=sys.stderr)
    scorer = Scorer(run, cache=cache, device=device, damaged=damaged, trust=trust)
    writer = score_writer(output, scorer.notes)
    if taken := {*map(os.path.realpath, writer.files)} & {*map(os.path.realpath, found.files)}:
        raise ValueError(f"output={min(taken)} is one of the files to score; choose another name")
    for note in scorer.notes:
        print(f"NOTE: {note}")
    low, high = scorer.mos_range
    name = scorer.run.database["name"]
    print(f"score on [{low:g}, {high:g}], the MOS scale of {name}; higher is better")
    print(f"timeline: {scorer.timeline}")
    count = failed = outside = 0
    with writer:
        for score in scorer.score(found.files, raw=raw):
            writer.write(score)
            count, failed = count + 1, failed + bool(score.error)
            outside += score.value is not None and not low <= score.value <= high
            value = "failed" if score.value is None else f"{score.value:8.4f}"
            note = f"  ({score.note})" if score.note else ""
            print(f"{value}  {shown(score.video)}{note}", flush=True)
    print("written: " + ", ".join(map(shown, writer.files)))
    if outside:
        print(
            f"NOTE: {outside} of {count} scores lie outside the scale [{low:g}, {high:g}]: the "
            "model extrapolates"
        )
    if failed:
        print(f"{failed} of {count} files failed; their rows say why", file=sys.stderr)
    return 1 if failed else 0
