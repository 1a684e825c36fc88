"""Metrics of each kind of video, with the models side by side."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from vqa.evaluation.groups import group_tables

SHOWN = ("srocc", "rmse_raw")


def models_by_group(
    predictions: Mapping[str, pd.DataFrame], groups: pd.DataFrame
) -> list[dict[str, Any]]:
    """Return the metrics of each group, with all models in one table.

    Args:
        predictions: By label of the model columns `split, video, mos, score`, all of the same
            videos.
        groups: From `vqa.evaluation.groups.read_groups`.

    Returns:
        For each grouping in which a model has a correlation `by` and `rows`. A row has `group`, `n`
        (videos) and `values`: by label of such models `srocc` and `rmse_raw`.
    """
    tables = {
        label: {table["by"]: table["rows"] for table in group_tables(part, groups)}
        for label, part in predictions.items()
    }
    found = []
    for by in groups:
        having = {label: rows[by] for label, rows in tables.items() if by in rows}
        rows = []
        # All models scored the same videos, so their rows are of the same groups.
        for same in zip(*having.values(), strict=True):
            values = {
                label: {name: row[name] for name in SHOWN}
                for label, row in zip(having, same, strict=True)
            }
            rows.append({"group": same[0]["group"], "n": same[0]["n"], "values": values})
        if rows:
            found.append({"by": by, "rows": rows})
    return found
