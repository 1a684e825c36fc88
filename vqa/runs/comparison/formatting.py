"""A comparison as a table of models for a spreadsheet, and as text for the terminal.

`content` is always the content of comparison.json.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from vqa.evaluation.metrics import cards
from vqa.evaluation.text import aligned_rows, number, seconds_text

# Costs of a model, and their column heads in the text.
COSTS = {
    "dimension": "dimension",
    "seconds_a_video": "s per video",
    "training_s_a_split": "training s per split",
}


def models_table(content: Mapping[str, Any]) -> pd.DataFrame:
    """Return a row for each model: medians of all metrics, their intervals, and costs.

    `untrained` names its features that come from random weights.

    The costs (`dimension` of the features, their `seconds_a_video`, `training_s_a_split`) are
    columns if any run has them.
    """
    rows = []
    for model in content["models"]:
        row = {key: model[key] for key in ("label", "model", "features")}
        row["untrained"] = ", ".join(model["untrained"])
        summary = content["summaries"][model["label"]]
        for name in cards.METRICS:
            row[name] = summary["median"][name]
            if name in summary["interval"]:
                row[f"{name}_low"], row[f"{name}_high"] = summary["interval"][name]
        rows.append(row | {key: model[key] for key in _known_costs(content)})
    table = pd.DataFrame(rows)
    # Whole numbers, even next to models without a dimension.
    return table.astype({"dimension": "Int64"}) if "dimension" in table else table


def format_comparison(content: Mapping[str, Any]) -> str:
    """Return summaries and pairs as aligned plain text."""
    metric, shared, names = content["metric"], content["shared"], cards.table()
    costs = _known_costs(content)
    head = ["median of splits", *map(cards.title_of, names), *(COSTS[key] for key in costs)]
    rows = [
        [
            model["label"],
            *(number(content["summaries"][model["label"]]["median"][name]) for name in names),
            *(_cost_text(key, model[key]) for key in costs),
        ]
        for model in content["models"]
    ]
    percent = f"{100 * content['level']:g} %"
    difference = f"difference of {cards.title_of(metric)}"
    pairs = [["pair", difference, f"{percent} interval", "p, Holm", "better"]]
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
    """Return the costs that at least one run has."""
    return [key for key in COSTS if any(model[key] is not None for model in content["models"])]


def _cost_text(key: str, value: float | None) -> str:
    """Return a cost as the table shows it."""
    return seconds_text(value) if key != "dimension" or value is None else str(value)


def _ruled(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as text, with a line below the first."""
    lines = aligned_rows(rows)
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
