"""Compare finished runs on the splits that they share, or the scores of two jobs."""

from collections.abc import Sequence
from pathlib import Path

from vqa.commands.preflight import check_folder
from vqa.commands.scoring.job_comparison import compare_jobs
from vqa.commands.scoring.score_tables import is_score_file
from vqa.reports.comparison_page import write_comparison
from vqa.reports.tracking import CsvTracker
from vqa.runs.comparison import compare, write_comparison_files
from vqa.runs.comparison.formatting import format_comparison
from vqa.runs.opening import load_run
from vqa.runs.stored import as_data


def main(
    runs: Sequence[str],
    *,
    metric: str,
    output: str | Path,
    command: str = "",
    tracker: CsvTracker | None = None,
) -> None:
    """Compare runs, print the tables, write comparison.json, tables and page.

    Files of scores are compared video by video, see `vqa.commands.scoring.job_comparison`.

    Args:
        runs: Two or more folders of finished runs, or two files of scores.
        metric: What pairs of models are compared by.
        output: Folder of the comparison.
        command: Kept in the comparison.
        tracker: Follows a comparison of runs besides its folder.
    """
    folder = check_folder("output", output)
    if any(map(is_score_file, runs)):
        compare_jobs(runs, output=folder, command=command)
        return
    with as_data(", ".join(runs)):
        found = compare([load_run(run) for run in runs], metric=metric, command=command)
    write_comparison_files(found, folder)
    page = write_comparison(folder)
    (tracker or CsvTracker()).finish_comparison(folder)
    for note in found.content["notes"]:
        print(f"NOTE: {note}")
    print(f"\n{format_comparison(found.content)}\n")
    print(f"report: {page}")
