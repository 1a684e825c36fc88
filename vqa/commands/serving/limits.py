"""What the service accepts, and how it refuses."""

from dataclasses import dataclass, field

SECONDS_TO_COME_BACK = 10  # of a client, when nothing better is known


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the service.

    Attributes:
        max_bytes: Of a video file.
        max_video_s: Longest video that is scored, in seconds.
        job_s: A job that runs longer fails.
        queue: Jobs that may wait.
        uploads: Videos that may arrive at the same time.
        idle_s: Who sends nothing for so long is cut off, as is a client without a whole request.
        slowest_bytes_s: Mean rate that a video must keep after `idle_s`.
        upload_s: Longest time that a video may take to arrive.
        reserve_bytes: Disk space that uploads leave free.
        keep_s: Finished jobs are removed after so many seconds.
        keep: Finished jobs that are kept at most, which bounds the memory; the oldest go first.
        grace_s: Running jobs may take so long when the service stops.
    """

    max_bytes: int = 500 * 10**6
    max_video_s: float = 600.0
    job_s: float = 900.0
    queue: int = 100
    uploads: int = 32
    idle_s: float = 20.0
    slowest_bytes_s: float = 10_000.0
    upload_s: float = 1800.0
    reserve_bytes: int = 256 * 10**6
    keep_s: float = 24 * 3600.0
    keep: int = 10_000
    grace_s: float = 30.0

    def too_slow(self, got_bytes: int, spent_s: float) -> bool:
        """Return whether a video arrives too slowly, or takes too long."""
        slowest = self.slowest_bytes_s * spent_s
        return spent_s > self.upload_s or (spent_s > self.idle_s and got_bytes < slowest)


@dataclass
class Refusal(Exception):
    """A request that is answered with an error.

    Attributes:
        status: HTTP status.
        error: What was expected and found.
        remedy: What the client can do.
        headers: Of the answer.
    """

    status: int
    error: str
    remedy: str
    headers: dict[str, str] = field(default_factory=dict)


def too_large(limits: Limits) -> Refusal:
    """Return the refusal of a file with too many bytes."""
    most = limits.max_bytes / 10**6
    return Refusal(
        413,
        f"expected a file of at most {most:g} MB, found more",
        "send a shorter or smaller file, or start the service with a higher --max-mb",
    )
