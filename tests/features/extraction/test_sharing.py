"""One iterable for several threads."""

import threading

import pytest

from vqa.features.extraction.sharing import shared


def collected(readers, items):
    """What each reader gets, or the error that it meets."""
    found = {}

    def read(number, share):
        try:
            found[number] = list(share)
        except ValueError as error:
            found[number] = str(error)

    threads = [
        threading.Thread(target=read, args=pair) for pair in enumerate(shared(items, readers))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return [found[number] for number in range(readers)]


@pytest.mark.parametrize("readers", [1, 2, 5])
def test_every_reader_gets_all_items_in_order(readers):
    assert collected(readers, iter(range(500))) == [list(range(500))] * readers
    assert collected(readers, []) == [[]] * readers


def test_every_reader_meets_the_error():
    def broken():
        yield 1
        raise ValueError("no more")

    assert collected(3, broken()) == ["no more"] * 3


def test_a_reader_that_waits_does_not_hold_the_others_up():
    arrived, more = threading.Event(), threading.Event()

    def items():
        yield 1
        arrived.set()
        more.wait(10)
        yield 2

    first, second = map(iter, shared(items(), 2))
    assert next(first) == 1
    waiting = threading.Thread(target=lambda: next(first))
    waiting.start()
    assert arrived.wait(10)
    assert next(second) == 1  # while the first one waits for the next item
    more.set()
    assert next(second) == 2
    waiting.join(10)
