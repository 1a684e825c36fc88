"""Fill the feature cache of a database, whole or a shard; or draw what an extractor sees."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vqa.commands import draw
from vqa.commands.configuration import UsageError
from vqa.commands.engines.settings import EngineSettings
from vqa.commands.experiment import Experiment
from vqa.commands.preflight import check_experiment
from vqa.features.extraction.feature_source import FeatureSource
from vqa.features.extraction.fill import shard_of, write_failures

if TYPE_CHECKING:
    from omegaconf import DictConfig


def main(config: "DictConfig") -> int:
    """Extract or, with `draw=`, draw; returns the exit status."""
    experiment = Experiment.composed(config)
    is_local = EngineSettings.of(experiment.config).is_local
    if not is_local and experiment.config["draw"] is None:
        from vqa.commands.engines import verbs

        return verbs.extract(experiment)
    check_experiment(experiment.config)
    if experiment.config["draw"] is not None:
        return draw.main(experiment)
    return fill(experiment)


def fill(experiment: Experiment) -> int:
    """Extract, then print what was made, found and lost; returns 1 if a video failed, else 0."""
    shard = experiment.config["shard"]
    videos = shard_of(experiment.database.videos, shard)
    lost = 0
    for source in experiment.sources.sources:
        if not isinstance(source, FeatureSource):
            raise UsageError(
                f"features={source.name} are read from a file of your own: there is nothing to "
                "extract; choose features with an extractor"
            )
        outcome = source.fill(videos)
        failures = _failures_of(source.cache.folder, experiment.database.name, shard)
        write_failures(outcome.failures, failures)
        print(
            f"{len(outcome.made)} made, {len(outcome.reused)} found, {len(outcome.failures)} "
            f"failed in {source.cache.folder}"
        )
        if experiment.config["pack"]:
            packed = source.pack(one for one in videos if one.id not in outcome.failures)
            print(f"{packed} packed in {source.cache.packs.folder}")
        if outcome.failures:
            print(f"the failed videos and causes are listed in {failures}", file=sys.stderr)
        lost += len(outcome.failures)
    return 1 if lost else 0


def _failures_of(folder: Path, database: str, shard: str) -> Path:
    """Path of the list of a shard's failed videos."""
    return folder / f"failures-{database}-{shard.replace('/', '-of-')}.csv"
