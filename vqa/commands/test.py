"""Test a run's models: on another database, or again on its own test parts."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from vqa.commands.conclusion import conclude
from vqa.commands.experiment import Experiment
from vqa.commands.preflight import check_folder
from vqa.commands.train import extract, usable
from vqa.databases.alignment import Alignment, aligned
from vqa.databases.listing import some
from vqa.databases.records import Database
from vqa.evaluation.text import format_table
from vqa.files import plain
from vqa.identity import kind_of
from vqa.protocols.splits import Split
from vqa.reports.tracking import CsvTracker
from vqa.runs import Run, RunError
from vqa.runs.audit import Finding, dependent_scores, digest, look
from vqa.runs.inputs import changes
from vqa.runs.opening import is_free, open_run, refuse_links
from vqa.runs.stored import as_data


def main(
    run: Run,
    data: Mapping[str, Any] | None,
    paths: Mapping[str, Any],
    *,
    fresh: bool,
    trust: Sequence[str] = (),
    told: Mapping[str, Any] = MappingProxyType({}),
    tracker: CsvTracker | None = None,
) -> None:
    """Test a run's models on a database, then print the results and the report's path."""
    experiment = Experiment.of_run(run, data=data, paths=paths, trust=trust, told=told)
    check_folder("paths.cache", paths["cache"])
    check_folder("run", run.folder)
    result = evaluate_run(run, experiment, fresh=fresh)
    (tracker or CsvTracker()).finish_evaluation(result.folder, Path(paths.get("runs", "runs")))
    for note in result.notes():
        print(f"NOTE: {note}")
    if results := result.results():
        print(f"\n{format_table(results)}\n")
        print(f"report: {result.report}")


def evaluate_run(run: Run, experiment: Experiment, *, fresh: bool = False) -> Run:
    """Test a run's models: on another database whole, on its own only on its test parts.

    Files of the other database that the models were trained on are left out, with a note.

    Args:
        run: A finished run.
        experiment: Of that run, on the database to test (`Experiment.of_run`).
        fresh: Test again even if results are stored.

    Returns:
        The run that holds predictions, results and report, below `<run>/evaluations`.
    """
    database = experiment.database
    inputs = experiment.inputs(**{"the tested run": digest(run)})
    own = database.name == run.database["name"] and bool(run.splits())
    if own and (different := "; ".join(changes(run.inputs(), plain(inputs), files=False))):
        raise RunError(
            f"{database.name} is no longer the database that {run.folder} was trained on "
            f"({different}); set another data.name= to test it as another database"
        )
    seen = set() if own else trained_on(run, experiment.hashes)
    if len(seen) == len(database):
        raise RunError(
            f"all {len(database)} videos of {database.name} are files that {run.folder} was "
            "trained on, so there is nothing to test on; choose another database"
        )
    experiment.check_models(run)
    folder = evaluation_folder(run, experiment)
    refuse_links(folder, run.folder)
    result = open_run(folder, experiment.config, fresh=fresh)
    result.hold(inputs)
    if result.finished:
        return result
    for note in run.notes():
        result.note(note)
    database = usable(result, experiment, extract(result, experiment))
    seen &= {video.id for video in database.videos}
    if not own:
        note_overlap(run, result, seen)
        note_identities(run, result, experiment.identities.kind)
    for split in tested_splits(run):
        tested = split if own else on_another(split, run.database["name"], database, seen)
        if not result.has(tested):
            result.begin(tested)
            rated = database
            if own and (alignment := run.alignment(split.name)):
                with as_data(run.split_folder(split.name) / "alignment.json"):
                    rated = aligned(database, Alignment(**alignment))
                result.relabel(split.name, rated, alignment)
            learner = experiment.learned(run, split.name)
            data = experiment.data(rated, None)
            result.record(split.name, learner.predict(data, rated.select(tested.test)))
    conclude(result, run, experiment, database)
    return result


def evaluation_folder(run: Run, experiment: Experiment) -> Path:
    """Return where a test of a run is stored: a folder named after the database.

    A test with other settings, or of another database of this name, has their hash in its name.
    """
    folder = run.folder / "evaluations" / str(experiment.config["data"]["name"])
    if experiment.told or not is_free(folder, experiment.config):
        return folder.with_name(f"{folder.name}-{experiment.identity}")
    return folder


def rescore(run: Run, count: int, experiment: Experiment) -> Finding:
    """Score some test videos of each split again, one at a time, and compare the scores.

    Args:
        run: A finished run of `train`.
        count: Videos per split, spread over its test part.
        experiment: Of that run.
    """

    def faults() -> Iterator[str]:
        database = experiment.database
        predictions = run.predictions()
        if predictions is None:
            return
        yield from changes(run.inputs(), plain(experiment.inputs()), files=False)
        for split in run.splits():
            rows = predictions[predictions["split"] == split.name].set_index("video")["score"]
            chosen = rows.iloc[:: max(1, len(rows) // count)].head(count)
            outcome = experiment.sources.fill(database.select(chosen.index))
            for video, cause in outcome.failures.items():
                yield f"{split.name}: {video} can no longer be read: {cause}"
            chosen = chosen.drop(list(outcome.failures))
            learner = experiment.learned(run, split.name)
            data = experiment.data(database, None)

            def alone(video: str, learner: Any = learner, data: Any = data) -> float:
                (prediction,) = learner.predict(data, database.select([video]))
                return prediction.score

            yield from dependent_scores(split.name, chosen.to_dict(), alone)

    return look(f"{count} videos of each split score the same again, alone", faults)


def tested_splits(run: Run) -> list[Split]:
    """Return the splits of a run; those of a model folder, which has none, say so."""
    unknown = (f"the training videos of {run.config['name']}",)
    return run.splits() or [Split(part, unknown, (), (), "video", 0) for part in run.parts()]


def trained_on(run: Run, hashes: Mapping[str, str]) -> set[str]:
    """Find the videos of another database whose files the run was trained on.

    Args:
        run: A finished run, or a model folder.
        hashes: SHA-256 of the other database's files, by id.
    """
    known = run.training_files()
    return {video for video, found in hashes.items() if found in known}


def note_overlap(run: Run, result: Run, seen: Collection[str]) -> None:
    """Note the videos that are left out, and what the two databases have in common."""
    name = result.database["name"]
    if name in run.database.get("databases", [run.database["name"]]) and not seen:
        result.note(
            f"WARNING: {run.config['name']} was trained on videos of {name}, and which ones is "
            "unknown: these are no results on unseen videos."
        )
    if seen:
        result.note(
            f"{len(seen)} of {len(result.videos())} videos of {result.database['name']} are files "
            f"of {run.database['name']} as well and were left out: {some(sorted(seen), 5)}"
        )
    origin = run.database.get("origin")
    if origin and origin == result.database.get("origin"):
        result.note(
            f"{run.database['name']} and {result.database['name']} both draw on {origin}: the same "
            "scene in another encoding cannot be recognised by its file, so some may be in both."
        )


def note_identities(run: Run, result: Run, kind: str) -> None:
    """Note that files of the training cannot be recognised, if they were identified otherwise."""
    if others := {kind_of(source) for source in run.training_files()} - {kind}:
        result.note(
            "WARNING: whether files of this test were trained on is unknown: the training "
            f"identified them by data.identity={others.pop()}, this test by {kind}."
        )


def on_another(split: Split, trained_on: str, database: Database, seen: set[str]) -> Split:
    """Return the split of a model that is tested on another database than its own."""
    train = tuple(f"{trained_on}:{video}" for video in (*split.train, *split.val))
    tested = tuple(video.id for video in database.videos if video.id not in seen)
    return replace(split, train=train, val=(), test=tested)
