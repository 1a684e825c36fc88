"""The journal of a scoring job: rows as they finish, kills, reruns, full disks, other jobs."""

import json
import os
import resource
import signal
import subprocess
import sys

import pytest

from tests.commands.scoring.scores import SCORES
from tests.places import ROOT
from vqa.commands.scoring.journal import Journal, Row
from vqa.files import content_hash


def entry(path, error=""):
    """A row of a file that is there."""
    source = "" if error else content_hash(path)
    return Row(str(path), {"video": str(path), "error": error, "source": source})


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def place(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_text(name)
    return tmp_path


def test_each_row_is_on_disk_when_it_is_added(tmp_path):
    journal = Journal(tmp_path / "new" / "s.csv.partial", "job")
    for count, score in enumerate(SCORES, 1):
        journal.add(Row(score.video, score.entry()))
        assert len(lines(journal.path)) == count
    assert journal.count == 2  # of three rows, one failed
    journal.close(done=False)
    assert lines(journal.path)[0] == {"job": "job", "path": "a.mp4", "entry": SCORES[0].entry()}


def test_rows_are_reused_if_job_and_content_are_the_same(place):
    journal = Journal(place / "p", "job")
    for name, error in (("a.mp4", ""), ("b.mp4", "bad")):
        journal.add(entry(place / name, error))
    journal.close(done=False)
    same, other = place / "a.mp4", place / "b.mp4"

    again = Journal(place / "p", "job")
    found = again.reusable(str(same))
    assert list(again.rows([found])) == [entry(same)]
    assert again.reusable(str(other)) is None  # it failed, so it is tried again
    assert again.reusable(str(place / "c.mp4")) is None
    stamp = same.stat()
    same.write_text("A.mp4")
    os.utime(same, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert again.reusable(str(same)) is None
    same.unlink()
    assert again.reusable(str(same)) is None
    again.close(done=False)


def test_rows_of_another_job_are_kept_for_that(place):
    path = str(place / "a.mp4")
    for job, known in (("one", False), ("two", False), ("one", True), ("two", True)):
        journal = Journal(place / "p", job)
        assert (journal.reusable(path) is not None) == known
        if not known:
            journal.add(entry(path))
        journal.close(done=False)
    assert len(lines(place / "p")) == 2


@pytest.mark.parametrize("torn", [b'{"job": "job", "entry": {"vi', b"{", b'"\n', b"\x00\x00\n"])
def test_what_is_torn_is_dropped_and_does_not_reach_the_next_row(place, torn):
    journal = Journal(place / "p", "job")
    journal.add(entry(place / "a.mp4"))
    journal.close(done=False)
    (place / "p").write_bytes((place / "p").read_bytes() + torn)
    journal = Journal(place / "p", "job")
    assert journal.reusable(str(place / "a.mp4")) == 0
    added = journal.add(entry(place / "b.mp4"))
    assert [row.path for row in journal.rows([added, 0])] == [
        str(place / "b.mp4"), str(place / "a.mp4"),
    ]  # fmt: skip
    journal.close(done=False)
    journal = Journal(place / "p", "job")
    assert journal.reusable(str(place / "b.mp4")) == added
    journal.close(done=False)


def test_kill_9_in_the_middle_of_rows(tmp_path):
    """Rows of a real process that is killed are whole."""
    program = (
        "import itertools, sys\n"
        "from vqa.commands.scoring.journal import Journal, Row\n"
        "journal = Journal(__import__('pathlib').Path(sys.argv[1]), 'job')\n"
        "for i in itertools.count():\n"
        "    entry = {'video': f'{i}', 'error': '', 'source': '', 'times_s': [0.04] * 500}\n"
        "    journal.add(Row(f'{i}', entry))\n"
        "    print(i, flush=True)\n"
    )
    job = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / "p"], cwd=ROOT, stdout=subprocess.PIPE
    )
    while b"20" not in (line := job.stdout.readline()):
        assert line, "the job has ended"
    job.send_signal(signal.SIGKILL)
    job.wait()
    job.stdout.close()
    Journal(tmp_path / "p", "job").close(done=False)
    rows = lines(tmp_path / "p")
    assert [row["path"] for row in rows] == [str(i) for i in range(len(rows))]
    assert len(rows) > 20


def test_a_full_disk_is_one_line_and_keeps_the_rows(place):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    journal = Journal(place / "s.jsonl.partial", "job")
    journal.add(entry(place / "a.mp4"))
    size = journal.path.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, before[1]))
    try:
        with pytest.raises(OSError, match=r"rows so far are kept.*s\.jsonl\.partial"):
            journal.add(entry(place / "b.mp4"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    journal.close(done=False)
    assert journal.path.stat().st_size == size + 50
    again = Journal(journal.path, "job")
    assert again.reusable(str(place / "a.mp4")) == 0
    again.close(done=False)
    assert len(lines(journal.path)) == 1


def test_two_jobs_do_not_share_a_journal(place):
    journal = Journal(place / "s.csv.partial", "job")
    with pytest.raises(ValueError, match=r"output=.*s\.csv: another job is writing"):
        Journal(place / "s.csv.partial", "job")
    journal.close(done=False)
    Journal(place / "s.csv.partial", "job").close(done=False)


@pytest.mark.parametrize(("errors", "left"), [((), False), (("bad",), False), (("bad", ""), True)])
def test_a_job_without_a_score_leaves_nothing(place, errors, left):
    journal = Journal(place / "p", "job")
    for error in errors:
        journal.add(entry(place / "a.mp4", error))
    journal.close(done=False)
    assert (place / "p").exists() == left


def test_names_of_any_bytes_come_back(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9\n.mp4")
    path.write_text("x")
    journal = Journal(tmp_path / "p", "job")
    place = journal.add(Row(str(path), {"video": "caf\\xe9", "error": "", "source": ""}))
    ((found, _),) = journal.rows([place])
    assert found == str(path)
    journal.close(done=True)
    assert not (tmp_path / "p").exists()
