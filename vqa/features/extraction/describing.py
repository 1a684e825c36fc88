"""Description of the videos that one decoding thread brings."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vqa.databases.records import VideoRecord
from vqa.features.extraction.coded_frames import is_coded, rgb_on
from vqa.features.extraction.decoding_thread import (
    STOPPED,
    Begin,
    DecodingThread,
    End,
    Fatal,
    Settled,
)
from vqa.features.extraction.failures import check_extractor, in_words, is_unexpected
from vqa.features.extractor import Extractor
from vqa.video import VideoInfo


@dataclass(frozen=True, slots=True)
class VideoFeatures:
    """The features of one video.

    Attributes:
        features: (T, D), float32 for most extractors.
        times_s: (T,) presentation times of the described frames, in seconds.
        source: Identity of the file.
        reader: Reader and version that decoded it.
        info: Size, frame rate and number of frames of the source.
        seconds: Wall time spent on the video, including the wait for the decoder.
        frames_read: Number of its frames that the extractor was given.
        frames_decoded: Number of frames that were decoded for them.
    """

    features: Tensor
    times_s: Tensor
    source: str
    reader: str
    info: VideoInfo
    seconds: float
    frames_read: int
    frames_decoded: int


Result = VideoFeatures | Exception | None


def facts_of(result: VideoFeatures, extractor: Extractor, undefined: int) -> dict[str, str]:
    """Return what is stored beside the features of a video, all as text.

    Args:
        result: The features.
        extractor: What computed them.
        undefined: How many of them are not finite numbers.
    """
    info = result.info
    return {
        "source": result.source,
        "reader": result.reader,
        "weights": extractor.weights,
        "codec": info.codec,
        "width": str(info.width),
        "height": str(info.height),
        "frame_rate_hz": f"{info.frame_rate_hz:.6g}",
        "frames": str(info.frames),
        "duration_s": f"{info.duration_s:.6g}",
        "undefined": str(undefined),
        "note": "; ".join([*info.notes, *extractor.notes(info)]),
    }


def results_of(decoding: DecodingThread) -> Iterator[tuple[VideoRecord, Result]]:
    """Yield each video with its result, while the decoding thread works ahead.

    Closing the iterator ends the thread and the decoder's process.
    """
    decoding.start()
    try:
        while not decoding.is_stopped:
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
    extractor, info = decoding.extractor, begin.info

    def chunks() -> Iterator[np.ndarray]:
        nonlocal end
        while end is None:
            item = decoding.items.get()
            if item is None:  # stopped from another thread
                end = End(STOPPED)
            elif isinstance(item, End):
                end = item
            else:
                yield item

    arriving = chunks()
    features = times_s = failure = None
    is_unclear = False
    try:
        with _threads(extractor.threads):
            given = (
                rgb_on(extractor.device, chunk, info.height, info.width)
                if is_coded(extractor, chunk)
                else chunk
                for chunk in arriving
            )
            features, times_s = extractor.describe(given, info)
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
            check_extractor(extractor)
        return failure
    if times_s is None:
        times_s = torch.from_numpy(begin.times_s)
    seconds = time.perf_counter() - started
    return VideoFeatures(
        features, times_s, begin.source, begin.reader, info, seconds,
        len(begin.times_s), begin.frames_decoded,
    )  # fmt: skip


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Run the block with this many intra-op threads of torch; None changes nothing."""
    before = torch.get_num_threads()
    if count is None or count == before:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
