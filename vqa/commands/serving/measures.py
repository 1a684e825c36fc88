"""What the service counts, for Prometheus."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

FAILURES = ("no_score", "too_long", "too_slow", "worker_died", "address")
SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)


class Measures:
    """The metrics of one service, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self.jobs = Counter("vqa_jobs", "Jobs that ended, by outcome", ["outcome"], registry=own)
        self.failures = Counter("vqa_failures", "Failed jobs by kind", ["kind"], registry=own)
        self.refused = Counter(
            "vqa_refused", "Refused requests by status", ["status"], registry=own
        )
        self.video_s = Histogram(
            "vqa_video_seconds", "Seconds that a video was worked on", buckets=SECONDS, registry=own
        )
        self.upload_s = Histogram(
            "vqa_upload_seconds", "Seconds that an upload took", buckets=SECONDS, registry=own
        )
        self.received = Counter("vqa_received_bytes", "Bytes of uploads", registry=own)
        self.restarts = Counter("vqa_worker_restarts", "Workers that were replaced", registry=own)
        for outcome in ("done", "failed", "cancelled"):
            self.jobs.labels(outcome)
        for kind in FAILURES:
            self.failures.labels(kind)

    def gauge(self, name: str, about: str, value: Callable[[], float]) -> None:
        """Add a measure that is read when it is asked for."""
        Gauge(name, about, registry=self.registry).set_function(value)

    def text(self) -> bytes:
        """Return all measures in Prometheus' text format."""
        return generate_latest(self.registry)


def resident_bytes(pid: int) -> int:
    """Return the memory of a process that is not swapped out; 0 if it has ended."""
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def with_helpers(pids: Iterable[int]) -> set[int]:
    """Return processes and all that they have started, as far as Linux tells."""
    started: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            parent = int(path.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
            started.setdefault(parent, []).append(int(path.parent.name))
    found, left = set(), list(pids)
    while left:
        found.add(pid := left.pop())
        left += started.get(pid, [])
    return found
