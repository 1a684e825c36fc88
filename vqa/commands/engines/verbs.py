"""The verbs on an engine: their stages, each in shares, and what follows the last of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqa.commands.configuration import UsageError
from vqa.commands.engines.settings import FEATURES, LOCAL, SLURM, EngineSettings
from vqa.commands.engines.shares import Engine, check_ended, shared, stage_folder
from vqa.commands.experiment import Experiment
from vqa.commands.preflight import check_folder

if TYPE_CHECKING:
    from vqa.commands.study.jobs import Training
    from vqa.commands.study.planning import Plan
    from vqa.runs import Run


@contextmanager
def opened(settings: EngineSettings) -> Iterator[Engine]:
    """Open an engine that is not this process.

    Raises:
        UsageError: Its package or its cluster is missing.
    """
    if settings.name == SLURM:
        from vqa.commands.engines.slurm import Slurm

        yield Slurm(settings)
        return
    from vqa.commands.engines.ray_tasks import ray_engine

    with ray_engine(settings) as engine:
        yield engine


def do_stage(
    engine: Engine, words: Sequence[str], base: str | Path, units: Callable[[], int]
) -> None:
    """Do a stage in shares.

    Args:
        engine: Does them.
        words: The command line without its program.
        base: Folder below which logs lie, in `jobs`.
        units: Counts what there is to share out: there are no more shares.

    Raises:
        EngineError: A share failed.
    """
    count = 1 if engine.width == 1 else max(1, min(engine.width, units()))
    folder = stage_folder(base, words)
    check_ended(engine.run(shared(words, count), folder))


def extract(experiment: Experiment) -> int:
    """Fill a feature cache in shares of the videos; returns the exit status."""
    from vqa.commands.extract import work_of

    with opened(EngineSettings.of(experiment.config)) as engine:
        paths = experiment.config["paths"]
        check_folder("paths.cache", paths["cache"])
        words = ["extract", *typed()]
        do_stage(engine, words, paths["cache"], lambda: len(work_of(experiment)))
    return 0


def train(experiment: Experiment) -> "Run":
    """Train in shares of the splits, after the features in shares of the videos.

    A run that is finished is only compared with its files, by one task.
    """
    from vqa.runs.opening import open_run

    config, words = experiment.config, typed()
    base = config["paths"]["runs"]
    for name in ("runs", "cache"):
        check_folder(f"paths.{name}", config["paths"][name])
    with opened(EngineSettings.of(config)) as engine:
        # As a task opens it: where a run was made is no part of it.
        here = {**config, "engine": {"name": LOCAL}}
        run = open_run(experiment.folder, here, fresh=config["fresh"])
        is_new = not run.finished
        if is_new and experiment.uses_features:
            videos = len(experiment.database)
            do_stage(engine, [FEATURES, "train", *words], base, lambda: videos)
        if is_new:
            splits = len(experiment.splits(experiment.database))
            do_stage(engine, ["train", *words], base, lambda: splits)
        if not (is_new and run.finished):
            do_stage(engine, ["train", *words], base, lambda: 1)
    return run


def cross(rows: int, experiments: Sequence[Experiment]) -> None:
    """Do the rows of a matrix in shares, after the features of its databases.

    Args:
        rows: Number of databases to train on.
        experiments: One for each database.
    """
    settings = experiments[0].config
    _check_kept(settings)
    base = settings["paths"]["runs"]
    with opened(EngineSettings.of(settings)) as engine:
        words = ["cross", *typed()]
        _features_of(engine, words, base, experiments)
        do_stage(engine, words, base, lambda: rows)


def study(plan: "Plan", words: Sequence[str]) -> None:
    """Do the trainings of a study with their tests in shares, after their features.

    Args:
        plan: The study.
        words: The command line without its program.
    """
    settings = plan.composer().config
    _check_kept(settings)
    base = settings["paths"]["runs"]
    with opened(EngineSettings.of(settings)) as engine:
        present = [one for one in plan.trainings if not one.absent]
        if not present:
            return
        _features_of(engine, words, base, [one.experiment for one in present])
        for _ in range(max(map(_depth, present))):
            do_stage(engine, words, base, lambda: len(plan.trainings))


def _features_of(
    engine: Engine, words: Sequence[str], base: str, experiments: Sequence[Experiment]
) -> None:
    if any(one.uses_features for one in experiments):
        videos = [len(one.database) for one in experiments if one.uses_features]
        do_stage(engine, [FEATURES, *words], base, lambda: max(videos))


def _check_kept(settings: Mapping[str, Any]) -> None:
    """Refuse to start over: a share must not remove what another has just made."""
    if settings["fresh"]:
        raise UsageError(
            "fresh=true: expected fresh=false with an engine, which trains what is missing; remove "
            "the run folders that you want again"
        )


def _depth(training: "Training") -> int:
    """How many trainings follow each other, up to this one: each starts from the one before."""
    return 1 + max(map(_depth, training.needs), default=0)


def typed() -> list[str]:
    """Return the overrides of this job of perhaps a sweep, and the folder of the user's YAML."""
    from hydra.core.hydra_config import HydraConfig

    hydra = HydraConfig.get()
    sources = [one.path for one in hydra.runtime.config_sources if one.provider == "command-line"]
    return [*(f"--config-dir={one}" for one in sources), *hydra.overrides.task]
