"""Dots coloured by the kind of video, chosen in the page by CSS alone.

Each dot carries one class for every way to colour, such as `resolution-2`; a radio button switches
on the rules of one way. So one figure serves all ways, and without scripts.
"""

from dataclasses import dataclass

import pandas as pd

from vqa.evaluation.groups import UNKNOWN, group_of, natural

COLOURS = 6


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to colour the dots.

    Attributes:
        by: Which grouping.
        groups: Name -> CSS class of its dots, in the legend's order.
    """

    by: str
    groups: dict[str, str]


def choices(predictions: pd.DataFrame, groups: pd.DataFrame) -> list[Choice]:
    """The ways to colour: those with two known groups at least and `COLOURS` at most.

    Args:
        predictions: Columns `split, video, mos, score`.
        groups: From `read_groups`.
    """
    found = []
    for by in groups:
        names = sorted(set(group_of(predictions, groups[by])), key=natural)
        if 2 <= len([name for name in names if name != UNKNOWN]) <= COLOURS:
            found.append(Choice(by, {name: f"{by}-{index}" for index, name in enumerate(names)}))
    return found


def classes(dots: pd.DataFrame, found: list[Choice], groups: pd.DataFrame) -> list[str]:
    """The CSS classes of each dot, (N,).

    Args:
        dots: The predictions that are drawn.
        found: From `choices`, on all predictions.
        groups: From `read_groups`.
    """
    columns = [group_of(dots, groups[choice.by]).map(choice.groups) for choice in found]
    return (
        [" ".join(kinds) for kinds in zip(*columns, strict=True)] if columns else [""] * len(dots)
    )


def rules(found: list[Choice]) -> str:
    """The CSS that colours dots and legend, and shows the legend, of the way that is chosen."""
    lines = []
    for choice in found:
        on = f"#agreement:has(#by-{choice.by}:checked)"
        lines.append(f"{on} .legend-{choice.by} {{ display: flex; }}")
        for index, (name, kind) in enumerate(choice.groups.items()):
            colour = "muted" if name == UNKNOWN else f"group-{index}"
            lines.append(f"{on} use.{kind} {{ fill: var(--{colour}) !important; }}")
            lines.append(f".legend .{kind} {{ background: var(--{colour}); }}")
    return "\n".join(lines)
