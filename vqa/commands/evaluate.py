"""Evaluate: test a run, score videos, compare runs, verify a run, or score anyone's predictions."""

from typing import TYPE_CHECKING

from vqa.commands.configuration import UsageError, raw_format, resolved

if TYPE_CHECKING:
    from omegaconf import DictConfig

TASKS = ("run", "runs", "verify", "predictions")


def main(config: "DictConfig") -> int | None:
    """Do what the given keys ask for; returns the exit status."""
    settings = resolved(config)
    if sum(settings[task] is not None for task in TASKS) != 1:
        raise UsageError(
            "expected one of run=<folder of a finished run> (with data= or videos=), "
            "runs=[<folder>,<folder>], verify=<folder>, predictions=<csv>; --help shows each use"
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
        )
        return None
    if settings["videos"] is not None:
        from vqa.commands.scoring import command

        videos = settings["videos"]
        return command.main(
            settings["run"],
            videos if isinstance(videos, list) else [videos],
            output=settings["output"] or "scores.csv",
            cache=settings["paths"]["cache"],
            raw=raw_format(settings["raw"]),
            damaged=settings["damaged"],
            trust=trust,
        )
    from vqa.commands import test
    from vqa.runs.opening import load_run

    test.main(
        load_run(settings["run"]),
        settings["data"],
        settings["paths"],
        fresh=settings["fresh"],
        trust=trust,
    )
    return None
