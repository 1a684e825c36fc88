"""Names of a job: any bytes come back, and results keep their order."""

import os
import threading
from pathlib import Path

import pytest

from vqa.commands.scoring import names
from vqa.commands.scoring.names import NameList, ahead
from vqa.databases.unrated import Named


def test_names_come_back_whatever_they_are():
    """More than a block of them, with odd bytes, and causes."""
    named = [Named(Path(f"/v/{'x' * (number % 90)}{number}.mp4")) for number in range(2000)]
    named += [Named(Path(os.fsdecode(b"/v/caf\xe9\n.mp4"))), Named(Path("/v/gone"), "no such file")]
    found = NameList(named)
    assert (len(found), found.files, found.causes) == (2002, 2001, [])
    assert list(found) == named
    assert list(found) == named


def test_causes_are_kept_while_there_is_no_file():
    found = NameList([Named(Path("/a"), "one"), Named(Path("/b"), "two")])
    assert (found.files, found.causes) == (0, ["one", "two"])


def test_results_keep_their_order_and_a_bounded_number_is_begun():
    begun, gate = [], threading.Event()

    def slow(number):
        if number == 0:
            gate.wait(10)
        return number

    def counting():
        for number in range(500):
            begun.append(number)
            yield number

    results = ahead(slow, counting())
    threading.Timer(0.05, gate.set).start()
    assert next(results) == 0
    assert len(begun) <= names.AHEAD
    assert list(results) == list(range(1, 500))


def test_an_error_arrives_and_closing_ends_the_threads():
    def broken(number):
        if number == 3:
            raise OSError("gone")
        return number

    results = ahead(broken, range(10))
    with pytest.raises(OSError, match="gone"):
        list(results)
    before = threading.active_count()
    results = ahead(str, range(1000))
    next(results)
    results.close()
    assert threading.active_count() == before
