"""List the runs below a folder with their results."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from vqa.commands.configuration import UsageError
from vqa.commands.preflight import check_output
from vqa.files import csv_text, shown, user_path
from vqa.runs.overview import RunSummary, find_runs
from vqa.runs.used_features import MARK

HEAD = ("run", "model", "data", "protocol", "n", "SROCC", "interval", "age")
GENERATOR = b'<meta name="generator" content="vqa">'  # in every page of ours
UNITS = (("d", 86400), ("h", 3600), ("min", 60))


def main(
    folder: str, *, as_json: bool = False, as_csv: bool = False, html: str | None = None
) -> int:
    """Print the runs below a folder as a table, as JSON, or as CSV, or write their page.

    Args:
        folder: Searched at any depth.
        as_json: Print a JSON list.
        as_csv: Print comma-separated values.
        html: Write the page to this file; empty: `index.html` in the folder.

    Raises:
        FileNotFoundError: There is no such folder.
        UsageError: The page cannot be written, or another file is in its place.
    """
    found = find_runs(folder)
    if html is not None:
        print(f"index: {_write_page(user_path(folder), html, found)}")
    elif as_json:
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


def _write_page(folder: Path, html: str, runs: Sequence[RunSummary]) -> Path:
    """Write the index of a folder; what lies inside a study belongs to it."""
    from vqa.reports.index_page import write_index  # here, because the other forms are quick
    from vqa.runs.gathered import find_gathered

    path = check_output("--html", html or folder / "index.html")
    if path.is_file() and GENERATOR not in path.read_bytes()[:1000]:
        raise UsageError(
            f"{shown(path)}: expected no file, or a page that vqa wrote, found another one; name "
            "another file, --html <file>"
        )
    gathered = find_gathered(folder)
    studies = [one.folder for one in gathered if one.kind == "study" and one.folder != folder]
    own = [run for run in runs if not any(map(run.folder.is_relative_to, studies))]
    return write_index(path, folder, own, gathered)


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
