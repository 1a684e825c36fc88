"""Scoring on a Ray cluster: actors that hold the model take paths, and the rows come back here."""

import os
import queue
import socket
from collections.abc import Generator, Iterable, Mapping
from dataclasses import replace
from importlib import metadata
from typing import Any

from vqa import __version__
from vqa.commands.engines.ray_cluster import room
from vqa.commands.engines.ray_pool import Pool
from vqa.commands.engines.settings import EngineSettings
from vqa.commands.scoring.score import Score
from vqa.commands.scoring.scorer import Scorer
from vqa.commands.scoring.shipping import Model
from vqa.remote.addresses import protocol_of
from vqa.remote.tars import split
from vqa.video import RawFormat


def score_on_ray(
    ray: Any,
    settings: EngineSettings,
    scorer: Scorer,
    options: Mapping[str, Any],
    videos: Iterable[str],
    raw: RawFormat | None = None,
) -> Generator[Score, None, None]:
    """Yield the score of each video as soon as it is known, in any order.

    Closing the iterator ends the actors.

    Args:
        ray: The module, connected.
        settings: Of the engine.
        scorer: Names the model, and words the failures.
        options: Of the scorer that each actor makes, by keyword.
        videos: Paths that all nodes see, or URLs; taken in a thread.
        raw: Format of headerless .yuv files.

    Raises:
        Exception: An actor cannot make its scorer.
    """
    model = Model.of(scorer.run.folder)
    packed = ray.put(model.packed())
    cores = settings.cpus or 1
    options = {**options, "run": None} | ({} if settings.gpus else {"device": "cpu"})
    if scorer.cache is not None:
        options["cache"] = scorer.cache.absolute()  # workers have another current folder
    needs = {"num_cpus": cores, "num_gpus": settings.gpus, "scheduling_strategy": "SPREAD"}
    if settings.memory_gb is not None:
        needs["memory"] = int(settings.memory_gb * 2**30)
    actor = ray.remote(**needs)(_Actor)

    def start() -> Any:
        # In a list, the archive travels only to actors that ask for it.
        return actor.remote(model, [packed], options, raw, cores, _versions())

    ahead = cores + 2 if settings.gpus else 3
    pool = Pool(ray, start, lambda: settings.workers or room(ray, settings), ahead)
    outcomes = pool.outcomes(videos)
    try:
        for video, score, error in outcomes:
            yield scorer.failed(video, error) if score is None else score
    finally:
        outcomes.close()


class _Actor:
    """A scorer in a process of a cluster."""

    def __init__(
        self,
        model: Model,
        packed: list[Any],
        options: Mapping[str, Any],
        raw: RawFormat | None,
        cores: int,
        expected: Mapping[str, str],
    ) -> None:
        self.model, self.packed, self.options, self.raw = model, packed, options, raw
        self.cores, self.expected = cores, expected
        self.names: queue.SimpleQueue[str] = queue.SimpleQueue()

    def load(self) -> None:
        """Load the model.

        Raises:
            ValueError: Other versions than the driver has, or a scorer that cannot be made.
        """
        import ray
        import torch

        from vqa.commands.memory import keep_freed_memory

        if (found := _versions()) != self.expected:
            raise ValueError(
                f"the workers on {socket.gethostname()} have {_words(found)}; expected "
                f"{_words(self.expected)} as on this machine: install the same on all nodes"
            )
        keep_freed_memory()
        torch.set_num_threads(self.cores)
        folder = self.model.here(lambda: bytes(ray.get(self.packed[0])))
        scorer = Scorer(**{**self.options, "run": folder})
        scorer.use_decoders(self.cores if scorer.uses_gpu else 1)
        self.scores = scorer.score(iter(self.names.get, None), raw=self.raw)

    def work(self, videos: list[str]) -> Score:
        """Take further videos, and return the score of the first that has none yet."""
        for video in videos:
            self.names.put(video)
        return _with_place(next(self.scores))


def _with_place(score: Score) -> Score:
    """Say which node does not see a file."""
    file, _ = split(score.video) or (score.video, "")
    if not score.error or protocol_of(score.video) or os.path.lexists(file):
        return score
    where = f"the node {socket.gethostname()} has no such file"
    return replace(
        score, error=f"{score.error}; {where}: workers need a file system that all share, or URLs"
    )


def _versions() -> dict[str, str]:
    return {"vqa": __version__, "torch": metadata.version("torch")}


def _words(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())
