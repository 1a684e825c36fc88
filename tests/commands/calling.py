"""Run commands in this process, as their command lines would."""

import io
from contextlib import redirect_stderr

from hydra.core.global_hydra import GlobalHydra

from tests.places import CONF
from vqa.cli import main
from vqa.commands import configuration
from vqa.commands.experiment import Experiment


class Failed(Exception):
    """A command with another exit status than 0; the text is what it printed on standard error."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def call(verb, place, *overrides):
    """Run a verb with databases, cache and runs below `place`; later overrides win.

    Raises:
        Failed: The exit status is not 0.
    """
    kinds = ("data", "cache", "runs") if verb in ("train", "cross") else ("data", "cache")
    defaults = [f"paths.{kind}={place / kind}" for kind in kinds]
    wanted = {word.partition("=")[0].lstrip("+"): word for word in [*defaults, *overrides]}
    run(verb, *wanted.values())


def run(*words):
    """Run a command line.

    Raises:
        Failed: The exit status is not 0.
    """
    errors = io.StringIO()
    with redirect_stderr(errors):
        try:
            status = main([str(word) for word in words])
        except SystemExit as stop:  # of argparse
            status = stop.code or 0
    if status:
        raise Failed(status, errors.getvalue())


def composed(verb, *overrides):
    """The experiment that these overrides of a verb describe."""
    assert not GlobalHydra.instance().is_initialized()
    assert configuration.conf_folder() == CONF
    return Experiment.composed(configuration.compose(verb, list(overrides)))
