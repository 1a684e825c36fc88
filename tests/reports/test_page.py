"""Shared by all pages: colours with contrast, words and numbers."""

import itertools
import re
from importlib import resources

import pytest

from vqa.evaluation.metrics import METRICS, cards
from vqa.reports import words

CSS = resources.files("vqa.reports").joinpath("templates/page.css").read_text("utf-8")


def variables(text):
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", text))


LIGHT = variables(CSS[: CSS.index("prefers-color-scheme: dark")])
DARK = LIGHT | variables(CSS[CSS.index("prefers-color-scheme: dark") : CSS.index("* { box-sizing")])


def contrast(a, b):
    """WCAG 2 contrast of two colours."""

    def luminance(colour):
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted([luminance(a), luminance(b)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_letters_and_marks_have_contrast(palette):
    letters = itertools.product(("ink", "muted", "blue"), ("paper", "card"))
    letters = [*letters, ("red", "card"), ("ink", "note"), ("ink", "good"), ("ink", "bad")]
    for letter, ground in letters:
        assert contrast(palette[letter], palette[ground]) >= 4.5, (letter, ground)
    groups = [name for name in palette if name.startswith("group-")]
    assert len(groups) == 6
    for mark in ("red", "green", *groups):
        assert contrast(palette[mark], palette["card"]) >= 3, mark


def test_both_palettes_name_the_same_colours():
    dark = variables(CSS[CSS.index("prefers-color-scheme: dark") : CSS.index("* { box-sizing")])
    assert set(dark) == set(LIGHT)


def test_numbers_as_text():
    assert [words.shown(value, 2) for value in (0.123, None, float("nan"))] == ["0.12", "–", "–"]
    assert words.span([0.1, 0.25]) == "0.100 to 0.250"
    assert words.span([None, 0.25]) == words.span(None) == ""
    assert [words.probability(p) for p in (0.0004, 0.0312, None)] == ["< 0.001", "0.031", "–"]
    assert words.plural(1, "video") == "1 video"
    assert words.plural(2, "more row") == "2 more rows"
    assert words.grouping_title("frame_rate") == "Frame rate"
    assert words.grouping_title("own_thing") == "Own thing"
    assert [cards.title_of(name) for name in ("srocc", "own")] == ["SROCC", "own"]
    assert [METRICS[name].lower_is_better for name in ("rmse_raw", "plcc")] == [True, False]
