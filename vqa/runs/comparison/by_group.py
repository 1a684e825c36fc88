"""How well each model does on each kind of video: the groups' metrics beside each other."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from vqa.evaluation.groups import group_tables

SHOWN = ("srocc", "rmse_raw")


def groups_beside(
    predictions: Mapping[str, pd.DataFrame], groups: pd.DataFrame
) -> list[dict[str, Any]]:
    """The metrics of each group, of all models in one table.

    Args:
        predictions: By model's label columns `split, video, mos, score`, all of the same videos.
        groups: From `vqa.evaluation.groups.read_groups`.

    Returns:
        Per grouping in which a model has correlations `by` and `rows`: `group`, `n` (videos) and
        `values`, by label of such models `srocc` and `rmse_raw`.
    """
    tables = {
        label: {table["by"]: table["rows"] for table in group_tables(part, groups)}
        for label, part in predictions.items()
    }
    beside = []
    for by in groups:
        having = {label: found[by] for label, found in tables.items() if by in found}
        rows = []
        # All models scored the same videos, so that their rows are of the same groups.
        for alike in zip(*having.values(), strict=True):
            values = {
                label: {name: row[name] for name in SHOWN}
                for label, row in zip(having, alike, strict=True)
            }
            rows.append({"group": alike[0]["group"], "n": alike[0]["n"], "values": values})
        if rows:
            beside.append({"by": by, "rows": rows})
    return beside
