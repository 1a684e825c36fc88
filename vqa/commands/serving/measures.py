"""What the service counts, for Prometheus."""

from collections.abc import Callable

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
