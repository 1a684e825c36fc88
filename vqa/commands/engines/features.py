"""A share of the features of trainings, before these: `features` and the words of a verb."""

from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from vqa.commands.experiment import Experiment
from vqa.features.extraction.fill import shard_of

if TYPE_CHECKING:
    from omegaconf import DictConfig


def main(words: Sequence[str]) -> int:
    """Extract a share; returns the exit status.

    A video that fails costs its features only: the training leaves it out and says so.

    Args:
        words: Verb (`train`, `cross` or `study`), and its words with `shard=`.
    """
    from vqa.commands.hydra_app import run_verb

    verb = words[0]
    if verb == "study":
        from vqa.commands.study import arguments, command

        parser = ArgumentParser()
        arguments.add(parser)
        options, rest = parser.parse_known_args(list(words[1:]))
        options.rest = rest
        name, given = command.named(options)
        plan, own = command.planned(
            str(name), given, plan_only=False, smoke=options.smoke, config_dir=options.config_dir
        )
        present = [one.experiment for one in plan.trainings if not one.absent]
        return fill_share(present, own["shard"])

    def job(config: "DictConfig") -> int:
        if verb == "train":
            return fill_share([Experiment.composed(config)], config["shard"])
        from hydra.core.hydra_config import HydraConfig

        from vqa.commands.crossing import Crossing

        crossing = Crossing(config, HydraConfig.get().overrides.task)
        return fill_share(crossing.experiments(), config["shard"])

    return run_verb(verb, f"vqa {verb}", list(words[1:]), job)


def fill_share(experiments: Iterable[Experiment], shard: str) -> int:
    """Extract a share of the features of each training, if it uses any; returns 0."""
    for experiment in experiments:
        if experiment.uses_features:
            experiment.sources.fill(shard_of(experiment.database.videos, shard))
    return 0
