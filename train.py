"""Fit one model on one database under one protocol; the same command again goes on or shows it."""

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from vqa import assembly
from vqa.results import format_table
from vqa.runs import Run, open_run


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(config: DictConfig) -> None:
    """Train what is not trained yet, then print the results and where the report lies."""
    with assembly.readable_errors():
        plain = assembly.resolved(config)
        assembly.set_up(plain)
        run = open_run(assembly.run_folder(plain), plain, fresh=config.fresh)
        if not run.finished:
            train(config, plain, run)
    if rank_zero_only.rank == 0:
        for note in run.notes():
            print(f"NOTE: {note}")
        if results := run.results():
            print(f"\n{format_table(results)}\n")
            print(f"report: {run.report}")


def train(config: DictConfig, plain: dict, run: Run) -> None:
    """Features, then split by split: fit, predict the test part, store both."""
    database = instantiate(config.data.read)
    source = assembly.FeatureSource.of(plain, database.name, config.paths.cache, config.data.reader)
    database = assembly.prepare(run, source, database)
    view = source.view(config.loader.memory_gb, config.loader.device)
    tracker = instantiate(config.logger)
    for split in instantiate(config.protocol)(database):
        if run.has(split):
            continue
        folder = run.begin(split)
        data = assembly.data_module(plain, database, split, view)
        learner = instantiate(config.model)
        learner.fit(data, folder, tracker.split_logger(split.name, run.folder, plain))
        predictions = learner.predict(data, data.test)
        if rank_zero_only.rank == 0:
            learner.save(folder)
            run.record(split.name, predictions)
    if rank_zero_only.rank == 0:
        assembly.conclude(
            run, database, view, lambda name: assembly.load_learner(run, name), config.data.reader
        )
        tracker.finish(run.folder)


if __name__ == "__main__":
    main()
