"""The jobs on a run: train it, test it on a database, gather its results and its report.

Each can be killed at any moment; the same call again goes on from what is stored.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from vqa.commands import assembly
from vqa.commands.assembly import Config
from vqa.commands.pretraining import begin_from
from vqa.databases.alignment import Alignment, aligned
from vqa.databases.records import Database, VideoRecord
from vqa.features.extraction.fill import ExtractionError, shard_of, write_failures
from vqa.features.extraction.sources import Sources
from vqa.protocols import leak_report
from vqa.protocols.splits import Split
from vqa.reports import write_report
from vqa.reports.evidence import write_evidence
from vqa.runs import Run
from vqa.runs.audit import Finding, dependent_scores, look
from vqa.runs.opening import open_run
from vqa.training.views import Views, moments

log = logging.getLogger(__name__)


def train(config: Config) -> Run:
    """Fit a model on every split of a database, or on this job's share of the splits.

    Args:
        config: A composed `train` configuration.

    Returns:
        The run; `finished` once all its splits are.
    """
    plain = assembly.resolved(config)
    run = open_run(assembly.run_folder(plain), plain, fresh=config.fresh)
    if run.finished:
        return run
    database = assembly.database(config.data)
    sources = assembly.sources_of(plain, database, config.paths.cache, config.data.reader)
    database = prepare(run, sources, database)
    views = assembly.views_of(plain, sources, config.data.reader)
    tracker = assembly.tracker(config)
    splits = assembly.splits(config, database)
    run.count_leaks(leak_report(database, splits))
    for split in shard_of(splits, config.shard):
        if run.has(split):
            continue
        folder = run.begin(split)
        alignment = assembly.alignment(config, database, split, sources)
        rated = aligned(database, alignment)
        if alignment.lines:
            run.relabel(split.name, rated, asdict(alignment))
        data = assembly.data_module(plain, rated, split, views)
        learner = assembly.learner(plain)
        if config.init_from:
            begin_from(learner, run, split, config.init_from, config.init_parts)
        started = time.perf_counter()
        learner.fit(data, folder, tracker.split_logger(split.name, run.folder, plain))
        seconds = time.perf_counter() - started
        predictions = learner.predict(data, data.test)
        if rank_zero_only.rank == 0:
            learner.save(folder)
            run.time_split(split.name, seconds)
            run.record(split.name, predictions)
    if rank_zero_only.rank != 0:
        return run
    if missing := sum(not run.has(split) for split in splits):
        log.info("%d of %d splits are left to other jobs", missing, len(splits))
    else:
        extracted = plain["views"]["features"] is not None
        run.time_features(sources.costs(database.videos) if extracted else {})
        conclude(run, database, views, run, config.data.reader)
        tracker.finish(run.folder)
    return run


def test(run: Run, data: Config | None, paths: Mapping[str, Any], *, fresh: bool) -> Run:
    """Test a run's models: on another database whole, on its own only on its test parts.

    Of another database the files that the models were trained on are left out, and said so.

    Args:
        run: A finished run.
        data: A `data` section; None takes the run's own.
        paths: Where databases and caches lie.
        fresh: Test anew where results are stored.

    Returns:
        The run that holds predictions, results and report, below `<run>/evaluations`.
    """
    data = assembly.as_config(run.config["data"]) if data is None else data
    database = assembly.database(data)
    settings = {**run.config, "data": assembly.resolved(data), "paths": dict(paths)}
    result = open_run(run.folder / "evaluations" / data.name, settings, fresh=fresh)
    if result.finished:
        return result
    for note in run.notes():
        result.note(note)
    sources = assembly.sources_of(run.config, database, paths["cache"], data.reader)
    database = prepare(result, sources, database)
    views = assembly.views_of(run.config, sources, data.reader)
    own = database.name == run.database["name"]
    seen = set() if own else trained_on(run, result)
    for split in run.splits():
        tested = split if own else on_another(split, run.database["name"], database, seen)
        if not result.has(tested):
            result.begin(tested)
            rated = database
            if own and (alignment := run.alignment(split.name)):
                rated = aligned(database, Alignment(**alignment))
                result.relabel(split.name, rated, alignment)
            learner = load_learner(run, split.name)
            loaders = assembly.data_module(settings, rated, None, views)
            result.record(split.name, learner.predict(loaders, rated.select(tested.test)))
    conclude(result, database, views, run, data.reader)
    return result


def rescore(run: Run, count: int, paths: Mapping[str, Any]) -> Finding:
    """Score some test videos of each split again, each alone, and compare with what is stored.

    Args:
        run: A finished run of `train`.
        count: Videos a split, spread over its test part.
        paths: Where databases and caches lie.
    """

    def faults() -> Iterator[str]:
        data = assembly.as_config(run.config["data"])
        database = assembly.database(data)
        sources = assembly.sources_of(run.config, database, paths["cache"], data.reader)
        views = assembly.views_of(run.config, sources, data.reader)
        predictions = run.predictions()
        for split in run.splits():
            rows = predictions[predictions["split"] == split.name].set_index("video")["score"]
            chosen = rows.iloc[:: max(1, len(rows) // count)].head(count)
            sources.fill(database.select(chosen.index))
            learner = load_learner(run, split.name)
            loaders = assembly.data_module(run.config, database, None, views)

            def alone(video: str, learner: Any = learner, loaders: Any = loaders) -> float:
                (prediction,) = learner.predict(loaders, database.select([video]))
                return prediction.score

            yield from dependent_scores(split.name, chosen.to_dict(), alone)

    return look(f"{count} videos of each split score the same again, alone", faults)


def trained_on(run: Run, result: Run) -> set[str]:
    """Videos of another database whose files the run was trained on, byte for byte; noted."""
    here, there = run.videos()["source"], result.videos()["source"]
    same = sorted(there.index[there.isin(set(here.dropna()))])
    if same:
        result.note(
            f"{len(same)} of {len(there)} videos of {result.database['name']} are files of "
            f"{run.database['name']} as well and were left out: {', '.join(same[:5])}"
            + (" and more" if len(same) > 5 else "")
        )
    origin = run.database.get("origin")
    if origin and origin == result.database.get("origin"):
        result.note(
            f"{run.database['name']} and {result.database['name']} both draw on {origin}: the same "
            "scene in another encoding cannot be told by its file, so some may be in both."
        )
    return set(same)


def on_another(split: Split, trained_on: str, database: Database, seen: set[str]) -> Split:
    """The split of a model that is tested on another database than it was trained on."""
    train = tuple(f"{trained_on}:{video}" for video in (*split.train, *split.val))
    tested = tuple(video.id for video in database.videos if video.id not in seen)
    return replace(split, train=train, val=(), test=tested)


def prepare(run: Run, sources: Sources, database: Database) -> Database:
    """Extract what is missing; note failures and absences in the run; return what can be used.

    Raises:
        ExtractionError: No video is left.
    """
    run.describe(database)
    outcome = sources.fill(database.videos)
    if not outcome.made and not outcome.reused:
        raise ExtractionError(
            f"none of the {len(database)} videos of {database.name} could be read; "
            f"first cause: {next(iter(outcome.failures.values()), 'the database is empty')}"
        )
    write_failures(outcome.failures, run.folder / "failures.csv")
    for name in sources.untrained:
        run.note(
            f"The features come from {name} with RANDOM weights (features.{name}.weights=random): "
            "the scores say nothing about quality."
        )
    if database.skipped:
        run.note(
            f"{len(database.skipped)} of {len(database.skipped) + len(database)} labelled videos "
            "are absent and were left out (data.missing=skip)."
        )
    if outcome.failures:
        run.note(
            f"{len(outcome.failures)} of {len(database)} videos could not be read and were left "
            "out; failures.csv says why."
        )
    kept = tuple(video for video in database.videos if video.id not in outcome.failures)
    run.list_videos(kept, lambda video: sources.metadata(video.id))
    return replace(database, videos=kept)


def load_learner(run: Run, split: str) -> Any:
    """The learner that a run trained on a split, rebuilt from the run's own configuration."""
    learner = assembly.learner(run.config)
    learner.load(run.split_folder(split))
    return learner


def load_learners(run: Run) -> Sequence[Any]:
    """The learners of all splits of a run."""
    return [load_learner(run, split.name) for split in run.splits()]


def conclude(run: Run, database: Database, views: Views, trained: Run, reader: str) -> None:
    """Compute the results, gather evidence for the worst predictions, write the report.

    Args:
        run: Holds the predictions.
        database: What was tested.
        views: What the models see.
        trained: The run whose models predicted; `run` itself after training.
        reader: Which decoder, `data.reader`.
    """
    run.finish()
    predictions = run.predictions()
    if predictions is None:
        log.info("no video was tested (protocol=full): the trained model is in %s", run.folder)
        return
    loaded: dict[str, Any] = {}

    def timeline(split: str, video: VideoRecord) -> tuple[np.ndarray, np.ndarray]:
        if split not in loaded:
            loaded[split] = load_learner(trained, split)
        _, quality = loaded[split].assess(views.alone(video))
        return moments(views.times_s(video), len(quality)).numpy(), quality

    write_evidence(run.folder, predictions, database, timeline, reader)
    write_report(run.folder)
