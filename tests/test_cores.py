"""BLAS has one thread where it should, whichever of its libraries are loaded."""

import sys
import types

import numpy as np
import scipy.linalg
import threadpoolctl
from threadpoolctl import threadpool_limits

from vqa.cores import one_blas_thread

LOADED = (np, scipy.linalg)  # each has a BLAS of its own


def threads():
    found = threadpoolctl.threadpool_info()
    return {one["filepath"]: one["num_threads"] for one in found if one["user_api"] == "blas"}


def test_every_blas_has_one_thread_and_its_own_number_afterwards():
    with threadpool_limits(2, user_api="blas"):
        before = threads()
        assert before
        with one_blas_thread():
            assert {*threads().values()} == {1}
            with one_blas_thread():
                assert {*threads().values()} == {1}
            assert {*threads().values()} == {1}
        assert threads() == before


def test_libraries_are_looked_for_again_only_after_an_import(monkeypatch):
    looks = []

    class Counted(threadpoolctl.ThreadpoolController):
        def __init__(self):
            looks.append(1)
            super().__init__()

    monkeypatch.setattr(threadpoolctl, "ThreadpoolController", Counted)
    monkeypatch.setitem(sys.modules, "imported_now", types.ModuleType("imported_now"))
    for _ in range(3):
        with one_blas_thread():
            pass
    assert len(looks) == 1
    monkeypatch.setitem(sys.modules, "imported_later", types.ModuleType("imported_later"))
    with one_blas_thread():
        pass
    assert len(looks) == 2
