"""Measure what the scaling before an SVR does, under the published protocol of 100 splits.

Each row is a feature matrix and its label table, in the order of the rows. The search, the splits
and the metrics are those of the feature studies (VIDEVAL); only the scaling differs: min-max as
published, or the rank-Gaussian map of `vqa.models.scalings`.

Run: python benchmarks/svr_scalers.py NAME FEATURES --labels LABELS --mos COLUMN
FEATURES is a .mat or .npy file, or several; LABELS a .csv, or one for each.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from vqa.evaluation.metrics import score_all
from vqa.features.extraction.feature_tables import read_features
from vqa.models.svr import fit_svr
from vqa.protocols.row_splits import videval_splits

METRICS = ("srocc", "krocc", "plcc", "rmse")


def measured(features, mos, count, scaler):
    """Return the metrics of each split (count, 4)."""
    results = []
    for split in videval_splits(len(mos), count):
        place = {row: number for number, row in enumerate(split.whole)}
        inner = ([place[row] for row in rows] for rows in (split.train, split.val))
        model = fit_svr(
            features[split.whole], mos[split.whole], *inner, scaler=scaler, workers=1
        )  # fmt: skip
        found = score_all(mos[split.test], model.predict(features[split.test]))
        results.append([found[metric] for metric in METRICS])
    return np.array(results)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("features", nargs="+", type=Path)
    parser.add_argument("--labels", nargs="+", type=Path, required=True)
    parser.add_argument("--mos", default="mos", help="column of the label tables")
    parser.add_argument("--splits", type=int, default=100)
    options = parser.parse_args()
    mos = np.concatenate([pd.read_csv(path)[options.mos] for path in options.labels])
    rows = [str(number) for number in range(len(mos))]
    features = read_features(options.features, rows).select(rows)
    for scaler in ("minmax", "rank_gauss"):
        results = measured(features, mos, options.splits, scaler)
        medians = " ".join(f"{value:.4f}" for value in np.median(results, axis=0))
        spreads = " ".join(f"{value:.4f}" for value in results.std(axis=0))
        print(f"{options.name} {scaler}: medians {medians}, deviations {spreads}", flush=True)


if __name__ == "__main__":
    main()
