"""The video that a figure shows: one that the user named, or the paper's own."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqa.commands.experiment import Experiment
from vqa.commands.study.material import Material
from vqa.databases.file_records import as_records
from vqa.databases.records import VideoRecord
from vqa.features.extraction.feature_source import FeatureSource
from vqa.features.seconds import frame_of_each_second
from vqa.video import VideoError, VideoInfo, probe, read_frames


@dataclass(frozen=True, slots=True)
class Example:
    """A video and what describes it.

    Attributes:
        experiment: Has the extractors.
        record: The video.
        info: Its size, rate and times.
        notes: Sentences that every reader of the figure must see.
    """

    experiment: Experiment
    record: VideoRecord
    info: VideoInfo
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        """The video's name, without folders."""
        return self.record.id.rpartition("/")[2]

    def each_second(self) -> np.ndarray:
        """Return the index of the last frame of each second, int64 (n,)."""
        return frame_of_each_second(self.info.frames, self.info.frame_rate_hz, "last")

    def frames(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Read frames by index: uint8 (n, H, W, 3).

        Raises:
            ValueError: The video cannot be decoded.
        """
        path, raw = self.record.path, self.record.raw_format
        reader = self.experiment.reader
        try:
            return read_frames(path, indices, reader=reader, raw=raw, info=self.info)
        except VideoError as error:
            raise _undecodable(error) from error


def example(material: Material, database: str, video: str, *overrides: str) -> Example:
    """Choose the video of a figure.

    Args:
        material: The study's material; its first named video wins over the paper's.
        database: The database of the paper's video.
        video: Id of the paper's video; the database's first one takes its place if it is absent.
        *overrides: Of `train`, for the extractors.

    Raises:
        ValueError: The database is absent and no video is named, or the video cannot be decoded.
    """
    notes: tuple[str, ...] = ()
    if material.videos:
        experiment = material.compose(*overrides)
        (record,) = as_records(material.videos[:1])
    elif database in material.databases:
        experiment = material.compose(f"data={database}", *overrides)
        videos = experiment.database.videos
        named = [one for one in videos if one.id == video]
        record = (named or videos)[0]
        if not named:
            notes = (f"The paper shows {video}, which is absent; this is {record.id}.",)
    else:
        raise ValueError(
            f"{database} is absent: expected its folder below paths.data, or a video of your own "
            "with videos=clip.mp4"
        )
    try:
        info = probe(record.path, raw=record.raw_format)
    except VideoError as error:
        raise _undecodable(error) from error
    return Example(experiment, record, info, notes)


def sources_by_name(experiment: Experiment) -> dict[str, FeatureSource]:
    """Return the extractors of an experiment with their settings, by the features' names."""
    pairs = zip(experiment.config["features"], experiment.sources.sources, strict=True)
    return {name: source for name, source in pairs if isinstance(source, FeatureSource)}


def _undecodable(error: VideoError) -> ValueError:
    return ValueError(f"{error.path}: {error.cause}; expected a video that can be decoded")
