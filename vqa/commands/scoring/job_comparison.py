"""Compare two scoring jobs video by video, for example before and after a new encoder setting."""

from collections.abc import Sequence
from pathlib import Path

from vqa.commands.configuration import UsageError
from vqa.commands.printing import say
from vqa.commands.scoring.pairing import paired
from vqa.commands.scoring.score_tables import SUFFIXES, ScoreTable, is_score_file, read_scores
from vqa.evaluation.text import aligned_rows
from vqa.evaluation.uncertainty import Change, change
from vqa.files import shown, write_csv
from vqa.reports.scoring.changes_page import Pair, Unpaired, names_of, write_changes_page
from vqa.reports.words import percent, plural, probability

COLUMNS = ("video", "before", "after", "difference", "before_file", "after_file", "remark")
LARGEST = 5  # losses that are printed
DIGITS = 4


def compare_jobs(files: Sequence[str], *, output: Path, command: str = "") -> None:
    """Print how the scores changed; write comparison.csv and comparison.html.

    Args:
        files: The scores before, and those after, as `vqa score` writes them.
        output: Folder of the comparison.
        command: Shown on the page.

    Raises:
        UsageError: Not two files of scores.
        FileNotFoundError: One is absent.
        ValueError: One holds no scores, or the two are of different models or scales, or of
            different videos.
    """
    if len(files) != 2 or not all(map(is_score_file, files)):
        raise UsageError(
            f"expected two files of scores ({', '.join(SUFFIXES)}) or folders of finished runs, "
            f"found {', '.join(map(shown, files))}"
        )
    before, after = map(read_scores, files)
    model, scale = _common(before, after)
    pairs, unpaired = _pairs(before, after)
    found = change([pair.before for pair in pairs], [pair.after for pair in pairs])
    notes = list(dict.fromkeys((*before.notes, *after.notes)))
    for note in notes:
        say(f"NOTE: {note}")
    for line in _lines(before, after, model, scale, pairs, found):
        say(line)
    if unpaired:
        say(f"{plural(len(unpaired), 'file')} without a partner or a score; comparison.csv has why")
    table = write_csv(output / "comparison.csv", COLUMNS, _rows(pairs, unpaired))
    page = output / "comparison.html"
    jobs = before.path.name, after.path.name
    if jobs[0] == jobs[1]:
        jobs = str(before.path), str(after.path)
    write_changes_page(
        page, pairs, found, unpaired=unpaired, jobs=jobs, model=model, scale=scale, notes=notes,
        command=command,
    )  # fmt: skip
    say(f"written: {table}, {page}")


def _common(before: ScoreTable, after: ScoreTable) -> tuple[str, tuple[float, float] | None]:
    """Return the model and the scale of both jobs.

    Raises:
        ValueError: They differ.
    """
    for what, *names in (
        ("model", before.models, after.models),
        ("scale", set(map(_ends, before.scales)), set(map(_ends, after.scales))),
    ):
        if len(set.union(*names)) > 1:
            found = [", ".join(sorted(each)) or "unknown" for each in names]
            raise ValueError(
                f"{shown(before.path)} has scores of {what} {found[0]}, {shown(after.path)} of "
                f"{found[1]}; expected one {what}: score both versions with the same model"
            )
    models, scales = before.models | after.models, before.scales | after.scales
    return next(iter(models), "unknown"), next(iter(scales), None)


def _ends(scale: tuple[float, float]) -> str:
    return f"{scale[0]:g} to {scale[1]:g}"


def _pairs(before: ScoreTable, after: ScoreTable) -> tuple[list[Pair], list[Unpaired]]:
    """Return the pairs with both scores, the largest loss first, and all other files.

    Raises:
        ValueError: No video has two scores.
    """
    videos = [*before.scores, *before.failed], [*after.scores, *after.failed]
    names = [names_of(each) for each in videos]
    pairs: list[Pair] = []
    unpaired: list[Unpaired] = []
    matched = paired(*videos)
    for first, second in matched:
        causes = [
            f"failed {when}: {table.failed[video]}"
            for when, table, video in (("before", before, first), ("after", after, second))
            if video in table.failed
        ]
        name = names[0][first]
        if causes:
            unpaired.append(Unpaired(name, first, second, "; ".join(causes)))
        else:
            scores = before.scores[first], after.scores[second]
            pairs.append(Pair(name, first, second, *scores))
    if not pairs:
        raise ValueError(
            f"{shown(before.path)} and {shown(after.path)} share no scored video; expected the "
            "same file names, up to the folder above all of them and the suffix"
        )
    known = [{pair[side] for pair in matched} for side in (0, 1)]
    for side, (when, other) in enumerate((("before", "after"), ("after", "before"))):
        for video in videos[side]:
            if video not in known[side]:
                files = (video, "") if side == 0 else ("", video)
                remark = f"only {when}: no file of this name {other}, or several"
                unpaired.append(Unpaired(names[side][video], *files, remark))
    return sorted(pairs, key=lambda pair: (pair.difference, pair.name)), unpaired


def _lines(
    before: ScoreTable,
    after: ScoreTable,
    model: str,
    scale: tuple[float, float] | None,
    pairs: Sequence[Pair],
    found: Change,
) -> list[str]:
    """Return the table that is printed."""
    ends = f"scale {_ends(scale)}, " if scale else ""
    shares = (found.better, found.worse, 1 - found.better - found.worse)
    better, worse, same = (percent(round(share, 2)) for share in shares)
    interval = ""
    if found.interval is not None:
        low, high = found.interval
        interval = f"{percent(found.level)} interval {low:+.3f} to {high:+.3f} (Student's t)"
    rows = [
        ("mean change", f"{found.mean:+.3f}", interval),
        ("median change", f"{found.median:+.3f}", f"Wilcoxon p {probability(found.p)}"),
        ("better", better, f"worse {worse}, the same {same}"),
    ]
    head = (
        f"{shown(before.path)} -> {shown(after.path)}: {plural(len(pairs), 'video')}, model "
        f"{model}, {ends}higher is better"
    )
    lines = [head, *(f"{label:14} {value:>8}  {text}".rstrip() for label, value, text in rows)]
    losses = [pair for pair in pairs[:LARGEST] if pair.difference < 0]
    if losses:
        cells = [
            [pair.name, f"{pair.before:.2f}", f"{pair.after:.2f}", f"{pair.difference:+.3f}"]
            for pair in losses
        ]
        lines += aligned_rows([["largest losses", "before", "after", "change"], *cells])
    return lines


def _rows(pairs: Sequence[Pair], unpaired: Sequence[Unpaired]) -> list[list[object]]:
    """Return the rows of comparison.csv."""
    rows: list[list[object]] = [
        [one.name, one.before, one.after, round(one.difference, 10), *one.files, ""]
        for one in pairs
    ]
    return rows + [[one.name, None, None, None, *one.files, one.remark] for one in unpaired]
