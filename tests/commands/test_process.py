"""How a command ends: one line and an exit status for errors, signals and closed pipes."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from tests.places import ROOT
from vqa.commands import signals
from vqa.commands.configuration import UsageError
from vqa.commands.process import exit_status
from vqa.files import write_csv, write_json
from vqa.runs import RunError
from vqa.video import VideoError


@pytest.fixture(autouse=True)
def handlers():
    """The handlers of this process, which a job that was stopped does not put back."""
    before = {number: signal.getsignal(number) for number in signals.SIGNALS}
    yield before
    for number, handler in before.items():
        signal.signal(number, handler)


def ended(error, capsys):
    """The exit status and the one line for an error."""

    def job():
        raise error

    status = exit_status(job)
    text = capsys.readouterr().err
    assert text.startswith("error: ")
    assert text.count("\n") == 1
    return status, text


@pytest.mark.parametrize(
    ("number", "status", "remedy"),
    [
        (errno.ENOSPC, 1, "free some space"), (errno.EDQUOT, 1, "quota"),
        (errno.EROFS, 1, "choose another folder"), (errno.EACCES, 1, "permissions"),
        (errno.EIO, 1, "check the disk"), (errno.EMFILE, 1, "ulimit"),
        (errno.ENOENT, 2, "correct the path"), (errno.ENOTDIR, 2, "is a file"),
        (errno.EISDIR, 2, "expected a file"), (errno.ENAMETOOLONG, 2, "shorten"),
    ],
)  # fmt: skip
def test_errors_of_the_system_name_path_and_remedy(number, status, remedy, capsys):
    error = OSError(number, os.strerror(number), "/data/cache/x")
    found, text = ended(error, capsys)
    assert found == status
    assert text.startswith(f"error: /data/cache/x: {os.strerror(number).lower()}; ")
    assert remedy in text


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (MemoryError(), 1, "the memory is full; .*batch_size"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
         1, "the memory is full"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried\nto allocate"), 1, "memory of the GPU"),
        (UsageError("a=b: expected c"), 2, "a=b: expected c"),
        (RunError("x is no run"), 2, "x is no run"),
        (VideoError("a.mp4", "cut\nshort"), 1, "cut short"),
        (FileNotFoundError("no such run; give one"), 2, "no such run"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "no space left on device; free"),
    ],
)  # fmt: skip
def test_errors_that_a_user_can_fix_are_one_line(error, status, words, capsys):
    found, text = ended(error, capsys)
    assert found == status
    assert __import__("re").search(words, text)


@pytest.mark.parametrize("error", [KeyError("x"), RuntimeError("odd"), TypeError("x")])
def test_other_errors_keep_their_traceback(error, capsys):
    with pytest.raises(type(error)):
        ended(error, capsys)


def test_all_errors_keep_it_on_request(monkeypatch, capsys):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(UsageError):
        ended(UsageError("x"), capsys)


def test_a_full_disk_names_the_file_that_did_not_fit(tmp_path, monkeypatch, capsys):
    if not os.path.exists("/dev/full"):  # noqa: PTH110
        pytest.skip("no /dev/full on this system")

    def to_full(path, *args, **options):
        return open("/dev/full", *args, **options)  # noqa: PTH123

    monkeypatch.setattr("pathlib.Path.open", to_full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_csv(tmp_path / "scores.csv", ["a"], [["x" * 100_000]])
    monkeypatch.undo()
    status, text = ended(caught.value, capsys)
    assert status == 1
    assert str(tmp_path / "scores.csv") in text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_ends_a_job_with_its_status_and_one_line(number, capsys):
    cleaned = []

    def job():
        try:
            os.kill(os.getpid(), number)
            time.sleep(5)
        finally:
            cleaned.append(True)

    assert exit_status(job) == {signal.SIGINT: 130}.get(number, 143)
    name = {signal.SIGINT: "Ctrl-C"}.get(number, number.name)
    text = f"error: stopped by {name}; rerun the command to resume\n"
    assert capsys.readouterr().err == text
    assert cleaned


def test_without_a_signal_the_handlers_are_put_back(handlers):
    assert exit_status(lambda: signal.getsignal(signal.SIGTERM) == handlers[signal.SIGTERM]) == 0
    assert signal.getsignal(signal.SIGTERM) == handlers[signal.SIGTERM]
    assert signal.getsignal(signal.SIGINT) == handlers[signal.SIGINT]


def test_what_a_signal_causes_is_not_reported_in_its_place(capsys):
    def job():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        finally:
            raise ValueError("a child has gone")

    assert exit_status(job) == 143
    assert capsys.readouterr().err.startswith("error: stopped by SIGTERM")


def test_an_interrupt_that_a_library_raises_counts_as_ctrl_c(capsys):
    assert ended(KeyboardInterrupt(), capsys)[0] == 130


def test_other_processes_of_a_training_end_silently(monkeypatch, capsys):
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert exit_status(lambda: os.kill(os.getpid(), signal.SIGTERM)) == 0
    assert capsys.readouterr().err == ""


def script(code, **options):
    """A new process with a job in it."""
    head = "import os, signal, sys, time; from vqa.commands.process import exit_status\n"
    # A signal just before a sleep waits for its end.
    head += "def sleep():\n    for _ in range(600): time.sleep(0.1)\n"
    return subprocess.Popen(
        [sys.executable, "-c", head + code], cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def test_a_second_signal_ends_a_stuck_process():
    code = """
def job():
    try:
        print("ready", flush=True); sleep()
    finally:
        print("cleaning", flush=True); sleep()
sys.exit(exit_status(job))
"""
    process = script(code)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "cleaning\n"
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == "error: stopped by Ctrl-C; rerun the command to resume\n"


def test_a_second_signal_does_not_disturb_the_end():
    code = """
import atexit
def last():
    print("last", flush=True); sleep()
atexit.register(last)
sys.exit(exit_status(lambda: os.kill(os.getpid(), signal.SIGINT)))
"""
    process = script(code)
    assert process.stdout.readline() == "last\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == "error: stopped by Ctrl-C; rerun the command to resume\n"


def test_children_do_not_inherit_the_handling():
    code = """
def job():
    if child := os.fork():
        os.kill(child, signal.SIGINT); time.sleep(0.2); os.kill(child, signal.SIGTERM)
        return os.WTERMSIG(os.waitpid(child, 0)[1])
    time.sleep(60)
sys.exit(exit_status(job))
"""
    process = script(code)
    assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == signal.SIGTERM


def test_a_job_in_the_background_still_ignores_ctrl_c():
    code = """
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.exit(exit_status(lambda: os.kill(os.getpid(), signal.SIGINT)))
"""
    process = script(code)
    assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 0


def test_a_reader_that_has_gone_is_no_error():
    code = "sys.exit(exit_status(lambda: [print('x' * 99) for _ in range(10**5)] and 0))"
    process = script(code)
    process.stdout.read(10)
    process.stdout.close()
    with process.stderr as errors:
        assert errors.read() == ""
    assert process.wait(30) == 141


def test_output_to_a_full_disk_is_an_error():
    if not os.path.exists("/dev/full"):  # noqa: PTH110
        pytest.skip("no /dev/full on this system")
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-c", "import sys; from vqa.commands.process import exit_status\n"
             "sys.exit(exit_status(lambda: print('x')))"],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    assert "error: no space left on device" in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_names_of_any_bytes_are_printed_in_any_locale(encoding):
    code = "sys.exit(exit_status(lambda: print('\\u4e2d', os.fsdecode(b'caf\\xe9'))))"
    process = script(code, env={**os.environ, "PYTHONIOENCODING": encoding})
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert "caf\\udce9" in out


def test_json_and_csv_of_such_names_are_utf_8(tmp_path):
    name = os.fsdecode(b"caf\xe9.mp4")
    write_json(tmp_path / "a.json", {name: name})
    assert "caf\\\\xe9" in (tmp_path / "a.json").read_text(encoding="utf-8")
