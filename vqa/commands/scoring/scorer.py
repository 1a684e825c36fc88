"""Score any video files with a trained run.

Features may go through a cache, so a file that was scored before costs almost nothing; a changed
file is detected by its hash and read again. If a run has several splits, the score is the mean over
their models.
"""

import hashlib
import json
import math
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vqa import __version__
from vqa.commands.experiment import Experiment
from vqa.commands.scoring.remarks import doubts, outside_of
from vqa.commands.scoring.score import Score
from vqa.databases.file_records import as_records
from vqa.databases.records import VideoRecord
from vqa.databases.searching import absolute
from vqa.features.extraction.feature_source import FeatureSource
from vqa.features.extraction.lanes import Decoders
from vqa.features.extractor import Extractor
from vqa.files import plain, user_path
from vqa.remote.addresses import is_elsewhere, public
from vqa.remote.fetching import LocalFiles
from vqa.remote.scratch import release
from vqa.runs import Run
from vqa.runs.calibration import Calibration, announced_scale
from vqa.runs.hashes import file_hashes
from vqa.runs.inputs import named_files
from vqa.runs.opening import load_run
from vqa.runs.seen import Seen
from vqa.training.assessment import assess, timeline_is
from vqa.training.views import over_time
from vqa.video import RawFormat


class Scorer:
    """A trained run that scores video files. Make it with `vqa.load`.

    Args:
        run: A finished run folder, a model folder, or the name of an embedded model.
        cache: Folder of the feature cache, which makes scoring a file again almost free; None
            stores no features.
        device: `cpu`, `cuda`, or `auto`: the GPU if there is one and the run was trained on one.
        damaged: `refuse`, or `score` to score damaged files by their good frames.
        trust: Packages besides vqa that the run's configuration may use.
        level: Probability of the intervals.
        fps: Score this many frames per second; None scores the frames that the model was trained
            on, usually all.
        max_seconds: Score only the beginning of each video; None scores all of it.
        identity: How a file is identified: by its `content`, or `sampled`, which is cheaper; see
            `vqa.identity`.
        explain: Also say why, see `vqa.commands.scoring.explanation`.

    Attributes:
        cache: Folder of the feature cache, or None.
        calibration: What the raw scores mean; None for a run that stored none.
        level: Probability of the intervals.
        mos_range: Scale of the scores; None if it is unknown.
        scale_is: What the scale is, in words.
        notes: What every reader of the scores must know.
        timeline: What the timelines are, and whether a score is the mean of its timeline.

    Raises:
        RunError: The folder is not a run.
        FileNotFoundError: The run is not finished.
        ValueError: An option that the model cannot follow.
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
        fps: float | None = None,
        max_seconds: float | None = None,
        identity: str = "content",
        explain: bool = False,
    ) -> None:
        if not 0 < level < 1:
            raise ValueError(f"level={level}: expected a share between 0 and 1, such as 0.9")
        self.level, self.fps, self.explain = level, fps, explain
        self.run = run if isinstance(run, Run) else load_run(run)
        self.cache = None if cache is None else user_path(cache)
        data = {"name": "files", "damaged": damaged, "max_seconds": max_seconds}
        data["identity"] = identity
        paths = {} if cache is None else {"cache": str(self.cache)}
        self._experiment = Experiment.of_run(
            self.run, data=data, paths=paths, device=device, trust=trust
        )
        for view in self._experiment.config["views"].values():
            if view is not None and "memory_gb" in view:
                view["memory_gb"] = 0  # no video is scored twice
        if fps is not None:
            self._sample(fps)
        _ = self._experiment.sources  # refuses features of other weights than in training
        self.calibration = Calibration.load(self.run.folder)
        self._models = [
            (self._experiment.learned(self.run, name), self._scaled(name))
            for name in self.run.parts()
        ]
        self._learners = [learner for learner, _ in self._models]
        self.mos_range, self.scale_is = announced_scale(self.run.database, self.calibration)
        self.notes = tuple(self.run.notes())
        told = (timeline_is(one, self._experiment.views) for one in self._learners)
        self.timeline = "; ".join(dict.fromkeys(told))
        if len(self._learners) > 1:
            self.timeline += f" (mean over {len(self._learners)} models)"

    @property
    def uses_gpu(self) -> bool:
        """Whether features, or the network that frames are read for, are computed on a GPU."""
        return any(extractor.device.type != "cpu" for extractor in self.extractors)

    @property
    def extractors(self) -> list[Extractor]:
        """What describes the frames of a video; none for a model that reads fragments."""
        return [source.extractor for source in self._extracted]

    @property
    def _extracted(self) -> list[FeatureSource]:
        sources = self._experiment.sources.sources
        return [source for source in sources if isinstance(source, FeatureSource)]

    def use_decoders(self, decoders: Decoders) -> None:
        """Set how many videos are in work at the same time, in this process; first it is `auto`.

        Args:
            decoders: See `vqa.features.extraction.lanes.lane_count`. No score depends on it.
        """
        for source in self._extracted:
            source.decoders = decoders

    @property
    def identity(self) -> str:
        """Hash of everything that a score depends on besides its video."""
        config = self._experiment.config
        facts = {
            "versions": [__version__, torch.__version__],
            "run": [self.run.folder.name, file_hashes(self.run.folder)],
            "settings": {key: config[key] for key in config.keys() - {"paths", "folder"}},
            "files": named_files(config),
            "weights": self._experiment.sources.weights,
            "level": self.level,
        }
        facts |= {"explain": True} if self.explain else {}  # other rows are not reused for it
        text = json.dumps(plain(facts), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def __call__(self, video: str | Path, *, raw: RawFormat | None = None) -> Score:
        """Score one file; a file that cannot be scored returns a `Score` with an error.

        Args:
            video: The file, or its address; see `vqa.remote.addresses`.
            raw: Format of a headerless .yuv file.
        """
        (score,) = self.score([video], raw=raw)
        return score

    def score(
        self, videos: Iterable[str | Path], *, raw: RawFormat | None = None
    ) -> Generator[Score, None, None]:
        """Score files one after the other; each score is yielded as soon as it is known.

        The next file is taken while one is in work, so a generator may still be waiting for it.
        Files elsewhere are copied ahead, and a copy is removed after its score.

        Args:
            videos: The files or addresses; a file that is given twice is scored once.
            raw: Format of headerless .yuv files.
        """
        sources = self._experiment.sources
        files = LocalFiles(_named(str(video)) for video in videos)
        # The files are closed first, so that no thread waits for the next one.
        with closing(sources.stream(as_records(files, raw))) as results, closing(files):
            for record, failure in results:
                score = self.failed(record.id, failure) if failure else self._assessed(record)
                sources.forget(record)
                release(record.path)
                yield score

    def failed(self, video: str, error: str) -> Score:
        """Return the `Score` of a file that has none."""
        run, name = self.run.folder.name, public(video)
        return Score(name, None, self.mos_range, run=run, notes=self.notes, error=error)

    def _assessed(self, record: VideoRecord) -> Score:
        sources, views = self._experiment.sources, self._experiment.views
        try:
            inputs = views.alone(record)
            results = [
                (assess(learner, views, record, inputs), scaled) for learner, scaled in self._models
            ]
            timeline = np.mean([scaled(found.quality) for found, scaled in results], axis=0)
            times_s = results[0][0].times_s
            facts = sources.metadata(record)
        except (OSError, ValueError, RuntimeError, MemoryError) as error:  # of this video alone
            return self.failed(record.id, str(error) or type(error).__name__)
        raw = float(np.mean([found.score for found, _ in results]))
        value = float(np.mean([scaled(found.score) for found, scaled in results]))
        if not (math.isfinite(value) and np.isfinite(timeline).all()):
            return self.failed(record.id, "the model gives no finite score")
        remarks = [
            facts.get("note"),
            *doubts(facts, (one.load(record).features for one in sources.sources), self.fps),
            outside_of(self.mos_range, value, timeline),
        ]
        interval = percentile = None
        scales = {}
        if self.calibration is None:
            remarks.append("raw score, not calibrated to a MOS scale")
        else:
            interval = self.calibration.interval(value, self.level)
            percentile = self.calibration.percentile(value)
            others = self.calibration.others.items()
            scales = {name: round(float(curve(raw)), 6) for name, curve in others}
            remarks.append(self._unlike(self.calibration.seen, inputs, facts))
        explanation = None
        if self.explain:
            from vqa.commands.scoring.explanation import explained

            given = record, inputs, times_s, timeline
            explanation = explained(self._models, self._experiment, *given)
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
            level=None if interval is None else self.level,
            source=facts.get("source", ""),
            state=record.state,
            scales=scales,
            explanation=explanation,
        )

    def _sample(self, fps: float) -> None:
        """Let all features describe frames at a fixed rate."""
        if not self._experiment.uses_features:
            raise ValueError(
                f"fps={fps:g}: this model reads clips at the video's own frame rate; leave fps out"
            )
        for settings in self._experiment.config["features"].values():
            if "extractor" not in settings:
                raise ValueError(f"fps={fps:g}: the features are a file; leave fps out")
            settings |= {"frame_rate_hz": fps, "frames": None}
        for source in self._extracted:
            if source.extractor.chooses_frames:
                raise ValueError(
                    f"fps={fps:g}: {source.name} chooses its frames itself; leave fps out, or use "
                    "max_seconds"
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


def _named(video: str) -> str:
    """Return an address as it is, and the path that a user typed."""
    return video if is_elsewhere(video) else str(absolute(user_path(video)))
