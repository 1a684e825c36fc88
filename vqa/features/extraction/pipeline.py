"""Features of video files, one video after another, with the decoder and the extractor both busy.

Three activities overlap: the decoder's own process reads frames ahead, a thread hashes files and
moves frames on, and the caller's thread runs the extractor on the chunk before.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vqa.databases.records import VideoRecord
from vqa.features.extraction.decoding_thread import Begin, DecodingThread, End, Fatal, Settled
from vqa.features.extraction.failures import check_extractor, in_words, is_unexpected
from vqa.features.extractor import Extractor
from vqa.video import VideoInfo


@dataclass(frozen=True, slots=True)
class VideoFeatures:
    """The features of one video.

    Attributes:
        features: (T, D), float32 for most extractors.
        times_s: (T,) presentation times of the described frames, in seconds.
        source: SHA-256 of the file.
        reader: Reader and version that decoded it.
        info: Size, frame rate and number of frames of the source.
        seconds: Wall time spent on the video, including the wait for the decoder.
    """

    features: Tensor
    times_s: Tensor
    source: str
    reader: str
    info: VideoInfo
    seconds: float


def extract_videos(
    videos: Iterable[VideoRecord],
    extractor: Extractor,
    *,
    frame_rate_hz: float | None = None,
    frames: int | None = None,
    reader: str = "auto",
    time_limit_s: float = 600.0,
    damaged: str = "refuse",
    max_seconds: float | None = None,
    is_current: Callable[[VideoRecord], bool] | None = None,
) -> Iterator[tuple[VideoRecord, VideoFeatures | Exception | None]]:
    """Extract the features of each video in turn; videos are taken from the iterable as needed.

    Closing the iterator early ends the thread and the decoder's process.

    Args:
        videos: The videos to describe.
        extractor: The extractor to use.
        frame_rate_hz: Sample at this fixed rate; None takes every frame.
        frames: Or sample this many frames, at the middles of equal parts; frames of a video that
            has fewer are repeated.
        reader: `auto` or `pyav`.
        time_limit_s: Longest wait for the decoder on one video, in seconds.
        damaged: What to do with damaged files, see `vqa.video.probe`.
        max_seconds: Describe only the beginning of each video; None describes all of it.
        is_current: Called in the thread with a video; videos for which it returns True are not
            decoded.

    Yields:
        Each video with its features, the error that prevented them, or None if it was current. An
        error of the extractor costs only its video, unless a plain grey clip shows that the
        extractor does not work at all.

    Raises:
        ValueError: Both ways of sampling are given, or one for an extractor that chooses its
            frames itself and describes whole videos.
        Exception: The extractor does not work, or the videos cannot be taken from the iterable.
    """
    if frames is not None and frame_rate_hz is not None:
        raise ValueError(
            f"frames={frames} and frame_rate_hz={frame_rate_hz} of these features both say which "
            "frames to take; set one of them to null"
        )
    is_fixed = extractor.chooses_frames and type(extractor).describe is not Extractor.describe
    if is_fixed and (frame_rate_hz is not None or frames is not None):
        raise ValueError(
            f"{extractor.name} chooses its frames itself; leave frame_rate_hz and frames at null"
        )
    decoding = DecodingThread(
        videos, extractor, frame_rate_hz, frames, reader, time_limit_s, damaged, max_seconds,
        is_current,
    )  # fmt: skip
    return _results(decoding)


def _results(
    decoding: DecodingThread,
) -> Iterator[tuple[VideoRecord, VideoFeatures | Exception | None]]:
    """Yield each video with its result, while the decoding thread works ahead."""
    decoding.start()
    try:
        while True:
            started = time.perf_counter()
            match decoding.items.get():
                case None:
                    return
                case Fatal(error):
                    raise error
                case Settled(video, error):
                    yield video, error and in_words(error)
                case Begin() as begin:
                    yield begin.video, _described(begin, decoding, started)
    finally:
        decoding.end()


def _described(begin: Begin, decoding: DecodingThread, started: float) -> VideoFeatures | Exception:
    """Take the chunks of one video out of the queue and describe them."""
    end: End | None = None

    def chunks() -> Iterator[np.ndarray]:
        nonlocal end
        while end is None:
            item = decoding.items.get()
            if isinstance(item, End):
                end = item
            else:
                yield item

    arriving = chunks()
    features = times_s = failure = None
    is_unclear = False
    try:
        with _threads(decoding.extractor.threads):
            features, times_s = decoding.extractor.describe(arriving, begin.info)
    except Exception as error:  # noqa: BLE001 (whatever a video does, it costs that video)
        failure = in_words(error)
        is_unclear = is_unexpected(error)
    for _ in arriving:  # chunks that the extractor did not ask for
        pass
    if end.error is not None:
        return in_words(end.error)
    if failure is not None:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if is_unclear:
            check_extractor(decoding.extractor)
        return failure
    if times_s is None:
        times_s = torch.from_numpy(begin.times_s)
    seconds = time.perf_counter() - started
    return VideoFeatures(features, times_s, begin.source, begin.reader, begin.info, seconds)


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Run the block with this many intra-op threads of torch; None changes nothing."""
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        if count is not None:
            torch.set_num_threads(before)
