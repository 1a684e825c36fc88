"""Measure the recipe of the embedded model `ugc` against others: 100 splits of two databases.

Each split trains on 80 % of YouTube-UGC and 80 % of KoNViD-1k together, with the MOS of both on the
scale 1-5, and tests on the rest of each. The recipes:

- `minmax svr`, `ranks svr`: support vector regression behind min-max scaling or the rank-Gaussian
  map; C and gamma are searched on a fifth of the training part.
- `minmax network`, `ranks network`: the network of `conf/model/tabular.yaml` on one scaling.
- `no relevance`: the network on both scalings, features with equal weights.
- `ugc`: the network on both scalings with weighted features; `two members`: one per scaling.
- `ugc + svr`: the mean of `ugc`, twice, and both regressions.
- `nested`: in each split, `ugc`, `two members` or the network on one scaling: the one with the best
  SROCC (mean of both databases) on a fifth of the training part, trained on the other four.

With `--cross`, each recipe trains on one whole database and tests on the other, once per seed.

The folder has the matrices and label tables that `conf/experiment/ugc.yaml` describes. Results go
into a CSV file, one line per split, recipe and database; a rerun adds the splits that are missing.

Coverage and width are those of the 90 % intervals around calibrated scores, from the errors of five
models, each trained on four fifths of the training part, on the other fifth.

Run: OMP_NUM_THREADS=1 python benchmarks/ugc.py FOLDER --output ugc.csv [--splits 100] [--cross]
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from vqa.commands.building import build
from vqa.commands.configuration import compose, resolved
from vqa.databases import csv_table
from vqa.evaluation.calibration import fit_scale
from vqa.evaluation.conformal import held_out_errors
from vqa.evaluation.metrics import score_all, srocc
from vqa.models.svr import fit_svr
from vqa.models.tabular import prepare
from vqa.protocols import repeated
from vqa.training.learners.ensemble import mixtures

DATABASES = ("youtube_ugc", "konvid")
METRICS = ("srocc", "krocc", "plcc", "rmse", "rmse_raw")
INTERVAL = ("coverage", "width")
SCALE = (1.0, 5.0)
GRID = {"C": [4, 16, 64, 256, 1024], "gamma": [2**-8, 2**-6, 2**-4, 2**-2]}
INNER = 5


class Data:
    """The features, MOS and database of all videos, and their splits."""

    def __init__(self, folder, splits):
        tables = [
            csv_table.read(folder / f"{name}.csv", missing="keep", mos_range=(1, 5), name=name)
            for name in DATABASES
        ]
        matrices = [np.load(folder / f"{name}_nss.npy") for name in DATABASES]
        self.features = np.concatenate(matrices)
        self.mos = np.array([video.mos for table in tables for video in table.videos])
        self.database = np.repeat([0, 1], [len(table) for table in tables])
        self.tests = []
        for one in zip(*(repeated(table, count=splits) for table in tables), strict=True):
            ids = [set(split.test) for split in one]
            self.tests.append(np.array([
                video.id in ids[number]
                for number, table in enumerate(tables)
                for video in table.videos
            ]))  # fmt: skip

    def inner(self, rows, seed):
        """Mark a fifth of some rows, of each database, to judge recipes on."""
        return self.folds(rows, seed) == 0

    def folds(self, rows, seed):
        """Deal some rows, of each database, to five folds at random; returns their numbers."""
        fold = np.empty(len(rows), dtype=int)
        rng = np.random.default_rng(seed)
        for number in range(len(DATABASES)):
            own = rng.permutation(np.flatnonzero(self.database[rows] == number))
            fold[own] = np.arange(len(own)) % INNER
        return fold


def networks(data, train, settings, *, seed, period=34):
    """Train the members on some rows; return the scores of each member for all rows (N, M)."""
    model, everyone = settings["model"], torch.from_numpy(data.features)
    torch.manual_seed(seed)
    network = build(model["network"])(input_dim=everyone.shape[1])
    offset, scale = data.mos[train].mean(), data.mos[train].std()
    target = torch.tensor((data.mos[train] - offset) / scale).float()
    prepare(network, everyone[train], target, period)
    with torch.no_grad():
        everyone = network.components(everyone)
    inputs = everyone[train]
    optimizer, loss = build(model["optimizer"])(network.parameters()), build(model["loss"])
    batch, epochs = settings["loader"]["batch_size"], settings["trainer"]["max_epochs"]
    epoch_steps = -(-len(inputs) // batch)
    factor = build(model["module"]["schedule"])
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: factor(step, epoch_steps, epochs * epoch_steps)
    )
    for _ in range(epochs):
        for rows in torch.randperm(len(inputs)).split(batch):
            mixed, labels = mixtures(inputs[rows], target[rows], model["module"]["mixing"])
            optimizer.zero_grad()
            torch.vmap(loss, (1, None))(network.members(mixed), labels).mean().backward()
            optimizer.step()
            schedule.step()
    with torch.inference_mode():
        return network.eval().members(everyone).numpy() * scale + offset


def svr(features, mos, train, val, scaler):
    """Fit an SVR to some rows and score all; `val` marks those that judge C and gamma."""
    fitted = fit_svr(
        features[train], mos[train], np.flatnonzero(~val), np.flatnonzero(val), scaler=scaler,
        workers=1, **GRID,
    )  # fmt: skip
    return fitted.predict(features)


def scores_of(data, train, settings, seed):
    """Train all recipes on some rows; return their scores for all rows, by name."""
    val = data.inner(train, seed + 1)
    scores = {
        "minmax svr": svr(data.features, data.mos, train, val, "minmax"),
        "ranks svr": svr(data.features, data.mos, train, val, "rank_gauss"),
        "no relevance": networks(data, train, settings, seed=seed, period=None).mean(1),
        **of_members(networks(data, train, settings, seed=seed)),
    }
    return scores | {
        "ugc + svr": (2 * scores["ugc"] + scores["minmax svr"] + scores["ranks svr"]) / 4
    }


def of_members(scores):
    """Return the scores of the ensemble and its parts, from those of its members (N, M).

    Members of one scaling see nothing of the other, so each half is a network of its own.
    """
    ranks, values = np.split(scores, 2, axis=1)
    return {
        "ranks network": ranks.mean(1),
        "minmax network": values.mean(1),
        "two members": (ranks[:, 0] + values[:, 0]) / 2,
        "ugc": scores.mean(1),
    }


def nested(data, train, settings, seed):
    """Return the best of the ensemble and its parts on an inner part of the training rows."""
    held_out = data.inner(train, seed)
    rows = train[held_out]
    scores = of_members(networks(data, train[~held_out], settings, seed=seed))
    parts = [rows[data.database[rows] == number] for number in np.unique(data.database[rows])]
    value = {
        name: sum(srocc(data.mos[part], score[part]) for part in parts)
        for name, score in scores.items()
    }
    return max(value, key=value.get)


def intervals(data, train, settings, seed):
    """Return, by recipe, the errors of five inner models on what they were not trained on."""
    fold, held_out = data.folds(train, seed + 2), {}
    for number in range(INNER):
        own, out = train[fold != number], train[fold == number]
        for name, score in of_members(networks(data, own, settings, seed=seed)).items():
            curve = fit_scale(score[own], data.mos[own], SCALE)
            held_out.setdefault(name, []).append((curve(score[out]), data.mos[out]))
    return {
        name: held_out_errors(*map(np.concatenate, zip(*parts, strict=True)))
        for name, parts in held_out.items()
    }


def covered(data, train, part, score, errors):
    """Return the share of the MOS of some rows within the intervals, and the mean width."""
    calibrated = fit_scale(score[train], data.mos[train], SCALE)(score[part])
    half = errors.half_width(calibrated, 0.9)
    low, high = np.maximum(calibrated - half, SCALE[0]), np.minimum(calibrated + half, SCALE[1])
    inside = (low <= data.mos[part]) & (data.mos[part] <= high)
    return [inside.mean(), (high - low).mean()]


def rows_of(data, split, scores, errors, train, test, chosen=""):
    """Return the lines of a split: recipe, database, metrics and intervals."""
    lines = []
    for name, score in scores.items():
        for number, database in enumerate(DATABASES):
            part = np.flatnonzero(test & (data.database == number))
            if len(part):
                values = score_all(data.mos[part], score[part], names=METRICS)
                found = [values[metric] for metric in METRICS]
                kept = ["", ""]
                if (recipe := chosen if name == "nested" else name) in errors:
                    kept = covered(data, train, part, score, errors[recipe])
                choice = chosen if name == "nested" else ""
                lines.append([split, name, database, *found, *kept, choice])
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--splits", type=int, default=100)
    parser.add_argument("--cross", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    settings = resolved(compose("train", ["model=tabular", "data=combined"]))
    data = Data(options.folder, 100)
    header = ["split", "recipe", "database", *METRICS, *INTERVAL, "chosen"]
    if not options.output.exists():
        options.output.write_text(",".join(header) + "\n", encoding="utf-8")
    done = set(pd.read_csv(options.output)["split"])
    with options.output.open("a", encoding="utf-8", newline="") as file:
        for number in range(options.first, options.splits):
            if options.cross:
                train = np.flatnonzero(data.database == number % 2)
                test = data.database != number % 2
                split = f"cross{number}"
            else:
                train, test = np.flatnonzero(~data.tests[number]), data.tests[number]
                split = f"split{number}"
            if split in done:
                continue
            scores = scores_of(data, train, settings, number)
            chosen = nested(data, train, settings, number)
            scores["nested"] = scores[chosen]
            errors = intervals(data, train, settings, number)
            lines = rows_of(data, split, scores, errors, train, test, chosen)
            csv.writer(file).writerows(lines)
            file.flush()
    rows = pd.read_csv(options.output)
    rows = rows[rows["split"].str.startswith("cross" if options.cross else "split")]
    table = rows.groupby(["recipe", "database"])[[*METRICS, *INTERVAL]].agg(["median", "std"])
    print(table.round(4).to_string())
    print(rows[rows["recipe"] == "nested"].groupby("database")["chosen"].value_counts().to_string())


if __name__ == "__main__":
    main()
