"""Commands in processes of their own, which start at once: they are forked from a server that has
imported what commands need, and can be killed like any other process."""

import multiprocessing
import os
import signal
import subprocess
import sys

from tests.places import ROOT

PRELOADED = [
    "torch", "pytorch_lightning", "vqa.cli", "vqa.commands.train", "vqa.commands.extract",
    "vqa.commands.cross", "vqa.commands.hydra_app", "vqa.training.learners.fitting", "hydra",
]  # fmt: skip
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(PRELOADED)


class Command:
    """A running command line of `vqa`, with what it prints at the end of `<place>/log.txt`."""

    def __init__(self, words, place):
        words = [str(word) for word in words]
        self.process = SERVER.Process(target=_run, args=(words, str(place)))
        self.process.start()

    def ended(self):
        """Whether it has ended."""
        return self.process.exitcode is not None

    def send(self, number):
        """Send it a signal, alone."""
        os.kill(self.process.pid, number)

    def send_to_all(self, number):
        """Send a signal to it and the processes that it started, as a terminal does."""
        os.killpg(self.process.pid, number)

    def kill(self):
        """Kill it and the processes that it started, with SIGKILL."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:  # it has no group of its own yet, or has just ended
            self.process.kill()
        self.process.join()

    def wait(self, timeout_s=900):
        """Return the exit status."""
        self.process.join(timeout_s)
        return self.process.exitcode


class Program(Command):
    """A command that starts processes with its own command line, which a forked one cannot."""

    def __init__(self, words, place):
        with (place / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "vqa", *map(str, words)], cwd=ROOT, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def ended(self):
        return self.process.poll() is not None

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def wait(self, timeout_s=900):
        return self.process.wait(timeout_s)


def _run(words, place):
    os.setsid()  # a process group of its own
    os.chdir(place)
    log = os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    from vqa.cli import main

    sys.exit(main(words))
