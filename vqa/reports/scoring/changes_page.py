"""The page of two scoring jobs on the same videos: what changed, and where most."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from vqa.evaluation.uncertainty import Change
from vqa.files import shown
from vqa.progress import progress_bar
from vqa.reports import figures, page
from vqa.reports.scoring.entries import below, common_folder, spread
from vqa.reports.scoring.stills import THUMBNAIL, middle_index, stills
from vqa.reports.svg import inline, to_svg
from vqa.reports.words import percent, plural, probability

ROWS, PICTURED, DOTS, UNPAIRED = 10_000, 300, 2000, 1000


@dataclass(frozen=True, slots=True)
class Pair:
    """A video in two versions, and their scores.

    Attributes:
        name: Name of the video.
        first: Path of the file before.
        second: Path of the file after.
        before: Its score before.
        after: Its score after.
    """

    name: str
    first: str
    second: str
    before: float
    after: float

    @property
    def difference(self) -> float:
        """The score after minus the score before."""
        return self.after - self.before

    @property
    def files(self) -> tuple[str, str]:
        """The paths before and after."""
        return self.first, self.second


@dataclass(frozen=True, slots=True)
class Unpaired:
    """A file without a partner, or a pair of which one has no score.

    Attributes:
        name: Name of the video.
        first: Path of the file before; empty if there is none.
        second: Path of the file after; empty if there is none.
        remark: Why it is not compared.
    """

    name: str
    first: str
    second: str
    remark: str

    @property
    def files(self) -> tuple[str, str]:
        """The paths before and after."""
        return self.first, self.second


def names_of(paths: Sequence[str]) -> dict[str, str]:
    """Return the names of a job's files: their paths below the folder of all, by path."""
    depth = len(common_folder(paths))
    return {path: shown(below(path, depth)) for path in paths}


def write_changes_page(
    path: Path,
    pairs: Sequence[Pair],
    change: Change,
    *,
    unpaired: Sequence[Unpaired],
    jobs: tuple[str, str],
    model: str,
    scale: tuple[float, float] | None,
    notes: Iterable[str],
    command: str,
) -> None:
    """Write the page.

    Args:
        path: The page.
        pairs: At least one, the largest loss first.
        change: Of their scores.
        unpaired: What is not compared.
        jobs: Names of the two jobs.
        model: Name of the model that gave all scores.
        scale: Ends of its scale; None if they are unknown.
        notes: On all scores.
        command: What made the page.
    """
    kept = [pairs[rank] for rank in spread(len(pairs), ROWS)]
    pictured = set(spread(len(kept), PICTURED))
    most = max(abs(pair.difference) for pair in pairs) or 1.0
    rows = []
    with progress_bar(len(pictured), "page: reading pictures", "pair") as bar:
        for rank, pair in enumerate(kept):
            images = []
            if rank in pictured:
                images = [_still(file) for file in pair.files]
                bar.update()
            rows.append(_row(pair, images, most))
    content = {
        "kicker": "Change of video quality",
        "title": f"{shown(jobs[0])} to {shown(jobs[1])}",
        "verdict": _verdict(change),
        "summary": _summary(model, scale, len(pairs)),
        "notes": list(notes),
        "tiles": _tiles(change),
        "percent": percent(change.level),
        "pictures": _pictures(pairs, change),
        "rows": rows,
        "limits": _limits(len(pairs), len(kept), len(pictured)),
        "unpaired": unpaired[:UNPAIRED],
        "without": len(unpaired),
        "command": command,
    }
    page.write_page(path, "changes.html", content, page.template_text("videos.css"))


def _still(path: str) -> str | None:
    """Return the frame in the middle of a video; None if it is not readable."""
    return next(iter(stills(path, lambda info: [middle_index(info)], [THUMBNAIL])), None)


def _row(pair: Pair, images: Sequence[str | None], most: float) -> dict[str, Any]:
    """Return a row of the table; its bar begins in the middle, at no change."""
    ends = sorted((50.0, 50 + 50 * pair.difference / most))
    return {
        "name": pair.name,
        "images": images,
        "before": pair.before,
        "after": pair.after,
        "difference": pair.difference,
        "text": f"{pair.difference:+.3f}",
        "bar": [f"{end:.0f}" for end in ends],
        "kind": "worse-by" if pair.difference < 0 else "better-by" if pair.difference else "",
    }


def _verdict(change: Change) -> str:
    """Return the main result in one sentence."""
    count = plural(len(change.differences), "video")
    if change.interval is None:
        return f"The score of the video changed by {change.mean:+.3f}."
    low, high = change.interval
    ends = f"{percent(change.level)} interval {low:+.3f} to {high:+.3f}"
    if low <= 0 <= high:
        lead = f"No clear change over {count}: on average {change.mean:+.3f} ({ends})"
    else:
        verb = "fell" if change.mean < 0 else "rose"
        lead = f"The scores of {count} {verb} by {abs(change.mean):.3f} on average ({ends})"
    return f"{lead}; {_share(change.better)} got better, {_share(change.worse)} worse."


def _summary(model: str, scale: tuple[float, float] | None, count: int) -> list[str]:
    """Return the line below the verdict."""
    ends = [] if scale is None else [f"scale {scale[0]:g} to {scale[1]:g}"]
    return [f"model {model}", *ends, "higher is better", plural(count, "video")]


def _tiles(change: Change) -> list[tuple[str, str, str]]:
    """Return label, value and small print of the headline numbers."""
    interval = ""
    if change.interval is not None:
        interval = f"{change.interval[0]:+.3f} to {change.interval[1]:+.3f}"
    same = 1 - change.better - change.worse
    return [
        ("Mean change", f"{change.mean:+.3f}", interval),
        ("Median change", f"{change.median:+.3f}", f"Wilcoxon p {probability(change.p)}"),
        ("Got better", _share(change.better), f"{_share(same)} did not change"),
        ("Got worse", _share(change.worse), f"largest loss {min(change.differences):+.3f}"),
    ]


def _share(value: float) -> str:
    return percent(round(value, 2))


def _pictures(pairs: Sequence[Pair], change: Change) -> list[Markup]:
    """Return the distribution of the changes, and the scores of both jobs."""
    drawn = figures.changes(change.differences, change.mean, change.interval)
    label = "Distribution of the changes of the scores"
    dots = [pairs[rank] for rank in spread(len(pairs), DOTS)]
    both = figures.before_and_after([one.before for one in dots], [one.after for one in dots])
    names = [f"{one.name}\n{one.before:.2f} to {one.after:.2f}" for one in dots]
    return [
        Markup(inline(to_svg(drawn), "changes", label)),
        Markup(inline(to_svg(both, names), "before-after", "Scores after over scores before")),
    ]


def _limits(paired: int, kept: int, pictured: int) -> list[str]:
    """Say what was left out."""
    chosen = "the largest losses and an even sample of the others"
    limits = []
    if kept < paired:
        limits.append(f"{kept} of {paired} videos are on this page: {chosen}.")
    if pictured < kept:
        limits.append(f"{pictured} videos have pictures: {chosen}.")
    return limits
