"""The table of a sweep: written, printed, and shown on a page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vqa.evaluation.metrics import cards
from vqa.evaluation.text import aligned_rows, number
from vqa.files import write_atomically, write_json
from vqa.reports.sweep_page import write_sweep_page
from vqa.runs.environment import command_line
from vqa.runs.sweeps import Job, summarise_sweep, sweep_table

SHOWN = ("srocc", "plcc", "rmse")


def conclude(jobs: Sequence[Job], folder: Path) -> None:
    """Write sweep.json, sweep.csv and sweep.html, and print the table."""
    sweep = summarise_sweep(jobs, command=command_line())
    write_json(folder / "sweep.json", sweep)
    write_atomically(folder / "sweep.csv", sweep_table(sweep).to_csv(index=False))
    page = write_sweep_page(folder)
    for note in sweep["notes"]:
        print(f"NOTE: {note}")
    print(f"\n{format_sweep(sweep)}\n")
    print(f"sweep: {page}")


def format_sweep(sweep: Mapping[str, Any]) -> str:
    """The table as aligned text, the intervals below the means, and the jobs that failed."""
    metrics = [name for name in SHOWN if name in cards.table()]
    head = ["over the seeds" if sweep["over_seeds"] else "over the runs", "runs"]
    table = [[*head, *map(cards.title_of, metrics)]]
    for row in sweep["rows"]:
        name = " ".join(f"{key}={value}" for key, value in row["values"].items()) or "mean"
        mark = "†" if row["untrained"] else ""
        found = [row["metrics"][metric] for metric in metrics]
        runs = str(row["runs"]) if row["runs"] == row["of"] else f"{row['runs']} of {row['of']}"
        table.append([name + mark, runs, *(_mean(one) for one in found)])
        for kind, text in (("over_seeds", "  seeds"), ("over_videos", "  videos")):
            table.append([text, "", *(_span(one[kind]) for one in found)])
    lines = aligned_rows(table)
    lines.insert(1, "-" * len(lines[0]))
    percent = f"{100 * sweep['level']:g} %"
    lines += [
        "± standard deviation of the runs (n - 1); a run's value is the median over its splits",
        f"seeds: {percent} t interval of the mean, what other seeds would change",
        f"videos: {percent} bootstrap interval of the mean over the test videos, models fixed",
    ]
    if any(row["untrained"] for row in sweep["rows"]):
        lines.append("† random weights: says nothing about quality")
    for job in sweep["jobs"]:
        if job["status"] != "finished":
            values = " ".join(f"{key}={value}" for key, value in job["values"].items())
            lines.append(f"{values}: {job['status']}{': ' if job['error'] else ''}{job['error']}")
    return "\n".join(lines)


def _mean(one: Mapping[str, Any]) -> str:
    spread = "" if number(one["std"]) == "nan" else f" ± {number(one['std'])}"
    return number(one["mean"]) + spread


def _span(ends: Sequence[float]) -> str:
    low, high = (number(end, 3) for end in ends)
    return "-" if "nan" in (low, high) else f"{low} to {high}"
