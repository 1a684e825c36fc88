"""Shares of a command line, and what is said of those that failed."""

import signal
import subprocess
import sys

import pytest

from vqa.commands.engines.share import PARENT
from vqa.commands.engines.shares import (
    EngineError,
    Outcome,
    check_ended,
    last_lines,
    shared,
    stage_folder,
)

WORDS = ["train", "model=vsfa", "engine=slurm", "+engine.options.account=x", "fresh=true"]


def test_shares_are_the_command_without_its_engine():
    assert shared(WORDS, 2) == [
        ["train", "model=vsfa", "shard=1/2"],
        ["train", "model=vsfa", "shard=2/2"],
    ]


def test_the_folder_of_a_stage_is_the_same_however_it_is_shared(tmp_path):
    folder = stage_folder(tmp_path, WORDS)
    assert folder.name.startswith("vqa-train-")
    assert folder == stage_folder(tmp_path, [*WORDS, "engine.array=7"])
    assert folder != stage_folder(tmp_path, [*WORDS, "seed=1"])


def test_the_last_lines_of_failed_tasks_are_shown(tmp_path, capsys):
    log = tmp_path / "log.out"
    lines = ["submitit INFO (2026) - Starting", "skipped a.mp4: damaged"]
    lines += ["fit:   0%\rfit: 100%", "error: no space left on device", "srun: error: node3"]
    log.write_text("\n".join(lines), encoding="utf-8")
    assert last_lines(log, 2) == ["fit: 100%", "error: no space left on device"]
    check_ended([Outcome(0), Outcome(0)])
    with pytest.raises(EngineError, match="5 of 6 tasks failed"):
        check_ended([Outcome(0), Outcome(1, log), *[Outcome(None, None, "never started")] * 4])
    printed = capsys.readouterr().err
    assert f"error: task 2 of 6 ended with status 1; log: {log}" in printed
    assert "  error: no space left on device" in printed
    assert "error: task 4 of 6 never started" in printed
    assert "error: 2 more tasks failed: 5, 6" in printed


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a service of Linux")
def test_a_share_ends_with_the_process_that_started_it():
    code = (
        "import sys, time; from vqa.commands.engines.share import end_with_parent as end;"
        "end(); print('ready', flush=True); time.sleep(60)"
    )
    starter = (
        "import os, subprocess, sys, time;"
        f"os.environ['{PARENT}'] = str(os.getpid());"
        f"child = subprocess.Popen([sys.executable, '-c', {code!r}]);"
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"ready\n"
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert parent.stdout.read() == b""  # the pipe closes when the child has ended, too
    parent.stdout.close()
