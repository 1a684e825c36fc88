"""Lanes: several videos in work at the same time, each with a decoder of its own.

A lane is a thread that describes videos, with its own decoding thread and decoder's process. All
lanes share one extractor. Torch releases Python's lock while it computes, so on a GPU the chunks of
all lanes queue up and it does not wait while one of them is decoded.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import torch
from loky import cpu_count

from vqa.databases.records import VideoRecord
from vqa.features.extraction.decoding_thread import DecodingThread
from vqa.features.extraction.describing import Result, VideoFeatures, results_of
from vqa.features.extractor import Extractor

MOST = 15  # lanes, unless more are requested
MOST_ON_GPU = 4  # likewise: these outrun a network on an H200, and more make small chunks
AHEAD = 4  # videos per lane that may be taken before an earlier one is finished
LANES_CHUNK_BYTES = 2**27  # sum over the lanes of the most bytes of a chunk
HELD_BYTES = 2**28  # of finished features that may wait for an earlier video
RAMP_S = 0.5  # a short job starts few lanes: their number doubles each time this has passed

Decoders = int | Literal["auto"]
Lane = Callable[[Iterable[VideoRecord]], DecodingThread]


def lane_count(extractor: Extractor, decoders: Decoders) -> int:
    """Return the number of lanes to use.

    Args:
        extractor: What computes the features.
        decoders: A number, or `auto`: on a GPU one per core but one, at most 4; on a CPU one per
            core, at most 15, if the extractor keeps only one core busy, else 1, because the network
            takes them all. An extractor that is not `parallel` always has one lane.
    """
    if not extractor.parallel:
        return 1
    if decoders != "auto":
        return decoders
    if extractor.device.type != "cpu":
        return max(1, min(MOST_ON_GPU, cpu_count() - 1))
    return min(MOST, cpu_count()) if extractor.one_core else 1


def in_lanes(
    videos: Iterable[VideoRecord], count: int, lane: Lane
) -> Iterator[tuple[VideoRecord, Result]]:
    """Yield each video with its result, in the order of the videos.

    Videos are taken from the iterable as needed, at most `AHEAD * count` before the first of them
    is finished. Closing the iterator early ends the threads, after the chunks that they describe,
    and the decoders' processes.

    Args:
        videos: The videos to describe.
        count: Number of lanes.
        lane: Makes the decoding thread of a lane from an iterable of its videos.

    Raises:
        Exception: The extractor does not work, or the videos cannot be taken from the iterable; as
            soon as the videos before have been yielded.
    """
    lanes = _Lanes(videos, count, lane)
    try:
        yield from lanes.results()
    finally:
        lanes.end()


class _Lanes:
    """The lanes, the videos that they have taken, and the results that wait for an earlier one."""

    def __init__(self, videos: Iterable[VideoRecord], count: int, lane: Lane) -> None:
        self._videos, self._count, self._lane = iter(videos), count, lane
        # Threads of torch are a number per thread of Python, and of threads that are yet to come.
        self._threads = torch.get_num_threads()
        self._changed = threading.Condition()  # guards all that follows
        self._lanes: list[tuple[threading.Thread, DecodingThread]] = []
        self._start_at = 0.0  # monotonic time
        self._taken = self._yielded = 0
        self._is_taking = self._has_ended = False
        self._done: dict[int, tuple[VideoRecord, Result]] = {}
        self._held_bytes = 0
        self._errors: dict[int, Exception] = {}  # by the number of the video; -1: of none

    def results(self) -> Iterator[tuple[VideoRecord, Result]]:
        """Yield the results in order, and start the lanes."""
        while True:
            with self._changed:
                self._start_more()
                while not self._is_next_known():
                    self._changed.wait(self._time_to_start())
                    self._start_more()
                error = self._errors.get(-1) or self._errors.get(self._yielded)
                if error is not None:
                    raise error
                if self._yielded not in self._done:
                    return
                video, result = self._done.pop(self._yielded)
                self._held_bytes -= _size(result)
                self._yielded += 1
                self._changed.notify_all()
            yield video, result

    def end(self) -> None:
        """End all lanes."""
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()
        for _, decoding in self._lanes:
            decoding.stop()
        for thread, _ in self._lanes:
            thread.join()
        if self._lanes:
            torch.set_num_threads(self._threads)

    def _is_next_known(self) -> bool:
        """Return whether the next video has a result, or there is none, or an error ends it all."""
        following = self._yielded
        return (
            following in self._done
            or following in self._errors
            or -1 in self._errors
            or (self._has_ended and following == self._taken)
        )

    def _time_to_start(self) -> float | None:
        """Return the seconds until more lanes start; None if all have."""
        if len(self._lanes) == self._count:
            return None
        return max(0.0, self._start_at - time.monotonic())

    def _start_more(self) -> None:
        """Start the first lane, or double their number, if it is time."""
        if self._time_to_start() != 0:
            return
        self._start_at = time.monotonic() + RAMP_S
        for _ in range(min(max(1, len(self._lanes)), self._count - len(self._lanes))):
            numbers: deque[int] = deque()
            decoding = self._lane(self._share(numbers))
            thread = threading.Thread(
                target=self._describe, args=(decoding, numbers), name="lane", daemon=True
            )
            self._lanes.append((thread, decoding))
            thread.start()

    def _share(self, numbers: deque[int]) -> Iterator[VideoRecord]:
        """Yield the videos of one lane, and note their numbers."""
        while (taken := self._take()) is not None:
            numbers.append(taken[0])
            yield taken[1]

    def _take(self) -> tuple[int, VideoRecord] | None:
        """Take the next video, once few enough are in work; None at the end."""
        with self._changed:
            self._changed.wait_for(self._may_take)
            if self._has_ended:
                return None
            self._is_taking = True
        video, error = None, None
        try:
            video = next(self._videos, None)
        except Exception as raised:  # noqa: BLE001 (the consumer raises it)
            error = raised
        with self._changed:
            self._is_taking = False
            self._changed.notify_all()
            if video is None:
                self._has_ended = True
                if error is not None:
                    self._errors[self._taken] = error
                return None
            self._taken += 1
            return self._taken - 1, video

    def _may_take(self) -> bool:
        return self._has_ended or (
            not self._is_taking
            and self._taken < self._yielded + AHEAD * self._count
            and self._held_bytes < HELD_BYTES
        )

    def _describe(self, decoding: DecodingThread, numbers: deque[int]) -> None:
        """Describe the videos of one lane, in a thread."""
        torch.set_num_threads(max(1, self._threads // self._count))
        try:
            for video, result in results_of(decoding):
                with self._changed:
                    self._done[numbers.popleft()] = video, result
                    self._held_bytes += _size(result)
                    self._changed.notify_all()
        except Exception as error:  # noqa: BLE001 (the consumer raises it)
            with self._changed:
                self._errors[numbers[0] if numbers else -1] = error
                self._changed.notify_all()


def _size(result: Result) -> int:
    """Return the bytes of the features of a result."""
    return result.features.nbytes if isinstance(result, VideoFeatures) else 0
