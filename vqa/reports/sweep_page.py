"""The page of a sweep: one table over all its runs, made from `sweep.json`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vqa.evaluation.metrics import cards
from vqa.reports.page import link_to_report, require_json, write_page
from vqa.reports.words import known, percent, plural, shown

KEYS = ("swept", "over_seeds", "rows", "jobs", "notes", "level", "command")


def write_sweep_page(folder: str | Path) -> Path:
    """Write `sweep.html` from the `sweep.json` of a folder.

    Returns:
        The path of the page.

    Raises:
        FileNotFoundError: `sweep.json` is absent.
        ValueError: It has unexpected content.
    """
    folder = Path(folder)
    sweep = require_json(folder / "sweep.json", KEYS)
    metrics = list(cards.table())
    content = sweep | {
        "kicker": "Sweep",
        "title": " and ".join(filter(None, [", ".join(sweep["swept"]), _seeds(sweep)])) or "Sweep",
        "verdict": _verdict(sweep, metrics[0]),
        "summary": [
            plural(len(sweep["rows"]), "combination"),
            plural(len(sweep["jobs"]), "job"),
        ],
        "metrics": metrics,
        "percent": percent(sweep["level"]),
        "keys": list(dict.fromkeys(key for job in sweep["jobs"] for key in job["values"])),
        "jobs": [job | {"report": link_to_report(folder, job["run"])} for job in sweep["jobs"]],
    }
    return write_page(folder / "sweep.html", "sweep.html", content)


def _seeds(sweep: Mapping[str, Any]) -> str:
    return "seeds" if sweep["over_seeds"] else ""


def _verdict(sweep: Mapping[str, Any], metric: str) -> str:
    """Return the best mean, without runs on random weights."""
    rows = [
        row for row in sweep["rows"]
        if known(row["metrics"][metric]["mean"]) and not row["untrained"]
    ]  # fmt: skip
    title = cards.title_of(metric)
    if not rows:
        return f"No run has {title} on trained weights."
    sign = -1 if cards.METRICS[metric].lower_is_better else 1
    best = max(rows, key=lambda row: sign * row["metrics"][metric]["mean"])
    found = best["metrics"][metric]
    spread = f" ± {shown(found['std'], 3)} over {plural(best['runs'], 'seed')}"
    settings = ", ".join(f"{key}={value}" for key, value in best["values"].items())
    lead = f"Mean {title} {shown(found['mean'], 3)}{spread if known(found['std']) else ''}"
    if len(rows) == 1:
        return f"{lead}."
    # Whoever reports the best row has chosen it on the test parts.
    return f"{lead}, the best of {len(rows)} on their test parts, so optimistic: {settings}."
