"""Fill the feature cache of a database or of files, whole or a shard; or draw what one sees."""

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from vqa.commands import draw
from vqa.commands.configuration import UsageError, raw_format
from vqa.commands.engines.settings import EngineSettings
from vqa.commands.experiment import Experiment
from vqa.commands.preflight import check_experiment
from vqa.commands.printing import say
from vqa.databases.elsewhere import Named
from vqa.databases.file_records import as_records
from vqa.databases.records import VideoRecord
from vqa.databases.unrated import Search, nothing_found
from vqa.features.extraction.feature_source import FeatureSource
from vqa.features.extraction.fill import Outcome, shard_of, write_failures
from vqa.remote.addresses import public
from vqa.remote.fetching import LocalFiles
from vqa.remote.scratch import release

if TYPE_CHECKING:
    from omegaconf import DictConfig

FILES = "files"  # in the name of the list of failures, in place of a database


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


def work_of(experiment: Experiment) -> list[VideoRecord] | list[Named]:
    """Return what is to be extracted: the videos of the database, or what `videos` names.

    Raises:
        FileNotFoundError: `videos` names no video at all.
    """
    places = experiment.config["videos"]
    if places is None:
        return list(experiment.database.videos)
    search = Search()
    named = list(search.named([places] if isinstance(places, str) else places))
    if all(one.cause for one in named):
        raise nothing_found((one.cause for one in named), search.remarks())
    for remark in search.remarks():
        say(remark, sys.stderr)
    return named


def fill(experiment: Experiment) -> int:
    """Extract, then print what was made, found and lost; returns 1 if a video failed, else 0."""
    shard = experiment.config["shard"]
    name = FILES if experiment.config["videos"] is not None else experiment.database.name
    work = shard_of(work_of(experiment), shard)
    lost = 0
    for source in experiment.sources.sources:
        if not isinstance(source, FeatureSource):
            raise UsageError(
                f"features={source.name} are read from a file of your own: there is nothing to "
                "extract; choose features with an extractor"
            )
        records = [one for one in work if isinstance(one, VideoRecord)]
        files = [one for one in work if isinstance(one, Named)]
        outcome = _fill_files(experiment, source, files, records) if files else source.fill(records)
        failures = _failures_of(source.cache.folder, name, shard)
        write_failures(outcome.failures, failures)
        print(
            f"{len(outcome.made)} made, {len(outcome.reused)} found, {len(outcome.failures)} "
            f"failed in {source.cache.folder}"
        )
        if experiment.config["pack"]:
            packed = source.pack(one for one in records if one.id not in outcome.failures)
            print(f"{packed} packed in {source.cache.packs.folder}")
        if outcome.failures:
            print(f"the failed videos and causes are listed in {failures}", file=sys.stderr)
        lost += len(outcome.failures)
    return 1 if lost else 0


def _fill_files(
    experiment: Experiment,
    source: FeatureSource,
    named: list[Named],
    described: list[VideoRecord],
) -> Outcome:
    """Extract from files, which may be elsewhere; `described` receives them."""

    def done(video: VideoRecord) -> None:
        described.append(video)
        release(video.path)

    raw = raw_format(experiment.config["raw"])
    names = [str(one.path) for one in named if not one.cause]
    with closing(LocalFiles(names)) as files:
        records = as_records(files, raw)
        outcome = source.fill(records, count=len(names), done=done)
    outcome.failures |= {public(str(one.path)): one.cause for one in named if one.cause}
    return outcome


def _failures_of(folder: Path, database: str, shard: str) -> Path:
    """Path of the list of a shard's failed videos."""
    return folder / f"failures-{database}-{shard.replace('/', '-of-')}.csv"
