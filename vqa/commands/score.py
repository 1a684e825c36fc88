"""Score any video files with a trained run.

Features go through the cache under the files' absolute paths, so an interrupted job resumes and a
file that was scored before costs almost nothing; a changed file is detected by its hash and read
again. If a run has several splits, the score is the mean over their models.
"""

import shutil
import sys
import tempfile
import weakref
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np

from vqa.commands.experiment import Experiment
from vqa.commands.printing import say
from vqa.commands.score_files import ScoreFiles, checked_output, output_files
from vqa.databases.records import VideoRecord
from vqa.databases.unrated import as_records, find_videos
from vqa.files import shown, user_path
from vqa.runs import Run
from vqa.runs.opening import load_run
from vqa.training.views import moments


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
        timeline_is: What these values are, and whether their mean is the score.
        reader: Decoder and its version.
        weights: Weights of the feature extractor, in words.
        run: Name of the run's folder.
        notes: What every reader of the score must know, for example untrained weights, an assumed
            raw format, or a score outside the scale.
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
    timeline_is: str = ""
    reader: str = ""
    weights: str = ""
    run: str = ""
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
        timeline_is: What the values of a timeline are, and whether their mean is the score.
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
        self.cache = user_path(folder)
        data = {"name": "files", "reader": self.run.config["data"]["reader"]}
        paths = {"cache": str(self.cache)}
        self._experiment = Experiment.of_run(
            self.run, data=data, paths=paths, device=device, trust=trust
        )
        for view in self._experiment.config["views"].values():
            if view is not None and "memory_gb" in view:
                view["memory_gb"] = 0  # no video is scored twice
        self._learners = [
            self._experiment.learned(self.run, split.name) for split in self.run.splits()
        ]
        low, high = self.run.database["mos_range"]
        self.mos_range: tuple[float, float] = (low, high)
        self.timeline_is = "; ".join(dict.fromkeys(one.timeline_is for one in self._learners))
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
    ) -> Generator[Score, None, None]:
        """Score files one after the other; each score is yielded as soon as it is known.

        Args:
            videos: The files; a file that is given twice is scored once.
            raw_size: WIDTHxHEIGHT of headerless .yuv files.

        Raises:
            ValueError: `raw_size` is not of that form.
        """
        records = as_records([user_path(video) for video in videos], raw_size)
        for record, failure in self._experiment.sources.stream(records):
            yield self.failed(record.id, failure) if failure else self._assessed(record)

    def failed(self, video: str, error: str) -> Score:
        """Return the `Score` of a file that has none."""
        return Score(
            video, None, self.mos_range, run=self.run.folder.name, notes=self.notes, error=error
        )

    def _assessed(self, record: VideoRecord) -> Score:
        sources, views = self._experiment.sources, self._experiment.views
        try:
            inputs = views.alone(record)
            results = [learner.assess(inputs) for learner in self._learners]
            timeline = np.mean([quality for _, quality in results], axis=0)
            times_s = moments(views.times_s(record), len(timeline))
            facts = sources.metadata(record)
        except (OSError, ValueError, RuntimeError, MemoryError) as error:  # of this video alone
            return self.failed(record.id, str(error) or type(error).__name__)
        value = float(np.mean([score for score, _ in results]))
        own = (facts.get("notes", ""), *outside(value, timeline, self.mos_range))
        return Score(
            record.id,
            value,
            self.mos_range,
            frames=int(facts["frames"]),
            times_s=times_s.tolist(),
            frame_quality=timeline.tolist(),
            timeline_is=self.timeline_is,
            reader=facts["reader"],
            weights=sources.weights,
            run=self.run.folder.name,
            notes=(*self.notes, *filter(None, own)),
        )


def outside(score: float, timeline: np.ndarray, mos_range: tuple[float, float]) -> list[str]:
    """Note a score, or values of its timeline (T,), that lie outside the announced scale.

    Examples:
        >>> import numpy as np
        >>> from vqa.commands.score import outside
        >>> outside(5.5, np.array([5.0, 6.0]), (1.0, 5.0))
        ['the score lies outside the scale [1, 5]', 'the timeline leaves the scale [1, 5]']
    """
    low, high = mos_range
    scale = f"the scale [{low:g}, {high:g}]"
    notes = [] if low <= score <= high else [f"the score lies outside {scale}"]
    if timeline.min() < low or timeline.max() > high:
        notes.append(f"the timeline leaves {scale}")
    return notes


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
    """Score files, print and write each score when it is known.

    A place that names nothing among others that do costs a row with an error.

    Returns:
        1 if a file failed, else 0.

    Args:
        run: A finished run folder.
        places: Files, folders, globs, or lists of files.
        output: A .csv, .json or .jsonl file; see `vqa.commands.score_files`.
        cache: Folder of the feature cache.
        device: `auto`, `cpu` or `cuda`.
        raw_size: WIDTHxHEIGHT of headerless .yuv files.
        trust: Packages besides vqa that the run's configuration may use.
    """
    output = checked_output(output)
    found = find_videos(places)
    if same := set(found.files) & {file.absolute() for file in output_files(output)}:
        raise ValueError(
            f"output={shown(output)}: expected another file than a video: {same.pop()}"
        )
    for remark in found.remarks:
        say(remark, sys.stderr)
    scorer = Scorer(run, cache=cache, device=device, trust=trust)
    for note in scorer.notes:
        say(f"NOTE: {note}")
    low, high = scorer.mos_range
    name = scorer.run.database["name"]
    scale = f"[{low:g}, {high:g}], the MOS scale of {name}"
    say(f"score on {scale}; higher is better; scores outside it have a note")
    say(f"timeline: {scorer.timeline_is}")
    absent = (scorer.failed(video, cause) for video, cause in found.absent.items())
    failed = 0
    with (
        ScoreFiles(output, scorer.notes) as files,
        closing(scorer.score(found.files, raw_size=raw_size)) as scores,
    ):
        try:
            for score in chain(absent, scores):
                files.add(score)
                failed += score.value is None
                say(line_of(score, scorer.notes))
        except BaseException:
            say(
                f"{files.count} rows are in {files.partial}; rerun the command to resume",
                sys.stderr,
            )
            raise
        say("written: " + ", ".join(map(str, files.finish())))
    if failed:
        say(f"{failed} of {files.count} files failed; their rows say why", sys.stderr)
    return 1 if failed else 0


def line_of(score: Score, known: Sequence[str] = ()) -> str:
    """Return the line that is printed for a score; `known` notes are left out."""
    number = "failed" if score.value is None else f"{score.value:8.4f}"
    own = [score.error, *(note for note in score.notes if note not in known)]
    remarks = "; ".join(filter(None, own))
    return f"{number}  {score.video}" + (f"  ({remarks})" if remarks else "")
