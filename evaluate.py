"""Test a finished run, score videos with it, or score anyone's predictions."""

from dataclasses import replace
from pathlib import Path

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from vqa import assembly
from vqa.records import Database
from vqa.results import format_table, read_predictions, summarise
from vqa.runs import Run, load_run, open_run
from vqa.scoring import as_records, find_videos, score_videos, write_scores
from vqa.splits import Split


@hydra.main(version_base="1.3", config_path="conf", config_name="evaluate")
def main(config: DictConfig) -> None:
    """Do what the given keys ask for."""
    assembly.set_up({"threads": config.threads})
    if (config.run is None) == (config.predictions is None):
        raise SystemExit(
            "give run=<folder of a finished run> (with data= or videos=), or predictions=<csv>; "
            "--help shows each use"
        )
    with assembly.readable_errors():
        if config.predictions is not None:
            print(format_table(summarise(read_predictions(config.predictions))))
        elif config.videos is not None:
            score(config, load_run(config.run))
        else:
            evaluate(config, load_run(config.run))


def score(config: DictConfig, run: Run) -> None:
    """Score video files; a file that failed makes the exit status 1."""
    output = Path(config.output or "scores.csv")
    videos = as_records(find_videos(config.videos), config.raw_size)
    reader = run.config["data"]["reader"]
    source = assembly.FeatureSource.of(run.config, "files", config.paths.cache, reader)
    learners = [assembly.load_learner(run, split.name) for split in run.splits()]
    scores = score_videos(videos, source, learners, tuple(run.database["mos_range"]))
    files = write_scores(scores, output, run.notes())
    low, high = run.database["mos_range"]
    for note in run.notes():
        print(f"NOTE: {note}")
    print(f"score on [{low:g}, {high:g}], the MOS scale of {run.database['name']}; high is good")
    for item in scores:
        print(f"{'failed' if item.score is None else f'{item.score:8.4f}'}  {item.video}")
    print("written: " + ", ".join(map(str, files)))
    if failed := [item for item in scores if item.error]:
        raise SystemExit(f"{len(failed)} of {len(scores)} files failed; their rows say why")


def evaluate(config: DictConfig, run: Run) -> None:
    """Test a run's models: on another database whole, on its own only on its test parts."""
    plain = assembly.resolved(config)
    data = OmegaConf.create(plain["data"] or run.config["data"])
    database = instantiate(data.read)
    own = database.name == run.database["name"]
    settings = {**run.config, "data": plain["data"] or run.config["data"], "paths": plain["paths"]}
    result = open_run(run.folder / "evaluations" / data.name, settings, fresh=config.fresh)
    if not result.finished:
        for note in run.notes():
            result.note(note)
        source = assembly.FeatureSource.of(
            run.config, database.name, config.paths.cache, data.reader
        )
        database = assembly.prepare(result, source, database)
        view = source.view()
        for split in run.splits():
            tested = split if own else on_another(split, run.database["name"], database)
            if not result.has(tested):
                result.begin(tested)
                learner = assembly.load_learner(run, split.name)
                loaders = assembly.data_module(settings, database, None, view)
                videos = database.select(tested.test)
                result.record(split.name, learner.predict(loaders, videos))
        assembly.conclude(
            result, database, view, lambda name: assembly.load_learner(run, name), data.reader
        )
    for note in result.notes():
        print(f"NOTE: {note}")
    print(f"\n{format_table(result.results())}\n")
    print(f"report: {result.report}")


def on_another(split: Split, trained_on: str, database: Database) -> Split:
    """The split of a model that is tested on all of another database than it was trained on."""
    train = tuple(f"{trained_on}:{video}" for video in (*split.train, *split.val))
    return replace(split, train=train, val=(), test=tuple(video.id for video in database.videos))


if __name__ == "__main__":
    main()
