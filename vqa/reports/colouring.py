"""Dots coloured by the kind of video; the reader chooses the kind in the page, without scripts.

Each dot has one CSS class for every grouping, such as `resolution-2`. A radio button activates the
rules of one grouping, so one figure serves all of them.
"""

from dataclasses import dataclass

import pandas as pd

from vqa.evaluation.groups import UNKNOWN, group_of, natural

COLOURS = 6


@dataclass(frozen=True, slots=True)
class Choice:
    """One grouping that the dots can be coloured by.

    Attributes:
        by: Key of the grouping.
        groups: CSS class of the dots of each group, by its name, in the order of the legend.
    """

    by: str
    groups: dict[str, str]


def choices(predictions: pd.DataFrame, groups: pd.DataFrame) -> list[Choice]:
    """Return the groupings to colour by: those with 2 to `COLOURS` known groups.

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
    """Return the CSS classes of each dot (N,).

    Args:
        dots: The drawn predictions.
        found: From `choices`, on all predictions.
        groups: From `read_groups`.
    """
    columns = [group_of(dots, groups[choice.by]).map(choice.groups) for choice in found]
    return (
        [" ".join(kinds) for kinds in zip(*columns, strict=True)] if columns else [""] * len(dots)
    )


def rules(found: list[Choice]) -> str:
    """Return the CSS that colours the dots by the chosen grouping and shows its legend."""
    lines = []
    for choice in found:
        on = f"#agreement:has(#by-{choice.by}:checked)"
        lines.append(f"{on} .legend-{choice.by} {{ display: flex; }}")
        for index, (name, kind) in enumerate(choice.groups.items()):
            colour = "muted" if name == UNKNOWN else f"group-{index}"
            lines.append(f"{on} use.{kind} {{ fill: var(--{colour}) !important; }}")
            lines.append(f".legend .{kind} {{ background: var(--{colour}); }}")
    return "\n".join(lines)
