"""Rules for values: what is expected, in words, and whether a value is that."""

import math
import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule for the values of a setting; rules are joined by `|`.

    Attributes:
        expected: What a value must be, in words that follow "expected".
        holds: Returns whether a value is that. It gets values of any type.

    Examples:
        >>> from vqa.commands.rules import NULL, whole
        >>> rule = whole(1) | NULL
        >>> rule.expected, rule.holds(0), rule.holds(None)
        ('a whole number from 1 on or null', False, True)
    """

    expected: str
    holds: Callable[[Any], bool]

    def __or__(self, other: "Rule") -> "Rule":
        """Return the rule that holds if one of the two does."""
        return Rule(
            f"{self.expected} or {other.expected}",
            lambda value: self.holds(value) or other.holds(value),
        )

    def check(self, key: str, value: Any) -> None:
        """Refuse a value that the rule does not hold for.

        Raises:
            ValueError: Names key, expected and found.
        """
        if not self.holds(value):
            found = shown_value(value)
            raise ValueError(f"{key}={found}: expected {self.expected}, found {found}")


def shown_value(value: Any) -> str:
    """Return a value as a user types it, in one short line."""
    if isinstance(value, str):
        text = repr(value) if not value or value != value.strip() else value
    elif isinstance(value, list):
        text = "[" + ",".join(map(shown_value, value)) + "]"
    elif isinstance(value, dict):
        text = "{" + ",".join(f"{key}:{shown_value(one)}" for key, one in value.items()) + "}"
    elif value is None or isinstance(value, bool):
        text = "null" if value is None else str(value).lower()
    else:
        text = str(value)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "..."


def whole(low: int, high: int | None = None) -> Rule:
    """A whole number from `low` on, at most `high`."""
    span = f"from {low} on" if high is None else f"from {low} to {high}"
    return Rule(
        f"a whole number {span}",
        lambda value: _is(value, int) and low <= value and (high is None or value <= high),
    )


def number(low: float, high: float | None = None) -> Rule:
    """A finite number from `low` on, at most `high`."""
    span = f"from {low:g} on" if high is None else f"from {low:g} to {high:g}"
    return Rule(
        f"a number {span}",
        lambda value: _finite(value) and low <= value and (high is None or value <= high),
    )


def above(low: float, high: float | None = None) -> Rule:
    """A finite number above `low`, at most `high`."""
    end = "" if high is None else f", at most {high:g}"
    return Rule(
        f"a number above {low:g}{end}",
        lambda value: _finite(value) and low < value and (high is None or value <= high),
    )


def share() -> Rule:
    """A number from 0 to below 1."""
    return Rule("a number from 0 to below 1", lambda value: _finite(value) and 0 <= value < 1)


def one_of(*values: Any) -> Rule:
    """One of the values, each of the same type as listed."""
    listed = ", ".join(shown_value(value) for value in values)
    return Rule(
        f"one of {listed}" if len(values) > 1 else listed,
        lambda value: any(type(value) is type(one) and value == one for one in values),
    )


def several(one: Rule, fewest: int = 1, most: int | None = None) -> Rule:
    """A list of values that a rule holds for."""
    if most is None:
        count = "a list"
    else:
        count = f"{fewest} values" if fewest == most else f"{fewest} to {most} values"
    return Rule(
        f"{count}, each {one.expected}",
        lambda value: (
            isinstance(value, list)
            and fewest <= len(value)
            and (most is None or len(value) <= most)
            and all(map(one.holds, value))
        ),
    )


def text(expected: str, pattern: str = r"[\s\S]*\S[\s\S]*") -> Rule:
    """A text that a regular expression matches as a whole."""
    matches = re.compile(pattern).fullmatch
    return Rule(expected, lambda value: isinstance(value, str) and matches(value) is not None)


def section() -> Rule:
    """A mapping."""
    return Rule("a section of settings", lambda value: isinstance(value, dict))


def parts_with(one: Rule) -> Rule:
    """A mapping of names of parts to values that a rule holds for."""
    return Rule(
        f"parts of the network, each with {one.expected}",
        lambda value: isinstance(value, dict) and all(map(one.holds, value.values())),
    )


def flag(rule: Rule, kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return the `type` of a command-line flag: text of a kind that a rule holds for."""

    def value(text: str) -> Any:
        try:
            found = kind(text)
        except ValueError:
            found = text
        if not rule.holds(found):
            raise ArgumentTypeError(f"expected {rule.expected}, found {text}")
        return found

    return value


def _is(value: Any, kind: type) -> bool:
    """Return whether a value is of a kind; true and false are no numbers."""
    return isinstance(value, kind) and not isinstance(value, bool)


def _finite(value: Any) -> bool:
    return (_is(value, int) or _is(value, float)) and math.isfinite(value)


NULL = one_of(None)
FLAG = one_of(True, False)
BUILT = Rule(
    "a section with a _target_",
    lambda value: isinstance(value, dict) and isinstance(value.get("_target_"), str),
)
