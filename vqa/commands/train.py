"""Train: fit a model on every split of a database, then compute its results and its report."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from vqa.commands.calibrate import calibrate, videos_to_fit
from vqa.commands.conclusion import conclude
from vqa.commands.engines.settings import EngineSettings
from vqa.commands.experiment import Experiment
from vqa.commands.preflight import check_experiment
from vqa.commands.starting import begin_from
from vqa.databases.alignment import aligned
from vqa.databases.listing import some
from vqa.databases.records import Database
from vqa.evaluation.text import format_table
from vqa.features.extraction.fill import ExtractionError, Outcome, shard_of, write_failures
from vqa.protocols import leak_report
from vqa.protocols.twins import joined_contents
from vqa.runs import Run, RunError
from vqa.runs.calibrating import FITTED
from vqa.runs.environment import held_hardware, hold_hardware
from vqa.runs.inputs import is_held
from vqa.runs.opening import open_run
from vqa.runs.timing import time_features, time_split
from vqa.runs.used_features import hold_features, random_weights
from vqa.training.hardware import Hardware, chosen_hardware
from vqa.training.processes import in_turn, is_first_process

if TYPE_CHECKING:
    from omegaconf import DictConfig

log = logging.getLogger(__name__)


def main(config: "DictConfig") -> Run:
    """Train, then print the results and the report's path."""
    run = trained(Experiment.composed(config))
    if run.finished and is_first_process():
        show(run)
    return run


def trained(experiment: Experiment) -> Run:
    """Train here, or on the engine of the settings."""
    if EngineSettings.of(experiment.config).is_local:
        return train(experiment)
    from vqa.commands.engines import verbs

    return verbs.train(experiment)


def show(run: Run) -> None:
    """Print the notes and results of a finished run."""
    for note in run.notes():
        print(f"NOTE: {note}")
    if results := run.results():
        print(f"\n{format_table(results)}\n")
        print(f"report: {run.report}")


def train(experiment: Experiment) -> Run:
    """Fit a model on every split of a database, or on this job's share of the splits.

    An interrupted training resumes when it is called again.

    Args:
        experiment: Composed from `train` settings.

    Returns:
        The run; it is `finished` once all its splits are.
    """
    config = experiment.config
    check_experiment(config)
    with in_turn():
        run = open_run(experiment.folder, config, fresh=config["fresh"] and is_first_process())
        if is_first_process():
            if not run.finished:
                experiment.tracker.check()
            if held := is_held(run.folder):
                run.hold(experiment.inputs())
        if run.finished:
            return run
        outcome = extract(run, experiment)
        # A new folder has nothing to protect, so its files were hashed beside decoding.
        if is_first_process() and not held:
            run.hold(experiment.inputs())
        database = usable(run, experiment, outcome)
        splits = experiment.splits(database)
        run.count_leaks(leak_report(database, splits, experiment.hashes))
        hardware = hardware_of(run)
    for split in shard_of(splits, config["shard"]):
        if run.has(split):
            continue
        folder = run.begin(split)
        alignment = experiment.alignment(database, split)
        rated = aligned(database, alignment)
        if alignment.lines:
            run.relabel(split.name, rated, asdict(alignment))
        data = experiment.data(rated, split)
        learner = experiment.learner(**_replaced(config["model"], hardware))
        if config["init_from"]:
            begin_from(learner, run, split, config["init_from"], config["init_parts"])
        logger = experiment.tracker.split_logger(
            split.name, run.folder, config, [one.name for one in splits]
        )
        started = time.perf_counter()
        with hardware.matrix_products() if hardware else nullcontext():
            learner.fit(data, folder, logger)
        seconds = time.perf_counter() - started
        fitted = learner.predict(data, videos_to_fit(data.train, data.val, config["seed"]))
        predictions = learner.predict(data, data.test)
        if is_first_process():
            learner.save(folder)
            time_split(run, split.name, seconds)
            run.record(split.name, fitted, FITTED)
            run.record(split.name, predictions)
            experiment.tracker.finish_split(run.folder, split.name)
    if not is_first_process():
        return run
    if missing := sum(not run.has(split) for split in splits):
        log.info("%d of %d splits are left to other jobs", missing, len(splits))
    else:
        costs = experiment.sources.costs(database.videos) if experiment.uses_features else {}
        time_features(run, costs)
        calibrate(run, experiment, database)
        conclude(run, run, experiment, database)
        experiment.tracker.finish(run.folder)
    return run


def hardware_of(run: Run) -> Hardware | None:
    """Choose what a run's networks are trained on, and say so; None if it trains no network.

    Raises:
        ValueError: The device does not have the precision that is asked for.
    """
    trainer = run.config["model"].get("trainer")
    if trainer is None:
        return None
    begun = held_hardware(run.folder)
    hardware = chosen_hardware(trainer, begun.get("precision"))
    if is_first_process():
        log.info("training on %s", hardware)
        if (earlier := begun.get("device", hardware.device)) != hardware.device:
            log.info("the run began on %s; rounding differs between devices", earlier)
        hold_hardware(run.folder, hardware.device, hardware.precision)
    return hardware


def _replaced(model: Mapping[str, Any], hardware: Hardware | None) -> dict[str, Any]:
    return {} if hardware is None else {"trainer": hardware.settings(model["trainer"])}


def extract(run: Run, experiment: Experiment) -> Outcome:
    """Extract missing features.

    Raises:
        RunError: An earlier start used other features.
    """
    run.describe(experiment.database)
    hold_features(run.folder, experiment.sources.sources)
    return experiment.sources.fill(experiment.database.videos)


def usable(run: Run, experiment: Experiment, outcome: Outcome) -> Database:
    """Note failures and absences; return the database of the videos that have features.

    Equal files get one content in it.

    Raises:
        ExtractionError: No video is left.
        RunError: A file changed after the job began.
    """
    database, sources = experiment.database, experiment.sources
    facts = {
        video.id: {"source": experiment.hashes[video.id], **sources.metadata(video)}
        for video in database.videos
        if video.id not in outcome.failures
    }
    for name, found in facts.items():
        if experiment.views.finite and int(found["undefined"]):
            outcome.failures[name] = f"{found['undefined']} features are not finite numbers"
    kept = tuple(video for video in database.videos if video.id not in outcome.failures)
    if not kept:
        raise ExtractionError(
            f"none of the {len(database)} videos of {database.name} could be read; "
            f"first cause: {next(iter(outcome.failures.values()), 'the database is empty')}"
        )
    changed = [one.id for one in kept if facts[one.id]["source"] != experiment.hashes[one.id]]
    if changed:
        raise RunError(
            f"the files of {len(changed)} videos ({some(changed)}) changed after the job began; "
            "rerun the command, with fresh=true if it refuses"
        )
    write_failures(outcome.failures, run.folder / "failures.csv")
    for note in _notes(experiment, outcome, {video.id: facts[video.id] for video in kept}):
        run.note(note)
    usable = joined_contents(replace(database, videos=kept), experiment.hashes)
    run.list_videos(usable.videos, lambda video: facts[video.id])
    return usable


def _notes(
    experiment: Experiment, outcome: Outcome, facts: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    """Say what every reader of the numbers must know about the videos and their features.

    Args:
        experiment: Of the run.
        outcome: Of the extraction.
        facts: About each usable video and its features, by id.
    """
    database = experiment.database
    for name in experiment.sources.untrained:
        yield random_weights(name)
    if database.skipped:
        yield (
            f"{len(database.skipped)} of {len(database.skipped) + len(database)} labelled videos "
            "are absent and were left out (data.missing=skip)."
        )
    if outcome.failures:
        yield (
            f"{len(outcome.failures)} of {len(database)} videos could not be read and were left "
            "out; failures.csv says why."
        )
    noted = [name for name, found in facts.items() if found.get("note")]
    if noted:
        example = f"{noted[0]}: {facts[noted[0]]['note']}"
        yield f"{len(noted)} videos have a note in videos.csv, for example {example}."
    undefined = [name for name, found in facts.items() if int(found["undefined"])]
    if undefined and not experiment.views.finite:
        yield (
            f"Some features of {len(undefined)} videos are undefined ({some(undefined)}); the "
            "model replaces them."
        )
