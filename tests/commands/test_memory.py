import subprocess
import sys

import pytest

from vqa.commands import memory

# Faults of the second of two blocks of 128 MiB, each written whole and freed.
PROGRAM = """
import resource
import numpy as np
from vqa.commands.memory import keep_freed_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

print(keep_freed_memory())
for _ in range(2):
    before = faults()
    block = np.empty(2**27, np.uint8)
    block[:] = 1
    del block
    spent = faults() - before
print(spent)
"""


def run(**environment):
    path = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True, text=True, encoding="utf-8", check=True, env=path | environment,
    )  # fmt: skip
    kept, faults = done.stdout.split()
    return kept == "True", int(faults)


def test_a_second_block_needs_no_new_pages():
    kept, faults = run()
    if not kept:
        pytest.skip("the C library is not glibc")
    assert faults < 10


def test_settings_of_the_environment_stay():
    kept, faults = run(MALLOC_MMAP_THRESHOLD_="1048576")
    assert not kept
    assert faults > 60  # also with pages of 2 MiB


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    for name in ("GLIBC_TUNABLES", "MALLOC_ARENA_MAX"):
        monkeypatch.delenv(name, raising=False)
    assert memory.keep_freed_memory() is False
