"""Shortened lists of names."""

import pytest

from vqa.databases.listing import some


@pytest.mark.parametrize(
    ("count", "most", "text"),
    [
        (0, 3, ""), (1, 3, "a"), (3, 3, "a, b, c"), (4, 3, "a, b, c and 1 more"),
        (26, 2, "a, b and 24 more"),
    ],
)  # fmt: skip
def test_further_names_are_counted(count, most, text):
    assert some("abcdefghijklmnopqrstuvwxyz"[:count], most) == text
