"""A comparison as tables: of all models for a spreadsheet, and as text for the terminal.

`content` is everywhere what comparison.json holds.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from vqa.evaluation.metrics import METRICS
from vqa.evaluation.results import TITLES, aligned_rows, number
from vqa.reports.figures.cost import seconds_text

# What a model costs, and its heads in the text.
COSTS = {
    "dimension": "dimension",
    "seconds_a_video": "s a video",
    "training_s_a_split": "training s a split",
}


def models_table(content: Mapping[str, Any]) -> pd.DataFrame:
    """A row for each model: medians of all metrics, both ends of their intervals, what it costs.

    The costs (`dimension` of the features, `seconds_a_video` of them, `training_s_a_split`) are
    columns where a run has any.
    """
    rows = []
    for model in content["models"]:
        row = {key: model[key] for key in ("label", "model", "features")}
        summary = content["summaries"][model["label"]]
        for name in METRICS:
            low, high = summary["interval"][name]
            row |= {name: summary["median"][name], f"{name}_low": low, f"{name}_high": high}
        rows.append(row | {key: model[key] for key in _known_costs(content)})
    table = pd.DataFrame(rows)
    # Whole numbers, also beside models without a dimension.
    return table.astype({"dimension": "Int64"}) if "dimension" in table else table


def format_comparison(content: Mapping[str, Any]) -> str:
    """Summaries and pairs as aligned plain text."""
    metric, shared = content["metric"], content["shared"]
    costs = _known_costs(content)
    head = ["median of splits", *TITLES.values(), *(COSTS[key] for key in costs)]
    rows = [
        [
            model["label"],
            *(number(content["summaries"][model["label"]]["median"][name]) for name in METRICS),
            *(_cost_text(key, model[key]) for key in costs),
        ]
        for model in content["models"]
    ]
    pairs = [["pair", f"difference of {TITLES[metric]}", "95 % interval", "p, Holm", "better"]]
    for pair in content["pairs"]:
        low, high = (number(end) for end in pair["interval"])
        pairs.append(
            [
                f"{pair['a']} - {pair['b']}", number(pair["difference"]), f"{low} to {high}",
                number(pair["p_holm"]), pair["better"] or "neither",
            ]
        )  # fmt: skip
    counts = f"{shared['splits']} splits, {shared['videos']} videos in common"
    return "\n\n".join([counts, _ruled([head, *rows]), _ruled(pairs)])


def _known_costs(content: Mapping[str, Any]) -> list[str]:
    """Which costs at least one run has."""
    return [key for key in COSTS if any(model[key] is not None for model in content["models"])]


def _cost_text(key: str, value: float | None) -> str:
    """A cost as the table writes it."""
    return seconds_text(value) if key != "dimension" or value is None else str(value)


def _ruled(rows: Sequence[Sequence[str]]) -> str:
    """Rows as text, a line below the first."""
    lines = aligned_rows(rows)
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
