"""Work shared by processes: order, errors, and no process outlives its parent for long."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from math import sqrt
from pathlib import Path

import pytest

from tests.places import ROOT
from vqa.features.nss import worker_processes
from vqa.features.nss.worker_processes import MOST, in_order, processes


def test_results_keep_the_order_of_the_jobs():
    jobs = [(-number,) for number in range(20)]
    for workers in (1, 2):
        assert list(in_order(abs, iter(jobs), workers)) == list(range(20))


def test_one_worker_uses_this_process_and_several_use_others():
    assert set(in_order(os.getpid, [()] * 3, 1)) == {os.getpid()}
    others = {pid for _ in range(5) for pid in in_order(os.getpid, [()] * 12, 2)}
    assert os.getpid() not in others
    assert len(others) <= 2  # they serve later calls


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_of_jobs_and_work_are_raised_when_results_are_taken(workers):
    def jobs():
        yield (4.0,)
        raise LookupError("no more jobs")

    results = in_order(sqrt, jobs(), workers)
    with pytest.raises(LookupError, match="no more jobs"):
        list(results)
    with pytest.raises(ValueError, match=r"nonnegative|math domain"):
        list(in_order(sqrt, [(4.0,), (-1.0,)], workers))


@pytest.mark.parametrize("workers", [1, 2])
def test_few_jobs_are_started_ahead(workers):
    started = []

    def jobs():
        for number in range(12):
            started.append(number)
            yield (number,)

    for taken, _ in enumerate(in_order(abs, jobs(), workers), start=1):
        assert len(started) <= taken + workers


def test_a_killed_process_is_reported_and_the_next_call_starts_new_ones():
    with pytest.raises(ValueError, match=r"was killed.* features\.nss\.workers lower"):
        list(in_order(os._exit, [(1,), (1,)], 2))
    assert list(in_order(abs, [(-1,), (-2,)], 2)) == [1, 2]


@pytest.mark.parametrize("error", [OSError(38, "Function not implemented"), ImportError("none")])
def test_without_semaphores_this_process_does_the_work_and_says_so(monkeypatch, caplog, error):
    def refuse(count):
        raise error

    worker_processes._can_share.cache_clear()
    monkeypatch.setattr(multiprocessing, "Semaphore", refuse)
    try:
        assert list(in_order(os.getpid, [()] * 3, 2)) == [os.getpid()] * 3
        assert list(in_order(abs, [(-1,), (-2,)], 2)) == [1, 2]
    finally:
        worker_processes._can_share.cache_clear()
    [record] = caplog.records
    assert "let everybody write to /dev/shm" in record.getMessage()


def test_number_of_processes(monkeypatch):
    assert processes(3) == 3
    assert 1 <= processes(None) <= MOST
    monkeypatch.setattr(multiprocessing, "parent_process", multiprocessing.current_process)
    assert processes(3) == 3
    assert processes(None) == 1  # siblings use the other processors


def test_a_daemonic_process_may_have_none_and_works_alone():
    with multiprocessing.get_context("spawn").Pool(1) as pool:  # its processes are daemonic
        assert pool.apply(_pids_of_two_workers)


def _pids_of_two_workers():
    return set(in_order(os.getpid, [()] * 3, 2)) == {os.getpid()}


def runs(pid):
    """Return whether such a process runs, and not only its exit status is left."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
            != "Z"
        )
    except OSError:
        return False


@pytest.mark.slow
def test_processes_end_with_a_parent_that_was_killed():
    code = (
        "import os, time; from vqa.features.nss import worker_processes as work\n"
        "pids = set(work.in_order(os.getpid, [()] * 12, 2))\n"
        "print(*pids, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert pids
    deadline = time.monotonic() + 60
    while any(runs(pid) for pid in pids):
        assert time.monotonic() < deadline, "processes outlive their parent"
        time.sleep(0.2)
