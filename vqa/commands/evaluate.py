"""Evaluate: test a run or published weights, score videos, compare and verify runs, measure."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqa.commands.configuration import UsageError, raw_format, resolved
from vqa.files import making_folder, plain_name, user_path
from vqa.runs import Run
from vqa.runs.audit import digest
from vqa.runs.opening import load_run

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from vqa.reports.tracking import CsvTracker

TASKS = ("run", "weights", "runs", "verify", "predictions")
# What `model=` brings: settings of a training, which belong to the model folder.
OF_MODELS = ("model", "name", "views", "features", "trainer", "loader", "protocol")


def main(config: "DictConfig") -> int | None:
    """Do what the given keys ask for; returns the exit status."""
    settings = own_settings(config)
    if sum(settings[task] is not None for task in TASKS) != 1:
        raise UsageError(
            "expected one of run=<folder of a finished run> or model=<name> weights=<file> (with "
            "data= or videos=), runs=[<folder>,<folder>], verify=<folder>, predictions=<csv>; "
            "--help shows each use"
        )
    model = settings.get("model_name")
    if (model is None) != (settings["weights"] is None):
        raise UsageError(
            "expected model=<name> and weights=<file> together, found one of them; a run of your "
            "own is tested with run=<folder>"
        )
    trust = settings["trust"]
    if settings["predictions"] is not None:
        from vqa.evaluation.predictions import read_predictions
        from vqa.evaluation.summary import summarise
        from vqa.evaluation.text import format_table

        print(format_table(summarise(read_predictions(settings["predictions"]))))
        return None
    if settings["verify"] is not None:
        from vqa.commands import verify

        return verify.main(
            settings["verify"], rescore=settings["rescore"], paths=settings["paths"], trust=trust
        )
    if settings["runs"] is not None:
        from vqa.commands import compare
        from vqa.runs.environment import command_line

        output = settings["output"] or "comparison"
        runs = settings["runs"]
        compare.main(
            runs if isinstance(runs, list) else [runs],
            metric=settings["metric"],
            output=output,
            command=command_line(),
            tracker=_checked_tracker(settings),
        )
        return None
    run = published(model, settings) if model else settings["run"]
    if settings["videos"] is not None:
        from vqa.commands.scoring import command

        videos = settings["videos"]
        return command.main(
            str(run.folder) if isinstance(run, Run) else run,
            videos if isinstance(videos, list) else [videos],
            output=settings["output"] or "scores.csv",
            cache=settings["paths"]["cache"],
            raw=raw_format(settings["raw"]),
            damaged=settings["damaged"],
            trust=trust,
        )
    from vqa.commands import test

    tracker = _checked_tracker(settings)
    test.main(
        run if isinstance(run, Run) else to_test(run, Path(settings["paths"]["runs"])),
        settings["data"],
        settings["paths"],
        fresh=settings["fresh"],
        trust=trust,
        told=settings["settings"] or {},
        tracker=tracker,
    )
    return None


def _checked_tracker(settings: Mapping[str, Any]) -> "CsvTracker":
    """Return the tracker of the `logger` section, before any work that it could not take."""
    from vqa.commands.experiment import Experiment

    tracker: CsvTracker = Experiment(settings).tracker
    tracker.check()
    return tracker


def own_settings(config: "DictConfig") -> dict[str, Any]:
    """Return the settings of this command, without those that `model=` brings."""
    from omegaconf import OmegaConf

    own = [str(key) for key in config if key not in OF_MODELS]
    return resolved(OmegaConf.masked_copy(config, own))


def published(model: str, settings: Mapping[str, Any]) -> Run:
    """Return the model folder of published weights, with the settings that were typed."""
    from hydra.core.hydra_config import HydraConfig

    from vqa.commands.published import published_run

    typed = list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []
    keys = {word: word.lstrip("+~").partition("=")[0] for word in typed}
    return published_run(
        model,
        settings["weights"],
        backbone_weights=settings["backbone_weights"],
        folder=settings["paths"]["runs"],
        overrides=[
            word
            for word, key in keys.items()
            if key != "model" and key.partition(".")[0] not in (*settings, "hydra")
        ],
    )


def to_test(run: str, runs: Path) -> Run:
    """Open a run for testing; a model of the package or the hub is copied to the user's runs."""
    found = load_run(run)
    if user_path(run).exists():
        return found
    target = user_path(runs) / f"{plain_name('name', found.config['name'])}-{digest(found)[:8]}"
    if not target.exists():
        with making_folder(target) as made:
            shutil.copytree(found.folder, made, dirs_exist_ok=True)
    return load_run(target)
