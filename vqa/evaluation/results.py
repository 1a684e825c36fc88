"""From predictions to numbers: every figure we print is computed here, from `predictions.csv`.

Predictions are a table with the columns `split, video, mos, score`, one row per test video of each
split.
"""

import json
import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vqa.evaluation.metrics import METRICS, fit_logistic, score_all, undefined
from vqa.evaluation.metrics.further import FURTHER, further
from vqa.evaluation.uncertainty.bootstrap import (
    Resampled,
    bca_interval,
    percentile_interval,
    resample,
)
from vqa.evaluation.uncertainty.counts import Statistic, on_counts, over_splits
from vqa.files import write_atomically

log = logging.getLogger(__name__)

COLUMNS = ("split", "video", "mos", "score")
TABLE_SPLITS = 20
TITLES = {
    "srocc": "SROCC",
    "krocc": "KROCC",
    "plcc": "PLCC",
    "plcc_raw": "PLCC raw",
    "rmse": "RMSE",
    "rmse_raw": "RMSE raw",
}


def summarise(
    predictions: pd.DataFrame,
    *,
    ci95: pd.Series | None = None,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, Any]:
    """All metrics of every split, and what they come to together.

    The summary's interval is that of the median over splits (for one split: of its value): whole
    videos are resampled, in all splits that test them at once, and the median is taken anew. So
    repeated splits of one small database do not pretend to be independent. It holds the trained
    models fixed.

    Args:
        predictions: Columns `split, video, mos, score`.
        ci95: By video the half-width of its MOS's confidence interval; the metrics that want it
            are nan in splits with a video that it lacks.
        resamples: Bootstrap resamples.
        level: Coverage of the intervals.
        seed: Of the bootstrap.

    Returns:
        `splits`: per name the metrics, `n`, `mapping` (kind of the fitted curve, None where there
        is none), `interval` (metric -> two ends) and `further` (what `vqa.evaluation.metrics.further` gives).
        `summary`: `splits`, `videos`,
        `predictions`, and `median`, `mean`, `std` (n - 1), `interval`, `undefined` (how many
        splits are nan and so left out), each metric -> value, and `further`, medians likewise.
        `bootstrap`: its settings.

    Raises:
        ValueError: Missing columns, no rows, a video twice in a split, or values not finite.
    """
    _check(predictions)
    settings = {"resamples": resamples, "level": level, "seed": seed}
    parts = {str(name): part for name, part in predictions.groupby("split", sort=False)}
    splits = {name: _split_results(name, part, settings, ci95) for name, part in parts.items()}
    videos = predictions["video"].unique()
    summary: dict[str, Any] = {
        "splits": len(parts),
        "videos": len(videos),
        "predictions": len(predictions),
    }
    if len(parts) == 1:
        intervals = next(iter(splits.values()))["interval"]
    else:
        members = [
            (pd.Index(videos).get_indexer(part["video"]), _statistic(part))
            for part in parts.values()
        ]
        # BCa does not hold what it says over splits that share videos; percentiles do.
        intervals = _intervals(
            over_splits(members), len(videos), settings, interval_of=percentile_interval
        )
    for metric in METRICS:
        values = np.array([splits[name][metric] for name in parts])
        known = values[~np.isnan(values)]
        for key, value in {
            "median": _median(known),
            "mean": float(known.mean()) if len(known) else math.nan,
            "std": float(known.std(ddof=1)) if len(known) > 1 else math.nan,
            "interval": intervals[metric],
            "undefined": len(values) - len(known),
        }.items():
            summary.setdefault(key, {})[metric] = value
    summary["further"] = {
        name: _median(part["further"][name] for part in splits.values()) for name in FURTHER
    }
    return {"splits": splits, "summary": summary, "bootstrap": settings}


def read_predictions(path: str | Path) -> pd.DataFrame:
    """Anyone's predictions: a CSV with `mos,score` and optional `split`, `video`.

    Without `split` all rows are one split named `all`; without `video` they are called by their
    row, `row 1` and on.

    Raises:
        FileNotFoundError: No such file.
        ValueError: Not a table with these columns, or a cell that is no finite number; the text
            names the lines.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such predictions file; expected a CSV with mos,score")
    try:
        table = pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a readable CSV table: {error}") from error
    if not isinstance(table.index, pd.RangeIndex):
        raise ValueError(f"{path}: the rows hold more cells than the header names columns")
    table.columns = [str(column).strip() for column in table.columns]
    missing = [column for column in ("mos", "score") if column not in table]
    if missing:
        raise ValueError(
            f"{path}: no column {' and '.join(missing)}; expected mos,score and optional "
            f"split,video, found {', '.join(table.columns)}"
        )
    numbers = {column: pd.to_numeric(table[column], errors="coerce") for column in ("mos", "score")}
    for column, values in numbers.items():
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            row = wrong[0]
            raise ValueError(
                f"{path}: {len(wrong)} cells of {column} are not finite numbers, first "
                f"{table[column].iloc[row]!r} in line {row + 2}; correct or remove these rows"
            )
    rows = [f"row {number}" for number in range(1, len(table) + 1)]
    predictions = pd.DataFrame(
        {
            "split": table.get("split", "all"),
            "video": table.get("video", rows),
            "mos": numbers["mos"].astype(float),
            "score": numbers["score"].astype(float),
        }
    )
    try:
        _check(predictions)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return predictions


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON at once or not at all; NaN and infinite numbers become null."""
    text = json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, text + "\n")


def format_table(results: Mapping[str, Any]) -> str:
    """The results as an aligned plain-text table: splits, median, interval, mean, std.

    Args:
        results: What `summarise` returned, or its JSON read back.
    """
    header = ["split", "n", *TITLES.values()]
    splits, summary = results["splits"], results["summary"]
    rows = [
        [name, str(part["n"]), *(number(part[metric]) for metric in METRICS)]
        for name, part in list(splits.items())[:TABLE_SPLITS]
    ]
    if len(splits) > TABLE_SPLITS:
        rows.append([f"... {len(splits) - TABLE_SPLITS} more"] + [""] * (len(header) - 1))
    rule = len(rows)
    names = ["median", "mean", "std"] if len(splits) > 1 else []
    for name in names:
        rows.append([name, "", *(number(summary[name][metric]) for metric in METRICS)])
    percent = f"{100 * results['bootstrap']['level']:g} %"
    for end, name in enumerate([f"{percent} from", f"{percent} to"]):
        rows.append([name, "", *(number(summary["interval"][metric][end]) for metric in METRICS)])
    lines = aligned_rows([header, *rows])
    dashes = "-" * len(lines[0])
    also = ", ".join(f"{title} {value}" for title, value in further_values(summary))
    body = [lines[0], dashes, *lines[1 : rule + 1], dashes, *lines[rule + 1 :]]
    return "\n".join([*body, f"also: {also}"] if also else body)


def aligned_rows(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines of one width: first column to the left, others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    ]


def further_values(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Title and value of the further metrics that are known."""
    shown = {title: number(summary["further"][name]) for name, title in FURTHER.items()}
    return [(title, value) for title, value in shown.items() if value != "nan"]


def number(value: float | None, digits: int = 4) -> str:
    """A metric's value as text; `nan` where it is undefined (None in JSON)."""
    return "nan" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _check(predictions: pd.DataFrame) -> None:
    """Raise ValueError where the table is no set of predictions."""
    missing = [column for column in COLUMNS if column not in predictions]
    if missing:
        raise ValueError(
            f"predictions lack {', '.join(missing)}; expected the columns {', '.join(COLUMNS)}, "
            f"found {', '.join(map(str, predictions.columns))}"
        )
    if predictions.empty:
        raise ValueError("the predictions hold no rows; expected at least one test video")
    if predictions[["split", "video"]].isna().any(axis=None):
        raise ValueError("predictions with an empty split or video name; every row needs both")
    twice = predictions[predictions.duplicated(["split", "video"])]
    if len(twice):
        first = twice.iloc[0]
        raise ValueError(
            f"{len(twice)} videos are predicted more than once in a split, first "
            f"{first['video']!r} in split {first['split']!r}; keep one row per video"
        )


def _median(values: Iterable[float]) -> float:
    """The median of what is known, nan where nothing is."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.median(known)) if known else math.nan


def _split_results(
    name: str, part: pd.DataFrame, settings: dict[str, Any], ci95: pd.Series | None
) -> dict[str, Any]:
    """Metrics, mapping and intervals of one split."""
    mos, score = part["mos"].to_numpy(float), part["score"].to_numpy(float)
    spread = None if ci95 is None else part["video"].map(ci95).to_numpy(float)
    if spread is not None and not np.isfinite(spread).all():
        spread = None
    try:
        values = score_all(mos, score) | {"further": further(mos, score, spread)}
    except ValueError as error:
        raise ValueError(f"split {name}: {error}") from error
    kind = None if undefined(mos, score) else fit_logistic(score, mos).kind
    if kind == "linear":
        log.info("split %s: plcc and rmse are after a straight line, not a logistic curve", name)
    intervals = _intervals(_statistic(part), len(mos), settings, interval_of=bca_interval)
    return values | {"mapping": kind, "interval": intervals}


def _statistic(part: pd.DataFrame) -> Statistic:
    """All metrics of a split as a function of counts over its videos."""
    return on_counts(part["mos"].to_numpy(float), part["score"].to_numpy(float), *METRICS)


def _intervals(
    statistic: Statistic,
    videos: int,
    settings: Mapping[str, Any],
    interval_of: Callable[[Resampled, float], np.ndarray],
) -> dict[str, list[float]]:
    """Both ends of each metric's interval, from one draw of resamples."""
    drawn = resample(statistic, videos, resamples=settings["resamples"], seed=settings["seed"])
    return dict(zip(METRICS, interval_of(drawn, settings["level"]).tolist(), strict=True))


def _plain(content: Any) -> Any:
    """Only what JSON knows: numpy scalars and arrays as Python's, nan and infinity as None."""
    if isinstance(content, Mapping):
        return {str(key): _plain(value) for key, value in content.items()}
    if isinstance(content, np.ndarray):
        return _plain(content.tolist())
    if isinstance(content, (list, tuple)):
        return [_plain(value) for value in content]
    if isinstance(content, np.generic):
        return _plain(content.item())
    if isinstance(content, Path):
        return str(content)
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content
