"""The shares of a command as tasks of a Ray cluster, each in a process of its own on its node."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqa.commands.engines.ray_cluster import connected, room
from vqa.commands.engines.settings import EngineSettings
from vqa.commands.engines.share import started
from vqa.commands.engines.shares import Outcome
from vqa.files import shown
from vqa.progress import progress_bar

RETRIES = 3  # of a share whose worker or node was lost


class LostShareError(RuntimeError):
    """A signal ended a share; it is done again."""


@dataclass(frozen=True, slots=True)
class RayTasks:
    """The engine `ray`, connected to its cluster.

    Attributes:
        ray: The package.
        settings: Its settings.
        width: Shares that run at the same time.
    """

    ray: Any
    settings: EngineSettings
    width: int

    def run(self, shares: Sequence[Sequence[str]], folder: Path) -> list[Outcome]:
        """Do the shares: see `vqa.commands.engines.shares.Engine`."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = self.settings
        wanted: dict[str, Any] = {"num_gpus": settings.gpus, "num_cpus": settings.cpus or 1}
        if settings.memory_gb is not None:
            wanted["memory"] = int(settings.memory_gb * 2**30)
        task = self.ray.remote(max_retries=RETRIES, retry_exceptions=[LostShareError], **wanted)(
            _share
        )
        logs = [folder / f"task-{index}.log" for index in range(1, len(shares) + 1)]
        for log in logs:
            log.unlink(missing_ok=True)
        place = str(Path.cwd())
        going = {
            task.remote(list(words), place, str(log)): index
            for index, (words, log) in enumerate(zip(shares, logs, strict=True))
        }
        outcomes: list[Outcome | None] = [None] * len(shares)
        failed = 0
        with progress_bar(len(shares), folder.name, "task") as bar:
            while going:
                (done,), _ = self.ray.wait(list(going), num_returns=1)
                index = going.pop(done)
                one = self._outcome(done, logs[index])
                outcomes[index] = one
                failed += one.status != 0
                bar.set_postfix_str(f"{len(going)} pending or running, {failed} failed")
                bar.update()
        return [one for one in outcomes if one is not None]

    def _outcome(self, done: Any, log: Path) -> Outcome:
        kept = log if log.is_file() else None
        try:
            return Outcome(self.ray.get(done), kept)
        except self.ray.exceptions.RayError as error:
            lines = [line for line in str(error).splitlines() if line.strip()] or [repr(error)]
            how = (
                "could not start" if isinstance(error, OSError) else f"was lost {RETRIES + 1} times"
            )
            return Outcome(None, kept, f"{how} ({shown(lines[-1])[:400]})")


@contextmanager
def ray_engine(settings: EngineSettings) -> Iterator[RayTasks]:
    """Connect to the cluster, and yield the engine.

    Raises:
        UsageError: Ray is missing, the cluster cannot be reached, or it has too little for a
            worker.
    """
    with connected(settings) as ray:
        yield RayTasks(ray, settings, settings.workers or room(ray, settings))


def _share(words: list[str], place: str, log: str) -> int:
    """Run a share on a node; returns its exit status.

    Raises:
        LostShareError: A signal ended it.
        FileNotFoundError: The node does not see the working folder.
    """
    if not Path(place).is_dir():
        raise FileNotFoundError(
            f"{place}: expected the folder in which the command was typed on every node, found "
            f"none on {os.uname().nodename}; use a shared file system"
        )
    Path(log).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with Path(log).open("ab") as file:
        status = started(words, place, file).wait()
    if status < 0:
        raise LostShareError(f"signal {-status}")
    return status
