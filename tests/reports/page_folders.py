"""Made-up, seeded folders of a comparison and of a matrix, for tests of their pages."""

import itertools
import json

import numpy as np

from tests import run_folders
from vqa.evaluation.summary import summarise
from vqa.files import write_json

AWKWARD = "clip <b>& co</b>"
LABELS = ("vsfa", "gstvqa", AWKWARD)
# Name, dimension, seconds per video and of the regression from Wang et al. (table 2); noise.
ELEVEN = (
    ("SALIENCY", 224, 52.62, 4.98, 1.6),
    ("NSS", 1836, 103.31, 15.68, 0.6),
    ("NSS_SALIENCY", 2060, 289.22, 17.06, 0.6),
    ("NSS_CNN", 3884, 115.36, 29.56, 0.3),
    ("NSS_CNN_SALIENCY", 4108, 310.81, 31.28, 0.3),
    ("NSS_VSFACNN", 5932, 1944.48, 43.94, 0.1),
    ("NSS_VSFACNN_SALIENCY", 5932, 196.73, 44.13, 0.3),
    ("CNN", 2048, 23.74, 17.45, 0.4),
    ("CNN_SALIENCY", 2272, 66.99, 18.61, 0.4),
    ("VSFACNN", 4096, 1841.13, 31.69, 0.2),
    ("VSFACNN_SALIENCY", 4096, 92.27, 31.98, 0.35),
)
DATABASES = ("konvid", "livevqc", "livequalcomm")


def comparison(folder, splits=3):
    """Three models on the same splits: one good, one worse, one that is noise."""
    folder.mkdir(parents=True)
    table = run_folders.predictions(splits=splits)
    rng = np.random.default_rng(1)
    noise = dict(zip(LABELS, (0.1, 0.6, 3.0), strict=True))
    scores = table.drop(columns="score").assign(
        **{label: table["score"] + rng.normal(0, sd, len(table)) for label, sd in noise.items()}
    )
    scores.to_csv(folder / "predictions.csv", index=False)
    summaries = {
        label: _summary(scores.assign(score=scores[label]), resamples=100) for label in LABELS
    }
    single = splits == 1
    content = {
        "title": "three on demo",
        "models": [_model(label) for label in LABELS],
        "shared": {"splits": splits, "videos": 94, "predictions": len(table)},
        "metric": "srocc",
        "summaries": summaries,
        "pairs": [_pair(a, b, summaries, single) for a, b in itertools.combinations(LABELS, 2)],
        "groups": [
            {
                "by": "resolution",
                "rows": [
                    {"group": "720p", "n": 40, "values": _values(0.8, 0.7, 0.2)},
                    {"group": "1080p", "n": 2, "values": _values(None, None, None)},
                ],
            }
        ],
        "notes": ["gstvqa was tested on 2 more videos, which were skipped."],
        "level": 0.95,
        "command": "python evaluate.py runs=[runs/vsfa,'runs/a<b']",
    }
    write_json(folder / "comparison.json", content)
    return folder


def timed(folder, models):
    """Give a comparison's models these costs: label -> dimension, seconds a video, training."""
    keys = ("dimension", "seconds_a_video", "training_s_a_split")
    content = json.loads((folder / "comparison.json").read_text())
    for model in content["models"]:
        model |= dict(zip(keys, models[model["label"]], strict=True))
    write_json(folder / "comparison.json", content)
    return folder


def eleven(folder):
    """Eleven feature sets with the dimensions and seconds of a published table, scores made up."""
    folder.mkdir(parents=True)
    table = run_folders.predictions(splits=2)
    rng = np.random.default_rng(2)
    summaries = {}
    for label, *_, noise in ELEVEN:
        table[label] = table["score"] + rng.normal(0, noise, len(table))
        scores = table[["split", "video", "mos"]].assign(score=table[label])
        summaries[label] = _summary(scores, resamples=50)
    table.drop(columns="score").to_csv(folder / "predictions.csv", index=False)
    content = {
        "title": "eleven feature sets",
        "models": [_model(label) for label in summaries],
        "shared": {"splits": 2, "videos": 94, "predictions": len(table)},
        "metric": "srocc",
        "summaries": summaries,
        "pairs": [_pair(a, b, summaries, False) for a, b in itertools.combinations(summaries, 2)],
        "groups": [],
        "notes": [],
        "level": 0.95,
        "command": "",
    }
    write_json(folder / "comparison.json", content)
    return timed(folder, {label: costs for label, *costs, _ in ELEVEN})


def matrix(folder):
    """Three databases by three; one cell is not computed, one is undefined."""
    folder.mkdir(parents=True)
    values = {
        ("konvid", "konvid"): 0.79, ("konvid", "livevqc"): 0.71, ("konvid", "livequalcomm"): 0.52,
        ("livevqc", "konvid"): 0.68, ("livevqc", "livevqc"): 0.75,
        ("livevqc", "livequalcomm"): None,
        ("livequalcomm", "konvid"): 0.12, ("livequalcomm", "livequalcomm"): 0.7,
    }  # fmt: skip
    content = {
        "title": "vsfa <i>across</i> databases",
        "metric": "srocc",
        "train": list(DATABASES),
        "test": list(DATABASES),
        "cells": [_cell(train, test, value) for (train, test), value in values.items()],
        "notes": ["Features come from untrained weights."],
        "level": 0.95,
        "command": "python train.py --config-name cross",
    }
    write_json(folder / "matrix.json", content)
    return folder


def _summary(scores, resamples):
    """What a comparison keeps of a model's results."""
    summary = summarise(scores, resamples=resamples).summary
    return {
        "median": summary.median | summary.alongside,
        "mean": summary.mean,
        "std": summary.std,
        "interval": summary.intervals,
    }


def _model(label):
    return {
        "label": label,
        "folder": f"runs/{label}",
        "model": "VSFA",
        "features": "resnet50",
        "database": "demo",
        "weights_note": "ImageNet",
    }


def _pair(a, b, summaries, single):
    difference = summaries[a]["median"]["srocc"] - summaries[b]["median"]["srocc"]
    certain = abs(difference) > 0.1
    return {
        "a": a,
        "b": b,
        "metric": "srocc",
        "difference": difference,
        "interval": [difference - 0.04, difference + 0.05],
        "p_bootstrap": 0.0004 if certain else 0.21,
        "p_t": None if single else 0.012,
        "p_f": 0.034,
        "p_holm": 0.0012 if certain else 0.42,
        "better": (a if difference > 0 else b) if certain else None,
    }


def _values(*sroccs):
    values = zip(LABELS, sroccs, strict=True)
    return {label: {"srocc": value, "rmse_raw": 0.6} for label, value in values}


def _cell(train, test, value):
    own = train == test
    metrics = {"srocc": value, "plcc": value, "rmse": None if value is None else 1 - value}
    around = {
        name: [None, None] if known is None else [known - 0.05, known + 0.05]
        for name, known in metrics.items()
    }
    return {
        "train": train,
        "test": test,
        "kind": "protocol" if own else "whole",
        "n": 240 if own else 1200,
        "splits": 10,
        "excluded": 0 if own else 7,
        "metrics": metrics,
        "interval": around,
        "run": f"runs/{train}",
        "notes": [] if own else ["7 videos are files of both and were skipped."],
    }
