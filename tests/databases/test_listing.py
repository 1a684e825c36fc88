"""Shortened lists of names."""

import pytest

from vqa.databases.listing import one_line, some


@pytest.mark.parametrize(
    ("count", "most", "text"),
    [
        (0, 3, ""), (1, 3, "a"), (3, 3, "a, b, c"), (4, 3, "a, b, c and 1 more"),
        (26, 2, "a, b and 24 more"),
    ],
)  # fmt: skip
def test_further_names_are_counted(count, most, text):
    assert some("abcdefghijklmnopqrstuvwxyz"[:count], most) == text


def test_a_name_keeps_a_message_in_one_line():
    assert one_line("a\r\nb\x00质") == "a\\r\\nb\\x00质"
    long = one_line("/folder/" * 100 + "clip.mp4")
    assert len(long) == 200
    assert long.endswith("/clip.mp4")
