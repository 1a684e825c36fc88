"""An extractor with its cache: extract what is missing, video by video or all at once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from vqa.databases.records import VideoRecord
from vqa.features.extraction.cache import (
    FeatureCache,
    Features,
    combined_fingerprint,
    content_key,
    key_of,
    stored_dtype,
)
from vqa.features.extraction.describing import VideoFeatures, facts_of
from vqa.features.extraction.fill import ExtractionError, Outcome, cause_of, filled, known
from vqa.features.extraction.lanes import Decoders
from vqa.features.extraction.latest import LatestFeatures
from vqa.features.extraction.pipeline import extract_videos
from vqa.features.extraction.reading_cost import ReadingCost
from vqa.features.extraction.space import SpaceEstimate
from vqa.features.extractor import Extractor
from vqa.files import shown
from vqa.identity import Identities
from vqa.video import RawFormat


class FeatureSource:
    """An extractor and the cache of its features.

    Each video's features are written when they are complete. An interrupted extraction therefore
    loses the work on one video, and the next one resumes there. Jobs that share the work by
    `shard_of` need no communication.

    The features of a video are those of the content that its file had when this object first saw
    it, whatever happens to the file or the cache afterwards.

    Args:
        extractor: What computes the features.
        cache: Where they are kept.
        reader: Decoder, `auto` or `pyav`.
        frame_rate_hz: Sample at this fixed rate; None takes every frame.
        frames: Or sample this many frames, evenly spread.
        dtype: Type in which features are stored; None keeps that of the extractor.
        damaged: `refuse` fails damaged files, `score` describes their good frames.
        max_seconds: Describe only the beginning of each video; None describes all of it.
        on_error: `skip` lists a failed video and continues; `raise` stops.
        time_limit_s: Longest wait for the decoder on one video, in seconds.
        decoders: Videos in work at the same time, or `auto`; see `extract_videos`.
        identities: Of the files; see `vqa.identity`.

    Raises:
        ValueError: An unknown `on_error`.
    """

    def __init__(
        self,
        extractor: Extractor,
        cache: FeatureCache,
        reader: str = "auto",
        *,
        frame_rate_hz: float | None = None,
        frames: int | None = None,
        dtype: torch.dtype | None = torch.float32,
        damaged: str = "refuse",
        max_seconds: float | None = None,
        on_error: str = "skip",
        time_limit_s: float = 600.0,
        decoders: Decoders = 1,
        identities: Identities | None = None,
    ) -> None:
        if on_error not in ("skip", "raise"):
            raise ValueError(f"on_error={on_error!r}: expected skip or raise")
        self.extractor, self.cache = extractor, cache
        self.reader, self.frame_rate_hz, self.frames = reader, frame_rate_hz, frames
        self.dtype, self.damaged, self.max_seconds = dtype, damaged, max_seconds
        self.on_error, self.time_limit_s, self.decoders = on_error, time_limit_s, decoders
        self.identities = identities or Identities()
        self.name, self.weights = extractor.name, extractor.weights
        self.untrained, self.families = extractor.untrained, extractor.families
        self.fingerprint = extractor.fingerprint
        self._keys: dict[tuple[Path, RawFormat | None], str] = {}
        self._facts: dict[str, dict[str, str]] = {}  # of the features that were checked, by key

    @classmethod
    def in_cache(
        cls,
        extractor: Extractor,
        root: str | Path | None,
        reader: str,
        *,
        frame_rate_hz: float | None = None,
        frames: int | None = None,
        dtype: str = "float32",
        damaged: str = "refuse",
        max_seconds: float | None = None,
        **options: Any,
    ) -> "FeatureSource":
        """Make a source whose cache is named after everything that shapes the features.

        Args:
            extractor: What computes the features.
            root: Folder of all caches; None stores nothing and holds one video in memory.
            reader: Decoder, `auto` or `pyav`.
            frame_rate_hz: As for the class.
            frames: As for the class.
            dtype: `float32` or `float16`.
            damaged: As for the class.
            max_seconds: As for the class.
            **options: Further arguments of the class.

        Raises:
            ValueError: An unknown `dtype` or `on_error`.
        """
        fingerprint = combined_fingerprint(
            extractor.fingerprint,
            frame_rate_hz=frame_rate_hz,
            dtype=dtype,
            reader=reader,
            **({"frames": frames} if frames is not None else {}),
            **({"damaged": damaged} if damaged != "refuse" else {}),
            **({"max_seconds": max_seconds} if max_seconds is not None else {}),
        )
        cache = (
            LatestFeatures() if root is None else FeatureCache(root, extractor.name, fingerprint)
        )
        options |= {"frame_rate_hz": frame_rate_hz, "frames": frames, "dtype": stored_dtype(dtype)}
        options |= {"damaged": damaged, "max_seconds": max_seconds}
        return cls(extractor, cache, reader, **options)

    def stream(self, videos: Iterable[VideoRecord]) -> Iterator[tuple[VideoRecord, str | None]]:
        """Bring the cache up to date video by video; see `fill`, which does so for all at once.

        Decoding continues ahead of the video that was yielded last, and videos are taken from the
        iterable as needed. Closing the iterator early ends the threads and decoders' processes.

        Yields:
            Each video, in order, once its features are in the cache; with the cause of the failure,
            or None if there is none.

        Raises:
            ExtractionError: A video failed and `on_error` is `raise`.
            ValueError: Both `frame_rate_hz` and `frames` are given, or one of them for an extractor
                that chooses its frames itself.
        """
        with closing(self._updates(videos)) as updates:
            for video, failure, _ in updates:
                yield video, failure

    def fill(
        self,
        videos: Iterable[VideoRecord],
        progress: bool = True,
        *,
        count: int | None = None,
        done: Callable[[VideoRecord], None] | None = None,
    ) -> Outcome:
        """Bring the cache up to date for these videos.

        Args:
            videos: The videos whose features must be in the cache afterwards.
            progress: Show a progress bar.
            count: Number of videos, if the iterable does not know it.
            done: Called with each video that is not needed any more.

        Raises:
            ExtractionError: A video failed and `on_error` is `raise`, or the disk is too small.
            ValueError: As `stream`.
        """
        # Others are fetched when their turn comes, and may wait for those before.
        following = known(videos, self._key) if isinstance(videos, Sequence) else videos
        count = len(videos) if count is None else count
        with closing(self._updates(following, ReadingCost(self.name))) as updates:
            space = SpaceEstimate(self.cache.folder, count)
            return filled(self.name, updates, count, space.add, progress, done)

    def pack(self, videos: Iterable[VideoRecord]) -> int:
        """Move the features of videos into packs; return the number of files that were packed."""
        return self.cache.pack(dict.fromkeys(map(self._key, videos)))

    def load(self, video: VideoRecord) -> Features:
        """Return the features of a video.

        Raises:
            FileNotFoundError: They have not been extracted.
            DamagedFeaturesError: They are no longer what was stored.
        """
        return self.cache.load(self._key(video))

    def metadata(self, video: VideoRecord) -> dict[str, str]:
        """Return facts about the file that the features were made from."""
        key = self._key(video)
        if key not in self._facts:
            self._facts[key] = self.cache.load(key).metadata
        return self._facts[key]

    def forget(self, video: VideoRecord) -> None:
        """Drop what this object remembers of a video, so that a long job needs no more memory."""
        if key := self._keys.pop((video.path, video.raw_format), None):
            self._facts.pop(key, None)

    @property
    def cache_root(self) -> Path | None:
        """The folder of all caches; None if nothing is stored."""
        return self.cache.root

    def identity(self, video: VideoRecord) -> str:
        """Say in a few words which features of which content these are."""
        return f"{self.cache.folder.name}/{self._key(video)}"

    def seconds(self, videos: Sequence[VideoRecord]) -> list[float]:
        """Return the wall time in seconds that the videos took, as far as it is known."""
        known = self.cache.seconds()
        return [known[key] for video in videos if (key := self._key(video)) in known]

    def _key(self, video: VideoRecord) -> str:
        """Return the hash of a video's content, taken when this object first sees the video."""
        decoded = video.path, video.raw_format
        if decoded not in self._keys:
            key = content_key(video, self.identities.first)
            self._keys.setdefault(decoded, key)  # that of the first of several threads
        return self._keys[decoded]

    def _is_current(self, video: VideoRecord) -> bool:
        key = self._key(video)
        facts = self.cache.checked(key)
        if facts is not None:
            self._facts[key] = facts
        return facts is not None

    def _updates(
        self, videos: Iterable[VideoRecord], reading: ReadingCost | None = None
    ) -> Iterator[tuple[VideoRecord, str | None, int]]:
        """Yield each video with the cause of a failure, and the bytes of features made for it."""
        results = extract_videos(
            videos,
            self.extractor,
            frame_rate_hz=self.frame_rate_hz,
            frames=self.frames,
            reader=self.reader,
            time_limit_s=self.time_limit_s,
            damaged=self.damaged,
            max_seconds=self.max_seconds,
            is_current=self._is_current,
            decoders=self.decoders,
            identify=self.identities.now,
        )
        with closing(results):
            for video, result in results:
                if isinstance(result, Exception):
                    yield video, self._failure(video, result), 0
                    continue
                size = 0
                if result is not None:
                    if reading is not None:
                        reading.add(result)
                    try:
                        size = self._store(video, result)
                    except ValueError as error:
                        yield video, self._failure(video, error), 0
                        continue
                yield video, None, size

    def _failure(self, video: VideoRecord, error: Exception) -> str:
        text = cause_of(video, error)
        if self.on_error == "raise":
            raise ExtractionError(
                f"{shown(video.id)}: {text} (on_error=skip of these features lists such videos and "
                "continues)"
            ) from error
        return text

    def _store(self, video: VideoRecord, result: VideoFeatures) -> int:
        """Keep the features of a video; return their size in bytes.

        Raises:
            ValueError: They are not finite, and the extractor does not leave values undefined; or
                they are not of the content that the video had when it was first seen.
        """
        key = self._key(video)
        if key_of(result.source, video.raw_format) != key:
            raise ValueError("the file changed before it was read; rerun the command")
        features = result.features.to(self.dtype or result.features.dtype)
        undefined = int((~torch.isfinite(features)).sum())
        if undefined and not self.extractor.undefined:
            raise ValueError(
                f"{undefined} of {features.numel()} features of {self.name} are not finite numbers"
                + (" in float16; set dtype=float32" if self.dtype == torch.float16 else "")
            )
        metadata = facts_of(result, self.extractor, undefined)
        self.cache.store(key, features, result.times_s, metadata)
        self.cache.note_seconds(key, result.seconds)
        self._facts[key] = metadata
        return features.nbytes + result.times_s.nbytes
