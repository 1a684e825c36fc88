"""`vqa score --engine slurm`: the tasks of a job array score shares into one dataset.

The names are looked up once, here; each task takes every n-th of them from a list in the folder of
the job, and writes parts of its own. At the end the parts get one manifest.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from vqa.commands.configuration import UsageError
from vqa.commands.engines.shares import EngineError, check_ended, shared, stage_folder
from vqa.commands.engines.slurm import Slurm
from vqa.commands.printing import say
from vqa.commands.scoring.names import NameList
from vqa.commands.scoring.outputs import NO_REASONS, dataset_of
from vqa.commands.scoring.settling import settled
from vqa.databases.name_lists import arriving
from vqa.databases.unrated import Search, nothing_found
from vqa.files import replacing
from vqa.remote.addresses import protocol_of

SCORED, FAILED, BELOW = 0, 1, 3  # exit statuses of a task that looked at each of its files
# Flags that the tasks do not get: of the engine, or said otherwise.
NOT_PASSED = (
    "engine", "array", "partition", "gpus", "cpus", "memory_gb", "time_min", "options", "cluster",
    "address", "model", "shard", "zeros", "help",
)  # fmt: skip
ALONE = ("csv", "parquet", "html", "timeline", "json")


def main(given: argparse.Namespace, model: str, places: Sequence[str], flags: Sequence[str]) -> int:
    """Score in shares; returns the exit status.

    Args:
        given: The parsed flags.
        model: The model.
        places: What is scored.
        flags: The flags that each task gets (`passed`).

    Raises:
        EngineError: A task failed, or videos have no row.
        UsageError: The output is no dataset, or SLURM refuses the job.
        FileNotFoundError: The places name no video at all.
    """
    from vqa.commands.engines import arguments

    settings = arguments.settings_of(given)
    dataset = _dataset(given)
    base = Path.cwd() if protocol_of(dataset) else Path(dataset).absolute().parent
    folder = stage_folder(base, ["score", model, *places, *flags])
    names, engine = folder / "names", Slurm(settings)
    if not engine.going(folder):
        _list_names(names, places, zeros=given.zeros, quiet=given.quiet)
    count = max(1, min(engine.width, sum(1 for _ in _listed(names))))
    words = ["score", f"@{names}", "--null", "--model", model, *flags]
    shares = [
        [*share[:-1], "--shard", share[-1].partition("=")[2]] for share in shared(words, count)
    ]
    outcomes = engine.run(shares, folder)
    statuses = {one.status for one in outcomes}
    if statuses <= {SCORED, FAILED, BELOW}:
        rows, missing = settled(dataset, _listed(names))
        if missing:
            raise EngineError(
                f"{missing:,} videos have no row in {dataset}; logs: {folder}; rerun the command "
                "to score them"
            )
        names.unlink()
        say(f"written: {rows:,} rows in {dataset}")
        if FAILED in statuses:
            say("files failed; their rows say why", sys.stderr)
            return FAILED
        return BELOW if BELOW in statuses else SCORED
    check_ended(outcomes)
    return FAILED


def passed(given: argparse.Namespace, parser: argparse.ArgumentParser) -> list[str]:
    """Return the flags that are not at their defaults, as each task gets them."""
    words = []
    for action in parser._actions:
        value = getattr(given, action.dest, None)
        if not action.option_strings or action.dest in NOT_PASSED or value == action.default:
            continue
        flag = max(action.option_strings, key=len)
        if value is True:
            words.append(flag)
        else:
            for one in value if isinstance(value, list) else [value]:
                words += [flag, str(one)]
    return words


def _dataset(given: argparse.Namespace) -> str:
    """Return the folder or URL that the tasks write to.

    Raises:
        UsageError: The output is something else, or a further output or a shard is asked for.
    """
    if given.shard is not None:
        raise UsageError(f"--shard {given.shard}: expected no shard with --engine slurm")
    for name in ALONE:
        if getattr(given, name):
            raise UsageError(
                f"--{name}: expected only --output FOLDER/ with --engine slurm; write it "
                "afterwards by the same command without --engine, which reuses the rows"
            )
    if given.explain:
        raise UsageError(NO_REASONS)
    found = dataset_of(given.output)
    if found is None:
        raise UsageError(
            f"--output {given.output or '(none)'}: expected a folder or URL that ends in / with "
            "--engine slurm, such as --output scores/, because several tasks write to it"
        )
    return found


def _list_names(path: Path, places: Sequence[str], *, zeros: bool, quiet: bool) -> None:
    """Write what the places name, each name ended by NUL, for nobody else to read.

    Raises:
        FileNotFoundError: The places name no video at all.
    """
    search = Search(zeros=zeros, standard_input=0)
    found = NameList(search.named(places))
    remarks = search.remarks()
    if not found.files:
        raise nothing_found(found.causes, remarks)
    for remark in [] if quiet else remarks:
        say(remark, sys.stderr)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.touch(mode=0o600)
        with temporary.open("wb") as file:
            file.writelines(os.fsencode(one.path) + b"\0" for one in found)


def _listed(path: Path) -> Iterator[str]:
    """Yield the names of a list."""
    with path.open("rb") as file:
        yield from arriving(file.fileno(), b"\0")
