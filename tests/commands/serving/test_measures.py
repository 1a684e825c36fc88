"""The memory of workers, with the processes that they start."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("prometheus_client")

from vqa.commands.serving.measures import resident_bytes, with_helpers

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_helpers_of_helpers_count():
    code = (
        "import subprocess, sys; one = subprocess.Popen([sys.executable, '-c', 'input()']); "
        "print(one.pid, flush=True); one.wait()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as process:
        helper = int(process.stdout.readline())
        assert with_helpers([process.pid]) == {process.pid, helper}
        assert {process.pid, helper} < with_helpers([os.getpid()])
        assert resident_bytes(helper) > 10**6
        process.stdin.write("\n")
    assert resident_bytes(helper) == 0
