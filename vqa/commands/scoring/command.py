"""`vqa score`: score files, print and write each score when it is known."""

import sys
from collections.abc import Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path

from vqa.commands.preflight import check_device, check_folder
from vqa.commands.printing import say
from vqa.commands.scoring.files import ScoreFiles, checked_output, output_files
from vqa.commands.scoring.scorer import Score, Scorer
from vqa.databases.unrated import find_videos
from vqa.files import shown
from vqa.video import RawFormat


def main(
    run: str,
    places: Sequence[str],
    *,
    output: str | Path,
    cache: str | Path = "cache",
    device: str = "auto",
    raw: RawFormat | None = None,
    damaged: str = "refuse",
    trust: Sequence[str] = (),
) -> int:
    """Score files, print and write each score when it is known.

    A place that names nothing, among others that do, costs a row with an error.

    Returns:
        1 if a file failed, else 0.

    Args:
        run: A finished run folder.
        places: Files, folders, globs, or lists of files.
        output: A .csv, .json or .jsonl file; see `vqa.commands.scoring.files`.
        cache: Folder of the feature cache.
        device: `auto`, `cpu` or `cuda`.
        raw: Format of headerless .yuv files.
        damaged: `refuse`, or `score` to score damaged files by their good frames.
        trust: Packages besides vqa that the run's configuration may use.

    Raises:
        ValueError: The output is one of the videos, or as `checked_output`.
    """
    output = checked_output(output)
    check_folder("cache", cache)
    check_device("device", device)
    found = find_videos(places)
    if taken := set(found.files) & {file.absolute() for file in output_files(output)}:
        raise ValueError(
            f"output={shown(min(taken))} is one of the files to score; choose another name"
        )
    for remark in found.remarks:
        say(remark, sys.stderr)
    scorer = Scorer(run, cache=cache, device=device, damaged=damaged, trust=trust)
    for note in scorer.notes:
        say(f"NOTE: {note}")
    low, high = scorer.mos_range
    name = scorer.run.database["name"]
    say(f"score on [{low:g}, {high:g}], the MOS scale of {name}; higher is better")
    if scorer.calibration is not None:
        say(f"score  [{scorer.level:.0%} interval]  percentile among the MOS in training  file")
    say(f"timeline: {scorer.timeline}")
    absent = (scorer.failed(video, cause) for video, cause in found.absent.items())
    failed = outside = 0
    with (
        ScoreFiles(output, scorer.notes) as files,
        closing(scorer.score(found.files, raw=raw)) as scores,
    ):
        for score in chain(absent, scores):
            files.add(score)
            failed += score.value is None
            outside += score.value is not None and not low <= score.value <= high
            say(line_of(score))
        say("written: " + ", ".join(map(str, files.finish())))
    if outside:
        say(
            f"NOTE: {outside} of {files.count} scores lie outside the scale [{low:g}, {high:g}]: "
            "the model extrapolates"
        )
    if failed:
        say(f"{failed} of {files.count} files failed; their rows say why", sys.stderr)
    return 1 if failed else 0


def line_of(score: Score) -> str:
    """Return the line that is printed for a score."""
    remark = f"  ({score.error or score.note})" if score.error or score.note else ""
    if score.value is None:
        return f"failed  {score.video}{remark}"
    interval = ""
    if score.interval is not None:
        low, high = score.interval
        interval = f"  [{low:.2f}, {high:.2f}]  {score.percentile:3.0f} %"
    return f"{score.value:8.4f}{interval}  {score.video}{remark}"
