"""Sources of a model's features: extractors with their caches, and your own feature matrices."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median
from typing import Protocol

from vqa.databases.records import VideoRecord
from vqa.features.extraction.cache import Features
from vqa.features.extraction.fill import Outcome
from vqa.features.extraction.sharing import shared


class Source(Protocol):
    """Features of videos by id: a `FeatureSource`, or `ExternalFeatures` from a file.

    Attributes:
        name: Name of the features.
        weights: The weights that made them, in words.
        untrained: Whether these weights are random.
        fingerprint: Hash of what computes them; empty if they were computed elsewhere.
        families: What each feature describes, in a word; empty if that is unknown.
    """

    name: str
    weights: str
    untrained: bool
    fingerprint: str
    families: tuple[str, ...]

    @property
    def cache_root(self) -> Path | None:
        """The folder of all caches; None if nothing is stored."""
        ...

    def identity(self, video: VideoRecord) -> str:
        """Say in a few words which features of which content these are."""
        ...

    def stream(self, videos: Iterable[VideoRecord]) -> Iterator[tuple[VideoRecord, str | None]]:
        """Yield each video as soon as its features can be loaded, with the cause of a failure."""
        ...

    def fill(self, videos: Sequence[VideoRecord], progress: bool = True) -> Outcome:
        """Make the features of all these videos available."""
        ...

    def load(self, video: VideoRecord) -> Features:
        """Return the features of a video."""
        ...

    def metadata(self, video: VideoRecord) -> dict[str, str]:
        """Return facts about the file that the features were made from."""
        ...

    def forget(self, video: VideoRecord) -> None:
        """Drop what is remembered of a video that will not be asked for again."""
        ...

    def seconds(self, videos: Sequence[VideoRecord]) -> list[float]:
        """Return the wall time in seconds that the videos took, as far as it is known."""
        ...


class Sources:
    """All sources of a model's features, in order.

    Args:
        sources: At least one.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = tuple(sources)

    @property
    def weights(self) -> str:
        """The weights that made the features, in words."""
        return "; ".join(filter(None, (source.weights for source in self.sources))) or "none"

    @property
    def untrained(self) -> list[str]:
        """Names of the sources with random weights."""
        return [source.name for source in self.sources if source.untrained]

    @property
    def families(self) -> tuple[str, ...]:
        """What each feature describes, as far as it is known."""
        return tuple(family for source in self.sources for family in source.families)

    def stream(
        self, videos: Iterable[VideoRecord]
    ) -> Generator[tuple[VideoRecord, str | None], None, None]:
        """Make all features of the videos available, one video after another.

        Every source works ahead on its own.

        Yields:
            Each video, in order, once all its features can be loaded; with the first cause of
            failure, or None if there is none.
        """
        shares = shared(videos, len(self.sources))
        with ExitStack() as stack:
            streams = [
                stack.enter_context(closing(source.stream(share)))
                for source, share in zip(self.sources, shares, strict=True)
            ]
            for results in zip(*streams, strict=True):
                causes = [cause for _, cause in results if cause is not None]
                yield results[0][0], next(iter(causes), None)

    def fill(self, videos: Sequence[VideoRecord], progress: bool = True) -> Outcome:
        """Make all features of these videos available, one source after another.

        A video that fails in one source counts as failed and is not tried with the next source.
        """
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

    def metadata(self, video: VideoRecord) -> dict[str, str]:
        """Return facts about a video's file, from the first source; note and `undefined` of all."""
        facts = [source.metadata(video) for source in self.sources]
        notes = dict.fromkeys(note for one in facts for note in one.get("note", "").split("; "))
        return {
            **facts[0],
            "note": "; ".join(filter(None, notes)),
            "undefined": str(sum(int(one["undefined"]) for one in facts)),
        }

    def forget(self, video: VideoRecord) -> None:
        """Drop what the sources remember of a video that will not be asked for again."""
        for source in self.sources:
            source.forget(video)

    def costs(self, videos: Sequence[VideoRecord]) -> dict[str, dict[str, float | None]]:
        """Return `dim` and median `seconds_a_video` of each source; None if unknown."""
        costs = {}
        for source in self.sources:
            known = source.seconds(videos)
            costs[source.name] = {
                "dim": source.load(videos[0]).features.shape[1],
                "seconds_a_video": median(known) if known else None,
            }
        return costs
