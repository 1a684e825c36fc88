"""Flags that several verbs share: which model, and how it scores; imports nothing heavy."""

import argparse

from vqa.commands.rules import above, flag

Flags = argparse.ArgumentParser | argparse._ArgumentGroup


def add_weights(flags: Flags) -> None:
    """Add the weights of a published model."""
    flags.add_argument("--weights", metavar="FILE", help="weights that the authors published")
    flags.add_argument(
        "--backbone-weights", metavar="FILE", help="weights of its backbone (default: by name)"
    )


def check_weights(given: argparse.Namespace) -> None:
    """Refuse weights of a backbone alone.

    Raises:
        UsageError: They are given without those of the model.
    """
    from vqa.commands.configuration import UsageError

    if given.backbone_weights is not None and given.weights is None:
        raise UsageError("--backbone-weights goes with --weights; give both")


def add_interval(flags: Flags) -> None:
    """Add the probability of the intervals."""
    flags.add_argument(
        "--interval", type=flag(above(0, 0.999), float), default=0.9, metavar="LEVEL",
        help="probability of the intervals (default: 0.9)",
    )  # fmt: skip


def add_device(flags: Flags) -> None:
    """Add where to compute."""
    flags.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))


def add_damaged(flags: Flags) -> None:
    """Add what becomes of damaged videos."""
    flags.add_argument(
        "--damaged", default="refuse", choices=("refuse", "score"),
        help="score: damaged videos get a score from their good frames, with a note",
    )  # fmt: skip


def add_trust(flags: Flags) -> None:
    """Add the packages that a run's configuration may use."""
    flags.add_argument(
        "--trust", action="append", default=[], metavar="PACKAGE",
        help="let the run's configuration use this package of yours",
    )  # fmt: skip
