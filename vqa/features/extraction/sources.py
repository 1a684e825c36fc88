"""Where a model's features come from: extractors with their caches, or matrices of one's own."""

from collections.abc import Sequence
from statistics import median
from typing import Any, Protocol

from vqa.databases.records import VideoRecord
from vqa.features.extraction.cache import FeatureCache, Features
from vqa.features.extraction.fill import Outcome, extract
from vqa.features.extraction.pipeline import Extractor


class Source(Protocol):
    """Features of videos by id: a `FeatureSource` or `vqa.features.extraction.external.ExternalFeatures`.

    Attributes:
        name: What it is called.
        weights: What made the features, in words.
        untrained: True where that is a network with random weights.
    """

    name: str
    weights: str
    untrained: bool

    def fill(self, videos: Sequence[VideoRecord], progress: bool = True) -> Outcome:
        """Make sure that the features of these videos are there."""
        ...

    def load(self, video_id: str) -> Features:
        """The features of a video."""
        ...

    def metadata(self, video_id: str) -> dict[str, str]:
        """Facts of the file that they were made from."""
        ...

    def seconds(self) -> dict[str, float]:
        """Wall time that each video took, where it is known."""
        ...


class FeatureSource:
    """An extractor and the cache of its features of one database.

    Args:
        extractor: What computes features.
        cache: Where they lie.
        reader: Which decoder, `data.reader`.
        **options: Of `extract`: which frames, how they are stored, what to do about failures.
    """

    def __init__(
        self, extractor: Extractor, cache: FeatureCache, reader: str, **options: Any
    ) -> None:
        self.extractor, self.cache = extractor, cache
        self.reader, self.options = reader, options
        self.name, self.weights = extractor.name, extractor.weights
        self.untrained = extractor.untrained

    def fill(self, videos: Sequence[VideoRecord], progress: bool = True) -> Outcome:
        """Bring the cache up to date for these videos."""
        return extract(
            videos,
            self.extractor,
            self.cache,
            reader=self.reader,
            progress=progress,
            **self.options,
        )

    def load(self, video_id: str) -> Features:
        """The features of a video.

        Raises:
            FileNotFoundError: They have not been extracted.
        """
        return self.cache.load(video_id)

    def metadata(self, video_id: str) -> dict[str, str]:
        """Facts of the file that they were made from."""
        return self.cache.metadata(video_id)

    def seconds(self) -> dict[str, float]:
        """Wall time that each video took, where it is known."""
        return self.cache.seconds()


class Sources:
    """All sources of a model's features, in order.

    Args:
        sources: At least one.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = tuple(sources)

    @property
    def weights(self) -> str:
        """What made the features, in words."""
        return "; ".join(source.weights for source in self.sources)

    @property
    def untrained(self) -> list[str]:
        """Names of the sources with random weights."""
        return [source.name for source in self.sources if source.untrained]

    def fill(self, videos: Sequence[VideoRecord], progress: bool = True) -> Outcome:
        """Make sure that all features of these videos are there; one failure leaves a video out."""
        whole = Outcome()
        made: set[str] = set()
        left = list(videos)
        for source in self.sources:
            outcome = source.fill(left, progress)
            made |= set(outcome.made)
            whole.failures |= outcome.failures
            left = [video for video in left if video.id not in outcome.failures]
        whole.made = [video.id for video in left if video.id in made]
        whole.reused = [video.id for video in left if video.id not in made]
        return whole

    def metadata(self, video_id: str) -> dict[str, str]:
        """Facts of a video's file, from the first source."""
        return self.sources[0].metadata(video_id)

    def costs(self, videos: Sequence[VideoRecord]) -> dict[str, dict[str, float | None]]:
        """Of each source its `dim` and its median `seconds_a_video`, None where it is not known."""
        costs = {}
        for source in self.sources:
            seconds = source.seconds()
            known = [seconds[video.id] for video in videos if video.id in seconds]
            costs[source.name] = {
                "dim": source.load(videos[0].id).features.shape[1],
                "seconds_a_video": median(known) if known else None,
            }
        return costs
