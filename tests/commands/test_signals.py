"""SIGTERM and Ctrl-C at work: statuses, one line, no process left, and everything resumes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.commands.processes import Command, Program
from tests.fakes import graded_clips
from tests.places import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Own data of 25 clips."""
    return graded_clips(tmp_path_factory.mktemp("own"), count=25)


def words(verb, place, *overrides):
    return [
        verb, "data=csv", f"data.labels={place / 'labels.csv'}", "data.mos_range=[1,5]",
        "features=multiscale", "threads=1", *overrides,
    ]  # fmt: skip


def training(place, name, *more):
    """The command line of a training; what comes later wins."""
    given = words(
        "train", place, f"paths.cache={place / 'cache'}", "trainer.max_epochs=25",
        "loader.batch_size=4", "model.checkpoint_every=1", f"folder={place / name}", *more,
    )  # fmt: skip
    return list({word.partition("=")[0]: word for word in given}.values())


def begun(command, place, condition, seconds=120):
    """Wait until a command has begun its work."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        assert not command.ended(), (place / "log.txt").read_text()[-2000:]
        time.sleep(0.01)


def members(group):
    """The living processes of a process group, by their command lines."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(path.parent.name)
    return found


def stopped(command, place, number, to_all=False, twice=False):
    """Send a signal; check status and output, and that no process is left; returns the output."""
    log = place / "log.txt"
    for _ in range(1 + twice):
        (command.send_to_all if to_all else command.send)(number)
    assert command.wait(60) == 128 + number, log.read_text()[-2000:]
    text = log.read_text()
    log.unlink()
    name = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}[number]
    lines = [line for line in text.splitlines() if "error" in line.lower()]
    assert lines == [f"error: stopped by {name}; rerun the command to resume"], text[-2000:]
    assert "Traceback" not in text
    end = time.monotonic() + 15
    while (left := members(command.process.pid)) and time.monotonic() < end:
        time.sleep(0.05)
    assert left == []
    return text


LOST = """
import contextlib, os, signal, sys, time
from vqa.commands.process import exit_status

def work():
    with contextlib.closing(cleaned()) as one:
        next(one)
        time.sleep(60)

def cleaned():
    try:
        yield
    finally:
        time.sleep(0.5)  # longer than a lost exception is waited for
        print("cleaned", flush=True)

def job():
    with contextlib.suppress(BaseException):  # what a library does that loses the exception
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
    print("lost", flush=True)
    {then}

sys.exit(exit_status(job))
"""


@pytest.mark.parametrize(
    ("then", "printed"),
    [
        ("work()", ["lost", "cleaned"]),  # raised again, and the cleaning is not disturbed
        ("pass", ["lost"]),
        ("raise ValueError('of the signal')", ["lost"]),
    ],
)
def test_an_exception_that_a_library_lost_is_raised_again(then, printed):
    code = LOST.replace("{then}", then)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 143
    assert done.stdout.split() == printed
    assert done.stderr == "error: stopped by SIGTERM; rerun the command to resume\n"


@pytest.mark.parametrize(
    ("number", "to_all"),
    [
        (signal.SIGTERM, False),  # of a scheduler
        (signal.SIGINT, True),  # of a terminal
        pytest.param(signal.SIGTERM, True, marks=pytest.mark.exhaustive),
        pytest.param(signal.SIGINT, False, marks=pytest.mark.exhaustive),
    ],
)
def test_a_stopped_extraction_resumes(place, number, to_all, tmp_path):
    cache = tmp_path / "cache"
    arguments = words("extract", place, f"paths.cache={cache}")
    command = Command(arguments, tmp_path)
    begun(command, tmp_path, lambda: len(list(cache.rglob("*.safetensors"))) > 2)
    stopped(command, tmp_path, number, to_all, twice=to_all)
    assert len(list(cache.rglob("*.safetensors"))) < 25
    assert not list(cache.rglob("*.tmp"))
    assert Command(arguments, tmp_path).wait() == 0
    assert len(list(cache.rglob("*.safetensors"))) == 25
    assert "failed in" in (tmp_path / "log.txt").read_text()
    assert " 0 failed in" in (tmp_path / "log.txt").read_text().replace(", 0", " 0")


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.exhaustive)]
)
def test_a_stopped_training_resumes_to_the_same_end(place, number, tmp_path):
    whole = training(place, "whole")
    if not (place / "whole").is_dir():
        assert Command(whole, place).wait() == 0
        (place / "log.txt").unlink()
    name = f"stopped{number}"
    arguments = training(place, name)
    command = Command(arguments, tmp_path)
    begun(command, tmp_path, lambda: list((place / name).rglob("last.ckpt")))
    stopped(command, tmp_path, number)
    assert not (place / name / "results.json").exists()
    assert Command(arguments, tmp_path).wait() == 0
    for file in ("predictions.csv", "split0/history.csv"):
        assert (place / name / file).read_bytes() == (place / "whole" / file).read_bytes()


@pytest.mark.parametrize("to_all", [False, pytest.param(True, marks=pytest.mark.exhaustive)])
def test_loading_processes_end_too(place, to_all, tmp_path):
    name = f"loaded{to_all}"
    arguments = training(place, name, "loader.num_workers=2")
    command = Command(arguments, tmp_path)
    begun(command, tmp_path, lambda: list((place / name).rglob("last.ckpt")))
    stopped(command, tmp_path, signal.SIGTERM, to_all)


@pytest.mark.parametrize(
    ("number", "to_all"),
    [
        (signal.SIGTERM, False),
        pytest.param(signal.SIGTERM, True, marks=pytest.mark.exhaustive),
        pytest.param(signal.SIGINT, True, marks=pytest.mark.exhaustive),
    ],
)
def test_all_processes_of_a_training_end(place, number, to_all, tmp_path):
    name = f"ddp{number}{to_all}"
    arguments = training(
        place, name, "trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2",
        "trainer.max_epochs=400",
    )  # fmt: skip
    command = Program(arguments, tmp_path)
    begun(command, tmp_path, lambda: list((place / name).rglob("last.ckpt")))
    stopped(command, tmp_path, number, to_all)


def test_a_stopped_sweep_stops(place, tmp_path):
    arguments = training(
        place, "", "folder=null", f"paths.runs={tmp_path / 'runs'}", "trainer.max_epochs=2000",
        "-m", "seed=1,2",
    )  # fmt: skip
    command = Command(arguments, tmp_path)
    begun(command, tmp_path, lambda: list((tmp_path / "runs").rglob("last.ckpt")))
    stopped(command, tmp_path, signal.SIGINT)
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_scoring_doctor_and_cross_stop(place, tmp_path):
    run = place / "scored"
    assert Command(training(place, "scored", "trainer.max_epochs=1"), tmp_path).wait() == 0
    (tmp_path / "log.txt").unlink()
    cache = tmp_path / "cache"
    command = Command(["score", run, place / "videos", "--cache", cache], tmp_path)
    begun(command, tmp_path, lambda: list(cache.rglob("*.safetensors")))
    command.send(signal.SIGTERM)
    assert command.wait(60) == 143
    text = (tmp_path / "log.txt").read_text()
    assert text.splitlines()[-1].startswith("error: stopped by SIGTERM")
    assert "Traceback" not in text
    (tmp_path / "log.txt").unlink()

    output = tmp_path / "doctor.json"
    command = Command(
        ["doctor", "csv", "--labels", place / "labels.csv", "data.mos_range=[1,5]", "--decode",
         "--output", output], tmp_path,
    )  # fmt: skip
    begun(command, tmp_path, lambda: output.with_suffix(".journal.jsonl").is_file())
    stopped(command, tmp_path, signal.SIGTERM, to_all=True)
    assert 'error": "' not in output.with_suffix(".journal.jsonl").read_text()

    command = Command(
        ["cross", "train=[demo_coding]", "test=[demo_coding]", "+data.read.contents=4",
         "+data.read.versions=4", "+data.read.frames=8", "+data.read.size=[64,48]",
         "trainer.max_epochs=3000", f"output={tmp_path / 'matrix'}",
         *(f"paths.{name}={tmp_path / name}" for name in ("data", "cache", "runs"))], tmp_path,
    )  # fmt: skip
    begun(command, tmp_path, lambda: list((tmp_path / "runs").rglob("last.ckpt")))
    stopped(command, tmp_path, signal.SIGINT)


def test_the_finished_table_is_unharmed(place):
    """What the tests above left behind is whole: every table can be read."""
    for path in place.rglob("predictions.csv"):
        assert len(pd.read_csv(path))
    assert not [path for path in place.rglob(".*.tmp") if path.is_file()]
    assert os.access(place, os.W_OK)
