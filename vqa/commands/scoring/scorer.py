"""Score any video files with a trained run.

Features go through the cache under the files' absolute paths, so an interrupted job resumes and a
file that was scored before costs almost nothing; a changed file is detected by its hash and read
again. If a run has several splits, the score is the mean over their models.
"""

import math
import shutil
import tempfile
import weakref
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from vqa.commands.experiment import Experiment
from vqa.databases.records import VideoRecord
from vqa.databases.unrated import as_records
from vqa.files import user_path
from vqa.runs import Run
from vqa.runs.calibration import Calibration
from vqa.runs.opening import load_run
from vqa.runs.seen import Seen
from vqa.training.views import moments, over_time
from vqa.video import RawFormat


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
        run: Name of the run's folder.
        notes: What every reader of the score must know, for example untrained weights.
        error: Why there is no score; empty if there is one.
        raw: Score before the calibration to that scale; what papers compute their metrics on.
        interval: Holds the MOS with a probability of 90 % (`Scorer.level`) if the video is like
            those that the model was tested on; None if it was tested on too few.
        percentile: Share of the training videos whose MOS is at most the score, in percent.

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
    run: str = ""
    notes: tuple[str, ...] = ()
    error: str = ""
    raw: float | None = None
    interval: tuple[float, float] | None = None
    percentile: float | None = None


class Scorer:
    """A trained run that scores video files. Make it with `vqa.load`.

    Args:
        run: A finished run folder.
        cache: Folder of the feature cache; None uses a temporary one, removed with the scorer.
        device: `cpu`, `cuda`, or `auto`: the GPU if there is one and the run was trained on one.
        damaged: `refuse`, or `score` to score damaged files by their good frames.
        trust: Packages besides vqa that the run's configuration may use.
        level: Probability of the intervals.

    Attributes:
        cache: Folder of the feature cache.
        calibration: What the raw scores mean; None for a run that stored none.
        level: Probability of the intervals.
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
        level: float = 0.9,
    ) -> None:
        if not 0 < level < 1:
            raise ValueError(f"level={level}: expected a share between 0 and 1, such as 0.9")
        self.level = level
        self.run = run if isinstance(run, Run) else load_run(run)
        folder = tempfile.mkdtemp(prefix="vqa-") if cache is None else str(cache)
        if cache is None:
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.cache = user_path(folder)
        data = {"name": "files", "damaged": damaged}
        paths = {"cache": str(self.cache)}
        self._experiment = Experiment.of_run(
            self.run, data=data, paths=paths, device=device, trust=trust
        )
        for view in self._experiment.config["views"].values():
            if view is not None and "memory_gb" in view:
                view["memory_gb"] = 0  # no video is scored twice
        _ = self._experiment.sources  # refuses features of other weights than in training
        self.calibration = Calibration.load(self.run.folder)
        self._models = [
            (self._experiment.learned(self.run, name), self._scaled(name))
            for name in self.run.parts()
        ]
        self._learners = [learner for learner, _ in self._models]
        low, high = self.run.database["mos_range"]
        self.mos_range: tuple[float, float] = (low, high)
        self.notes = tuple(self.run.notes())
        self.timeline = "; ".join(dict.fromkeys(one.timeline_is for one in self._learners))
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
    ) -> Generator[Score, None, None]:
        """Score files one after the other; each score is yielded as soon as it is known.

        Args:
            videos: The files; a file that is given twice is scored once.
            raw: Format of headerless .yuv files.
        """
        records = as_records([user_path(video) for video in videos], raw)
        for record, failure in self._experiment.sources.stream(records):
            yield self.failed(record.id, failure) if failure else self._assessed(record)

    def failed(self, video: str, error: str) -> Score:
        """Return the `Score` of a file that has none."""
        run = self.run.folder.name
        return Score(video, None, self.mos_range, run=run, notes=self.notes, error=error)

    def _assessed(self, record: VideoRecord) -> Score:
        sources, views = self._experiment.sources, self._experiment.views
        try:
            inputs = views.alone(record)
            results = [(*learner.assess(inputs), scaled) for learner, scaled in self._models]
            timeline = np.mean([scaled(quality) for _, quality, scaled in results], axis=0)
            times_s = moments(views.times_s(record), len(timeline))
            facts = sources.metadata(record)
        except (OSError, ValueError, RuntimeError, MemoryError) as error:  # of this video alone
            return self.failed(record.id, str(error) or type(error).__name__)
        raw = float(np.mean([score for score, _, _ in results]))
        value = float(np.mean([scaled(score) for score, _, scaled in results]))
        if not (math.isfinite(value) and np.isfinite(timeline).all()):
            return self.failed(record.id, "the model gives no finite score")
        remarks = [facts.get("note"), outside_of(self.mos_range, value, timeline)]
        interval = percentile = None
        if self.calibration is None:
            remarks.append("not calibrated to the MOS scale")
        else:
            interval = self.calibration.interval(value, self.level)
            percentile = self.calibration.percentile(value)
            remarks.append(self._unlike(self.calibration.seen, inputs, facts))
        return Score(
            record.id,
            value,
            self.mos_range,
            frames=int(facts["frames"]),
            times_s=times_s.tolist(),
            frame_quality=timeline.tolist(),
            reader=facts["reader"],
            weights=sources.weights,
            timeline=self.timeline,
            note="; ".join(filter(None, remarks)),
            run=self.run.folder.name,
            notes=self.notes,
            raw=raw,
            interval=interval,
            percentile=percentile,
        )

    def _scaled(self, name: str) -> Callable[[Any], Any]:
        """Return the curve of a model to the MOS scale; without a calibration, raw scores stay."""
        if self.calibration is None:
            return np.asarray
        return self.calibration.curves[name]

    def _unlike(self, seen: Seen, inputs: Mapping[str, Tensor], facts: Mapping[str, str]) -> str:
        """Say in what a video is unlike the training videos."""
        features = over_time(inputs["features"]) if "features" in inputs else None
        size = int(facts["width"]), int(facts["height"])
        rate_hz = float(facts["frame_rate_hz"])
        return seen.remark(*size, rate_hz, features, self._experiment.sources.families)


def outside_of(mos_range: tuple[float, float], score: float, timeline: np.ndarray) -> str:
    """Note a score, or else values of its timeline (T,), that lie outside the announced scale.

    Examples:
        >>> import numpy as np
        >>> from vqa.commands.scoring.scorer import outside_of
        >>> outside_of((1.0, 5.0), 4.5, np.array([3.0, 6.0]))
        'the timeline leaves the scale [1, 5]'
    """
    low, high = mos_range
    if not low <= score <= high:
        return f"outside the scale [{low:g}, {high:g}]"
    inside = low <= timeline.min() and timeline.max() <= high
    return "" if inside else f"the timeline leaves the scale [{low:g}, {high:g}]"
