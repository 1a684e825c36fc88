"""The runs of a sweep as one table: a row for each combination of settings, over its seeds.

Two intervals answer two questions. That over seeds (Student's t of the runs' values) says how much
another seed would change the result; that over videos (a bootstrap of the test videos, of the mean
over the seeds, the trained models fixed) says how much other videos of this kind would.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from vqa.evaluation.metrics import cards
from vqa.evaluation.uncertainty.bootstrap import percentile_interval, resample
from vqa.evaluation.uncertainty.counts import Statistic, of_predictions, on_counts, over_splits
from vqa.runs.run import Run
from vqa.runs.used_features import untrained_features

SEED = "seed"
LEVEL = 0.95
RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Job:
    """One job of a sweep.

    Attributes:
        values: The swept settings and their values as typed, by key.
        run: The run that it made; None if it failed.
        error: Why it failed, in one line; empty if it did not.
    """

    values: Mapping[str, str]
    run: Run | None
    error: str = ""

    @property
    def status(self) -> str:
        """How the job ended, in a word or two."""
        if self.run is None:
            return "failed"
        if not self.run.finished:
            return "unfinished"
        return "finished" if self.run.results() else "tested nothing"


def summarise_sweep(
    jobs: Sequence[Job], *, command: str = "", level: float = LEVEL, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """Summarise the jobs of a sweep.

    Args:
        jobs: All jobs, failed ones too.
        command: Kept in the sweep.
        level: Coverage of the intervals.
        resamples: Number of bootstrap resamples.

    Returns:
        The content of sweep.json: `swept` (keys besides the seed), `rows`, `jobs`, `notes`.
    """
    keys = list(dict.fromkeys(key for job in jobs for key in job.values))
    others = [key for key in keys if key != SEED]
    groups: dict[tuple[str, ...], list[Job]] = {}
    for job in jobs:
        groups.setdefault(tuple(job.values.get(key, "") for key in others), []).append(job)
    rows = [
        {"values": dict(zip(others, values, strict=True))} | _row(members, level, resamples)
        for values, members in groups.items()
    ]
    failed = sum(job.run is None for job in jobs)
    notes = [
        f"{failed} of {len(jobs)} jobs failed and are in no number; the table of jobs says why."
    ]
    return {
        "swept": others,
        "over_seeds": SEED in keys,
        "rows": rows,
        "jobs": [
            {
                "values": dict(job.values),
                "status": job.status,
                "error": job.error,
                "run": str(job.run.folder) if job.run else None,
            }
            for job in jobs
        ],
        "notes": [*(notes if failed else []), *_notes(rows)],
        "level": level,
        "command": command,
    }


def _row(jobs: Sequence[Job], level: float, resamples: int) -> dict[str, Any]:
    """Summarise the runs of one combination of settings."""
    done = [job for job in jobs if job.status == "finished"]
    runs = [job.run for job in done]
    tables = [run.predictions() for run in runs]
    tested = [
        {name: frozenset(part["video"]) for name, part in table.groupby("split")}
        for table in tables
    ]
    results = [run.results().summary for run in runs]
    videos = pd.Index(pd.unique(pd.concat([table["video"] for table in tables]))) if runs else []
    over_videos = dict.fromkeys(cards.rankable(), (math.nan, math.nan))
    if runs:
        every = np.arange(len(videos))
        members = [(every, of_predictions(table, videos, _all_metrics)) for table in tables]
        drawn = resample(over_splits(members, "mean"), len(videos), resamples=resamples)
        ends = percentile_interval(drawn, level).tolist()
        over_videos = dict(zip(cards.rankable(), ends, strict=True))
    return {
        "runs": len(runs),
        "of": len(jobs),
        "splits": max((result.splits for result in results), default=0),
        "videos": len(videos),
        "same_videos": all(found == tested[0] for found in tested),
        "untrained": sorted({name for run in runs for name in untrained_features(run.folder)}),
        "metrics": {
            name: _over_seeds([result.median[name] for result in results], level)
            | {"over_videos": list(over_videos.get(name, (math.nan, math.nan)))}
            for name in cards.table()
        },
        "folders": [str(run.folder) for run in runs],
    }


def _all_metrics(mos: np.ndarray, score: np.ndarray) -> Statistic:
    return on_counts(mos, score, *cards.rankable())


def _over_seeds(values: Sequence[float], level: float) -> dict[str, Any]:
    """Mean, deviation (n - 1) and t interval of the values of runs, each in its order."""
    known = np.array([value for value in values if not math.isnan(value)])
    mean = float(known.mean()) if len(known) else math.nan
    found: dict[str, Any] = {"values": list(values), "mean": mean, "std": math.nan}
    found["over_seeds"] = [math.nan, math.nan]
    if len(known) > 1:
        found["std"] = float(known.std(ddof=1))
        half = stats.t.ppf((1 + level) / 2, len(known) - 1) * found["std"] / math.sqrt(len(known))
        found["over_seeds"] = [mean - half, mean + half]
    return found


def _notes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say what every reader of the rows must know."""
    notes = []
    if not all(row["same_videos"] for row in rows):
        notes.append(
            "WARNING: the test videos differ between seeds, so the deviation over seeds is also "
            "that of the choice of videos; give split_seed= to keep the splits."
        )
    if names := sorted({name for row in rows for name in row["untrained"]}):
        notes.append(
            f"Features of random weights ({', '.join(names)}): says nothing about quality."
        )
    return notes


def sweep_table(sweep: Mapping[str, Any]) -> pd.DataFrame:
    """Return a row for each combination: means, deviations and both intervals of all metrics."""
    rows = []
    for row in sweep["rows"]:
        found = {**row["values"], "runs": row["runs"], "of": row["of"], "videos": row["videos"]}
        for name, one in row["metrics"].items():
            found |= {name: one["mean"], f"{name}_std": one["std"]}
            for kind in ("over_seeds", "over_videos"):
                found[f"{name}_{kind}_low"], found[f"{name}_{kind}_high"] = one[kind]
        rows.append(found | {"untrained": ", ".join(row["untrained"])})
    return pd.DataFrame(rows)
