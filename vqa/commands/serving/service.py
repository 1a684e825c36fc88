"""What the addresses of the service share: its jobs, its workers, and when it refuses."""

import asyncio
import time
from typing import Any

from vqa.commands.serving.crew import Crew
from vqa.commands.serving.jobs import ENDED, Job, Jobs, iso
from vqa.commands.serving.limits import Limits, Refusal
from vqa.commands.serving.measures import Measures


class Service:
    """What the addresses share.

    Attributes:
        stopping: Whether no further jobs are accepted.
        uploads: Number of videos that arrive now.
    """

    def __init__(
        self,
        jobs: Jobs,
        crew: Crew,
        limits: Limits,
        measures: Measures,
        *,
        allowed: tuple[str, ...] = (),
        token: str = "",
    ) -> None:
        self.jobs, self.crew, self.limits, self.measures = jobs, crew, limits, measures
        self.allowed, self.token = allowed, token
        self.stopping, self.uploads = False, 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        jobs.changed = self.changed
        measures.gauge("vqa_jobs_queued", "Jobs that wait", lambda: len(jobs.waiting()))
        measures.gauge("vqa_jobs_running", "Jobs at work", jobs.running)
        measures.gauge("vqa_worker_memory_bytes", "Memory of the workers", crew.memory_bytes)

    def changed(self) -> None:
        """Wake those who wait for a change of a job; from any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def until_changed(self, job: Job, seconds: float) -> None:
        """Wait until a job is not what it was, or for some seconds."""
        self._loop = asyncio.get_running_loop()
        before, end = self.entry(job, short=True), time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and job.state not in ENDED:
            news = self._news
            if self.entry(job, short=True) != before:
                return
            try:
                await asyncio.wait_for(news.wait(), left)
            except TimeoutError:
                return

    def check_open(self) -> None:
        """Refuse a job that cannot be queued.

        Raises:
            Refusal: 503 while the service stops, 429 if queue or uploads are full.
        """
        if self.stopping:
            raise Refusal(
                503, "the service stops", "send the video again in a moment", {"Retry-After": "10"}
            )
        back = {"Retry-After": str(self.crew.seconds_to_come_back())}
        waiting = len(self.jobs.waiting())
        if waiting + self.uploads >= self.limits.queue:
            raise Refusal(
                429, f"the queue is full: {waiting} jobs wait",
                f"come back in {back['Retry-After']} s", back,
            )  # fmt: skip
        if self.uploads >= self.limits.uploads:
            raise Refusal(429, "too many videos arrive at the same time", "come back later", back)

    def job(self, id_: str) -> Job:
        """Return a job.

        Raises:
            Refusal: 404.
        """
        job = self.jobs.get(id_)
        if job is None:
            raise Refusal(
                404, "no job has this id", "send the video again; results are kept for "
                f"{self.limits.keep_s / 3600:g} hours",
            )  # fmt: skip
        return job

    def entry(self, job: Job, *, short: bool = False) -> dict[str, Any]:
        """Return a job as the client sees it; a short one has neither result nor waiting time."""
        position = self.jobs.position(job)
        progress = self.jobs.progress(job)
        entry: dict[str, Any] = {
            "id": job.id, "name": job.name, "state": job.state, "position": position,
            "progress": None if progress is None else {"done": progress[0], "of": progress[1]},
        }  # fmt: skip
        if short:
            return entry
        return entry | {
            "eta_s": None if job.state in ENDED else self.crew.eta_s(position or 0),
            "created": iso(job.created), "started": iso(job.started),
            "finished": iso(job.finished), "error": job.error, "remedy": job.remedy,
            "result": self.jobs.result(job),
            "pictures": [
                {**picture, "url": f"/v1/jobs/{job.id}/pictures/{number}"}
                for number, picture in enumerate(job.pictures)
            ],
        }  # fmt: skip
