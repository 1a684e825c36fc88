"""The space that a cache will need: estimated from the first videos, before most of the work."""

import logging
import shutil
from pathlib import Path

from vqa.features.extraction.fill import ExtractionError

log = logging.getLogger(__name__)

PROBED = 3  # videos; their mean is the estimate for the rest
RESERVE_BYTES = 2**28  # left free for everything else


class SpaceEstimate:
    """Watches the first features that are stored and compares what is to come with the disk.

    Args:
        folder: Of the cache.
        videos: Number of videos to bring up to date.
    """

    def __init__(self, folder: Path, videos: int) -> None:
        self.folder, self.videos = folder, videos
        self._seen = 0
        self._sizes: list[int] = []

    def add(self, size: int) -> None:
        """Count a video.

        Args:
            size: Bytes of its features if they were made now, otherwise 0.

        Raises:
            ExtractionError: The rest will not fit on the disk.
        """
        self._seen += 1
        if not size or len(self._sizes) == PROBED:
            return
        self._sizes.append(size)
        left = self.videos - self._seen
        if len(self._sizes) == PROBED and left:
            needed, free = left * sum(self._sizes) // PROBED, shutil.disk_usage(self.folder).free
            text = (
                f"features of {left:,} more videos will take up to {amount(needed)} in "
                f"{self.folder}; {amount(free)} are free"
            )
            if needed + RESERVE_BYTES > free:
                raise ExtractionError(
                    f"{text}: free some space, choose another paths.cache=, or store half as much "
                    "with features.<name>.dtype=float16; then rerun the command to resume"
                )
            log.info("%s", text)


def amount(count: int) -> str:
    """Return a number of bytes for people.

    Examples:
        >>> from vqa.features.extraction.space import amount
        >>> amount(4_600_000_000), amount(1_400)
        ('4.6 GB', '1.4 kB')
    """
    value, units = float(count), ["bytes", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value /= 1000
        del units[0]
    return f"{value:.3g} {units[0]}"
