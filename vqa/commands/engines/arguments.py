"""The flags of engines, for verbs with plain flags; imports nothing heavy."""

import argparse
from typing import Any

from vqa.commands.engines.settings import LOCAL, NAMES, RAY, RULES, SLURM, TAKEN, EngineSettings
from vqa.commands.rules import flag

# From a setting of engines to its flag; --workers is a flag of the verb itself.
FLAGS = {
    "array": "--array",
    "partition": "--partition",
    "gpus": "--gpus",
    "cpus": "--cpus",
    "memory_gb": "--memory",
    "time_min": "--time",
    "options": "--sbatch",
    "cluster": "--cluster",
    "address": "--address",
}


def add(group: argparse._ArgumentGroup) -> None:
    """Add the flags; those that are not given are None."""
    group.add_argument(
        "--engine", choices=NAMES, default=LOCAL,
        help="ray: workers on a Ray cluster (vqa[ray]); slurm: a job array (vqa[slurm]) "
        "(default: local, this machine)",
    )  # fmt: skip
    _add(group, "array", int, "N", "slurm: tasks of the job array (default: 1)")
    _add(group, "partition", str, "NAME", "slurm: where they run (default: the cluster's)")
    _add(group, "gpus", float, "N", "GPUs of each task or worker; ray: 0.5 shares one (default: 0)")
    _add(group, "cpus", int, "N", "cores of each task or worker")
    _add(group, "memory_gb", float, "GB", "memory of each task or worker")
    _add(group, "time_min", int, "MINUTES", "slurm: time limit of each task (default: 240)")
    group.add_argument(
        FLAGS["options"], action="append", type=_option, metavar="KEY=VALUE", dest="options",
        help="slurm: a further option of sbatch, such as account=vision",
    )  # fmt: skip
    group.add_argument(
        FLAGS["cluster"],
        choices=(SLURM, LOCAL),
        help="slurm: local runs the tasks on this machine, to try a command",
    )
    _add(
        group, "address", str, "ADDRESS",
        "ray: auto (a running cluster, else a new one here), local (a new one here) or "
        "ray://host:10001 (default: auto)",
    )  # fmt: skip


def settings_of(given: argparse.Namespace) -> EngineSettings:
    """Return the settings that the flags describe.

    Raises:
        ValueError: A flag that the engine does not take, or values that contradict each other.
    """
    told: dict[str, Any] = {}
    for key, name in FLAGS.items():
        value = getattr(given, key)
        if value is None:
            continue
        if key not in TAKEN[given.engine]:
            engines = " or ".join(f"--engine {one}" for one in (RAY, SLURM) if key in TAKEN[one])
            raise ValueError(f"{name} goes with {engines}, found --engine {given.engine}")
        told[key] = dict(value) if key == "options" else value
    if given.engine == RAY and given.workers is not None:
        told["workers"] = given.workers
    return EngineSettings(name=given.engine, **told)


def _add(group: argparse._ArgumentGroup, key: str, kind: Any, shown: str, text: str) -> None:
    group.add_argument(FLAGS[key], type=flag(RULES[key], kind), metavar=shown, dest=key, help=text)


def _option(word: str) -> tuple[str, str]:
    key, equals, value = word.lstrip("-").partition("=")
    if not (key and equals and value):
        raise argparse.ArgumentTypeError(
            f"expected KEY=VALUE, such as account=vision, found {word}"
        )
    return key, value
