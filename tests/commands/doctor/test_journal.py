"""The journal: what was written is known, whatever else is in the file."""

import random
import subprocess
import sys

import pytest

from tests.places import ROOT
from vqa.commands.doctor.journal import Journal


def written(path, count):
    with Journal(path) as journal:
        for number in range(count):
            journal.append(
                f"file {number}", {"facts": {"frames": number, "rate": 1 / (number + 1)}}
            )
    return path


def known(path):
    with Journal(path) as journal:
        return journal.known


def test_the_last_entry_of_a_file_counts(tmp_path):
    path = written(tmp_path / "deep" / "j.jsonl", 2)
    with Journal(path) as journal:
        journal.append("file 1", {"facts": None})
        journal.append("caf\udce9\n", {"facts": 3})
    assert known(path) == {
        "file 0": {"file": "file 0", "facts": {"frames": 0, "rate": 1.0}},
        "file 1": {"file": "file 1", "facts": None},
        "caf\udce9\n": {"file": "caf\udce9\n", "facts": 3},
    }
    with Journal(path, fresh=True) as journal:
        assert journal.known == {}
    assert path.read_bytes() == b""


def test_no_changed_byte_changes_what_is_known(tmp_path):
    path = written(tmp_path / "j.jsonl", 3)
    data, whole = path.read_bytes(), known(path)
    rng = random.Random(0)
    for _ in range(300):
        changed = bytearray(data)
        for _ in range(rng.choice((1, 1, 5))):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        path.write_bytes(changed)
        found = known(path)
        assert found.items() <= whole.items()
        assert len(found) >= len(whole) - 5


def test_two_processes_at_a_time(tmp_path):
    path = tmp_path / "j.jsonl"
    code = """
import sys
from vqa.commands.doctor.journal import Journal
with Journal(sys.argv[1]) as journal:
    print(flush=True)
    sys.stdin.readline()
    for number in range(200):
        journal.append(f"{sys.argv[2]} {number}", {"facts": "x" * 3000})
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path), name],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for name in "ab"
    ]  # fmt: skip
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.communicate(b"\n")
    assert [process.returncode for process in processes] == [0, 0]
    assert set(known(path)) == {f"{name} {number}" for name in "ab" for number in range(200)}


def test_places_that_cannot_be_used(tmp_path):
    (tmp_path / "file").touch()
    for place, cause in (
        (tmp_path, "not a regular file"),
        (tmp_path / "file" / "j.jsonl", "Not a directory|File exists"),
        (tmp_path / ("x" * 300), "File name too long"),
    ):
        with pytest.raises(ValueError, match=rf"journal .* cannot be used \(({cause})\); choose"):
            Journal(place)
