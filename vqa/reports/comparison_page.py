"""The page that compares several models tested on the same splits.

It is made from `comparison.json` and from the scores in `predictions.csv`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from vqa.evaluation.groups import FEW
from vqa.evaluation.metrics import cards
from vqa.evaluation.text import seconds_text
from vqa.reports import figures
from vqa.reports.page import link_to_report, placed, require_json, write_page
from vqa.reports.words import known, percent, plural, probability, shown, span

KEYS = ("title", "models", "shared", "metric", "summaries", "pairs", "groups", "notes", "level")
MOST_DOTS = 2000
COSTS = ("dimension", "seconds_a_video", "training_s_a_split")
# The picture of the costs contains names: on a phone it scrolls instead of shrinking them. The text
# alternative of a field stays inside the field, because otherwise a wide matrix widens the page.
CSS = """
@media screen { .plot.dense svg { min-width: 56rem; } }
.plot.dense p { margin-bottom: 0; }
.matrix td { position: relative; }
"""
SYMBOLS = {"better": "▲", "worse": "▽", "same": "=", "unknown": ""}


def write_comparison(folder: str | Path) -> Path:
    """Write `comparison.html` and its figures from the files of a folder.

    Returns:
        The path of the page.

    Raises:
        FileNotFoundError: `comparison.json` or `predictions.csv` is absent.
        ValueError: One of them has unexpected content.
    """
    folder = Path(folder)
    path = folder / "comparison.json"
    found = require_json(path, KEYS)
    labels = [model["label"] for model in found["models"]]
    if absent := [label for label in labels if label not in found["summaries"]]:
        raise ValueError(f"{path}: no summaries of {', '.join(absent)}; expected one per model")
    try:
        cards.rankable_metric(found["metric"])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    predictions = _read_scores(folder / "predictions.csv", labels)
    content = _content(folder, found, predictions)
    return write_page(folder / "comparison.html", "comparison.html", content, CSS)


def ranked(found: Mapping[str, Any]) -> list[str]:
    """Return the labels of the models: the best median first, undefined ones, random weights."""
    metric = found["metric"]
    sign = 1 if cards.METRICS[metric].lower_is_better else -1

    untrained = untrained_labels(found)

    def key(label: str) -> tuple[bool, bool, float]:
        value = found["summaries"][label]["median"].get(metric)
        return label in untrained, not known(value), sign * value if known(value) else 0.0

    return sorted((model["label"] for model in found["models"]), key=key)


def untrained_labels(found: Mapping[str, Any]) -> list[str]:
    """Return the labels of the models on random weights; they are never called the best."""
    return [model["label"] for model in found["models"] if model.get("untrained")]


def significance(found: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the outcome of the tests for each row against each column, on the ranking metric.

    Returns:
        By row and column `verdict` (a key of `SYMBOLS`), its `symbol`, `text`, and `p` as text.
    """
    labels = [model["label"] for model in found["models"]]
    pairs = {
        frozenset((pair["a"], pair["b"])): pair
        for pair in found["pairs"]
        if pair["metric"] == found["metric"]
    }
    return {
        (row, column): _verdict_on(row, column, pairs.get(frozenset((row, column))))
        for row in labels
        for column in labels
    }


def _verdict_on(row: str, column: str, pair: Mapping[str, Any] | None) -> dict[str, str]:
    """Return one cell of the significance matrix."""
    if pair is None:
        return {"verdict": "unknown", "symbol": SYMBOLS["unknown"], "text": "not tested", "p": ""}
    better = pair["better"]
    verdict = "same" if better is None else "better" if better == row else "worse"
    relation = "not significantly different from" if verdict == "same" else f"{verdict} than"
    p = probability(pair["p_holm"])
    text = f"{row} is {relation} {column}, p {p}"
    return {"verdict": verdict, "symbol": SYMBOLS[verdict], "text": text, "p": p}


def _content(folder: Path, found: dict[str, Any], predictions: pd.DataFrame) -> dict[str, Any]:
    """Return the variables of the template."""
    labels, metric = ranked(found), found["metric"]
    summaries = {label: found["summaries"][label] for label in labels}
    by_label = {model["label"]: model for model in found["models"]}
    models = [by_label[label] for label in labels]
    title = cards.title_of(metric)
    caption = f"{title} of each model with its interval, the best first"
    return found | {
        "kicker": "Comparison of models",
        "verdict": _verdict(found, labels),
        "summary": _shared(found["shared"]),
        "labels": labels,
        "untrained": untrained_labels(found),
        "summaries": summaries,
        "models": [
            model | {"report": link_to_report(folder, model.get("folder"))} for model in models
        ],
        "metrics": cards.table(),
        "alongside": [
            name
            for name in cards.alongside()
            if any(known(one["median"].get(name)) for one in summaries.values())
        ],
        "percent": percent(found["level"]),
        "ranking": placed(
            folder, figures.ranking(summaries, metric, found["level"]), "ranking", caption
        ),
        **_costs(folder, found, models),
        "significance": significance(found),
        "few": FEW,
        "scatters": _scatters(folder, labels, predictions),
        "predictions": len(predictions),
        "most_dots": MOST_DOTS,
        "command": found.get("command") or "",
    }


def _costs(
    folder: Path, found: Mapping[str, Any], models: list[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the known costs of the models, and their picture if two were timed."""
    metric = found["metric"]
    rows = []
    for model in models:
        summary = found["summaries"][model["label"]]
        row = {"label": model["label"], "untrained": bool(model.get("untrained"))}
        row |= {key: model.get(key) for key in COSTS}
        rows.append(
            row | {"value": summary["median"][metric], "interval": summary["interval"][metric]}
        )
    if not any(known(row[key]) for row in rows for key in COSTS):
        rows = []
    timed = [row for row in rows if known(row["value"]) and known(row["seconds_a_video"])]
    picture = None
    if len(timed) > 1:
        figure = figures.accuracy_over_seconds(timed, metric, found["level"])
        title = cards.title_of(metric)
        caption = f"{title} of each model over the seconds per video of its features"
        picture = placed(folder, figure, "cost", caption, [_told(row, metric) for row in timed])
    return {
        "costs": rows,
        "cost_picture": picture,
        "untimed": [row["label"] for row in rows if row not in timed],
        "seconds": seconds_text,
    }


def _told(row: Mapping[str, Any], metric: str) -> str:
    """Return the cost of a model in words, for the tooltip of its dot."""
    parts = [
        f"{cards.title_of(metric)} {shown(row['value'], 3)}",
        f"features {seconds_text(row['seconds_a_video'])} s per video",
    ]
    if known(row["dimension"]):
        parts.append(plural(row["dimension"], "dimension"))
    if known(row["training_s_a_split"]):
        parts.append(f"training {seconds_text(row['training_s_a_split'])} s per split")
    return f"{row['label']}: {', '.join(parts)}"


def _verdict(found: Mapping[str, Any], labels: list[str]) -> str:
    """Return the leading model, its value, and the models it is significantly better than.

    Models on random weights neither lead nor count as beaten; a last sentence says so.
    """
    untrained = untrained_labels(found)
    trained = [label for label in labels if label not in untrained]
    if not trained:
        return "Every model has random weights: these numbers say nothing about quality."
    lead = _lead(found, trained)
    return f"{lead} Left out: {', '.join(untrained)}." if untrained else lead


def _lead(found: Mapping[str, Any], labels: list[str]) -> str:
    """Return the verdict on trained models, the best first."""
    best, metric = labels[0], found["metric"]
    title = cards.title_of(metric)
    summary = found["summaries"][best]
    value = summary["median"].get(metric)
    if not known(value):
        return f"{title} is undefined for every model."
    extreme = "lowest" if cards.METRICS[metric].lower_is_better else "highest"
    extreme += " median" if found["shared"].get("splits", 1) > 1 else ""
    interval = span(summary["interval"].get(metric))
    lead = f"{best} has the {extreme} {title}, {shown(value, 3)}" + (
        f" ({percent(found['level'])} interval {interval})" if interval else ""
    )
    cells = significance(found)
    if len(labels) == 1:
        return f"{lead}."
    beaten = [other for other in labels[1:] if cells[best, other]["verdict"] == "better"]
    if not beaten:
        return f"{lead}; this is not significantly better than any other model."
    others = "every other model" if len(beaten) == len(labels) - 1 else ", ".join(beaten)
    return f"{lead}, significantly better than {others}."


def _shared(shared: Mapping[str, Any]) -> list[str]:
    """Return the numbers of splits, videos and predictions that all models share."""
    words = {"splits": "shared split", "videos": "video", "predictions": "prediction"}
    return [
        plural(shared[key], word) + (" per model" if key == "predictions" else "")
        for key, word in words.items()
        if isinstance(shared.get(key), int)
    ]


def _scatters(folder: Path, labels: list[str], predictions: pd.DataFrame) -> dict[str, Markup]:
    """Return a small scatter plot of each model, with at most `MOST_DOTS` of its predictions."""
    placements = {}
    for index, label in enumerate(labels):
        table = predictions[["split", "video", "mos"]].assign(score=predictions[label])
        figure = figures.scatter(table, width=4.0, height=3.4, most=MOST_DOTS)
        names = list(figures.thinned(table, MOST_DOTS)["video"])
        caption = f"MOS over the scores of {label}, with the fitted logistic curve"
        placements[label] = placed(folder, figure, f"scatter-{index}", caption, names)
    return placements


def _read_scores(path: Path, labels: list[str]) -> pd.DataFrame:
    """Read `split, video, mos` and a column of finite scores for each model."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected it next to its page")
    table = pd.read_csv(path, dtype={"split": str, "video": str}, keep_default_na=False)
    if missing := [name for name in ("split", "video", "mos", *labels) if name not in table]:
        raise ValueError(
            f"{path}: no column {', '.join(missing)}; found {', '.join(table.columns)}"
        )
    numbers = table[["mos", *labels]].apply(pd.to_numeric, errors="coerce")
    if wrong := [name for name in numbers if not np.isfinite(numbers[name]).all()]:
        raise ValueError(
            f"{path}: cells of {', '.join(wrong)} that are not finite numbers; expected a score "
            "of every model for every shared video"
        )
    return table[["split", "video"]].join(numbers)
