"""List the runs below a folder with their results."""

import json
from dataclasses import asdict
from datetime import datetime

from vqa.files import csv_text
from vqa.runs.overview import RunSummary, find_runs
from vqa.runs.used_features import MARK

HEAD = ("run", "model", "data", "protocol", "n", "SROCC", "interval", "age")
UNITS = (("d", 86400), ("h", 3600), ("min", 60))


def main(folder: str, *, as_json: bool = False, as_csv: bool = False) -> int:
    """Print the runs below a folder as a table, as JSON, or as CSV.

    Args:
        folder: Searched at any depth.
        as_json: Print a JSON list.
        as_csv: Print comma-separated values.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    found = find_runs(folder)
    if as_json:
        print(json.dumps([_plain(run) for run in found], indent=1))
    elif as_csv:
        rows = (_plain(run).values() for run in found)
        print(csv_text(list(RunSummary.__dataclass_fields__), rows), end="")
    elif found:
        now = datetime.now()
        _print_table([HEAD, *(_row(run, now) for run in found)])
    else:
        print(f"no runs below {folder}; vqa train makes one")
    return 0


def _row(run: RunSummary, now: datetime) -> tuple[str, ...]:
    """The cells of one run; a run without results says how far it is."""
    srocc = interval = ""
    if run.srocc is not None:
        srocc = f"{run.srocc:.4f}"
    elif not run.finished:
        srocc = f"{run.done} of {run.splits} splits"
    if run.untrained:
        srocc = f"{srocc} ({MARK})".lstrip()
    if run.srocc_low is not None and run.srocc_high is not None:
        interval = f"{run.srocc_low:.2f} to {run.srocc_high:.2f}"
    age = _age((now - datetime.strptime(run.changed, "%Y-%m-%d %H:%M")).total_seconds())
    count = str(run.videos or "")
    return str(run.folder), run.model, run.data, run.protocol, count, srocc, interval, age


def _age(seconds: float) -> str:
    """A duration in its largest unit: `3 h`."""
    for unit, length in UNITS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return "now"


def _print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(map(str.ljust, row, widths)).rstrip())


def _plain(run: RunSummary) -> dict[str, object]:
    return {**asdict(run), "folder": str(run.folder)}
