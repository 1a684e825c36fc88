"""The process behind the decoder."""

import os
import signal
import subprocess
import sys

import pytest

from vqa.video.decoding_process import READY, DecodingProcess


def test_the_child_stays_light():
    """The child imports neither torch nor the parent's main script."""
    heavy = "{'torch', 'decord'}"
    code = f"import sys, vqa.video.decoding_process; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_processes_does_not_end_a_child_that_starts(number, capfd):
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    child = DecodingProcess()
    os.kill(child.process.pid, number)  # it still imports
    assert child.connection.recv() == READY
    os.kill(child.process.pid, number)
    assert child.process.poll() is None
    child.end()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask
    assert not capfd.readouterr().err
