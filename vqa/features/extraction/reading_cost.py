"""The cost of reading some frames of each video: said once, from the first videos."""

import logging

from vqa.features.extraction.describing import VideoFeatures

log = logging.getLogger(__name__)

VIDEOS = 3  # that are looked at
SPARSE, NEARLY_ALL = 0.5, 0.9  # shares of the frames


class ReadingCost:
    """Watches how many frames of the first videos were wanted, and how many were decoded for them.

    Args:
        name: Name of the features.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._videos = self._read = self._decoded = self._frames = 0

    def add(self, video: VideoFeatures) -> None:
        """Count a video; after the third, say it if few frames cost nearly whole decoding."""
        self._videos += 1
        if self._videos > VIDEOS:
            return
        self._read += video.frames_read
        self._decoded += video.frames_decoded
        self._frames += video.info.frames
        sparse = self._read < SPARSE * self._frames
        if self._videos == VIDEOS and sparse and self._decoded > NEARLY_ALL * self._frames:
            log.info(
                "%s: reads %s of the %s frames of the first %d videos, but %s had to be decoded, "
                "because frames depend on those before: the time is that of whole decoding",
                self._name, f"{self._read:,}", f"{self._frames:,}", VIDEOS, f"{self._decoded:,}",
            )  # fmt: skip
