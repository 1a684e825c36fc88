"""Features of video files, one video after another, with the decoder and the extractor both busy.

Three activities overlap: the decoder's own process reads frames ahead, a thread hashes files and
moves frames on, and the extractor works on the chunk before. With several decoders this happens in
several lanes at the same time: see `vqa.features.extraction.lanes`.
"""

import queue
from collections.abc import Callable, Iterable, Iterator

from vqa.databases.records import VideoRecord
from vqa.features.extraction.decoding_thread import CHUNK_BYTES, CHUNKS_AHEAD, DecodingThread
from vqa.features.extraction.describing import Result, results_of
from vqa.features.extraction.lanes import LANES_CHUNK_BYTES, Decoders, in_lanes, lane_count
from vqa.features.extractor import Extractor
from vqa.files import content_hash
from vqa.identity import Identify


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
    decoders: Decoders = 1,
    identify: Identify = content_hash,
) -> Iterator[tuple[VideoRecord, Result]]:
    """Extract the features of each video in turn; videos are taken from the iterable as needed.

    Closing the iterator early ends the threads and the decoders' processes.

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
        is_current: Called in a thread with a video; videos for which it returns True are not
            decoded.
        decoders: Videos that are in work at the same time, each with a decoder of its own, or
            `auto`: see `vqa.features.extraction.lanes.lane_count`. It does not change a number.
        identify: Identifies a file by what it is now, see `vqa.identity`.

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
    count = lane_count(extractor, decoders)

    def decoding_of(share: Iterable[VideoRecord]) -> DecodingThread:
        return DecodingThread(
            share, extractor, frame_rate_hz, frames, reader, time_limit_s, damaged, max_seconds,
            is_current, identify, min(CHUNK_BYTES, LANES_CHUNK_BYTES // count),
            queue.Queue(CHUNKS_AHEAD if count == 1 else 1),
        )  # fmt: skip

    return results_of(decoding_of(videos)) if count == 1 else in_lanes(videos, count, decoding_of)
