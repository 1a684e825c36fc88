"""The page of a scoring job: one file with all scores, made row by row.

Every video is in the table, with a small drawing of its timeline. Pictures and full timelines are
limited, so that the page of ten thousand videos still opens on a phone: `ROWS`, `THUMBNAILS` and
`CARDS` go to the lowest scores and an even sample of the others, and the page says so.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from vqa.evaluation.moments import worst_moments
from vqa.files import shown
from vqa.progress import progress_bar
from vqa.reports import figures, page
from vqa.reports.scoring.entries import (
    Entry,
    below,
    common_folder,
    folder_text,
    spark,
    spread,
)
from vqa.reports.scoring.reasons import reasons
from vqa.reports.scoring.stills import MOMENT, THUMBNAIL, nearest, stills, thumbnail_index
from vqa.reports.svg import inline, to_svg
from vqa.reports.words import percent, plural
from vqa.reports.words import shown as number
from vqa.video import RawFormat

ROWS, THUMBNAILS, CARDS, FAILURES = 10_000, 600, 60, 1000


def write_page(
    path: Path,
    rows: Iterable[Mapping[str, Any]],
    *,
    model: Mapping[str, Any],
    command: str,
    raw: RawFormat | None = None,
    quiet: bool = False,
) -> None:
    """Write the page of a scoring job.

    Args:
        path: The page.
        rows: A score each, as in a .jsonl output: `video, score, times_s, frame_quality, interval,
            percentile, note, error`; and `path`, that of the video.
        model: `name`, `scale` (its two ends, or None if it has none), `opinions` (evenly spaced
            quantiles of the training MOS, or None), `level` (probability of the intervals),
            `notes` (on all scores), `timeline` (what the timelines are) and perhaps `scale_is`
            (whose scale it is).
        command: What made the scores.
        raw: Format of headerless `.yuv` files.
        quiet: Show no progress.
    """
    entries: list[Entry] = []
    failures: list[dict[str, str]] = []
    for row in rows:
        if row.get("score") is None:
            cause = row.get("error") or "unknown"
            failures.append({"path": str(row.get("path") or row["video"]), "cause": cause})
        else:
            entries.append(Entry.of(row))
    entries.sort(key=lambda entry: (entry.score, entry.path))
    content = _content(entries, failures, model, command, raw, quiet)
    page.write_page(path, "scores.html", content, page.template_text("videos.css"))


def _content(
    entries: list[Entry],
    failures: list[dict[str, str]],
    model: Mapping[str, Any],
    command: str,
    raw: RawFormat | None,
    quiet: bool,
) -> dict[str, Any]:
    """Return the variables of the template."""
    folder = common_folder([*(one.path for one in entries), *(one["path"] for one in failures)])
    scores = np.array([entry.score for entry in entries])
    scale, ends = _scale(model.get("scale"), scores)
    kept = [entries[rank] for rank in spread(len(entries), ROWS)]
    timed = [rank for rank, entry in enumerate(kept) if len(entry.quality) > 1 or entry.explanation]
    carded = {timed[place] for place in spread(len(timed), CARDS)}
    pictured = carded | set(spread(len(kept), THUMBNAILS))
    table, cards, lost = [], [], 0
    with progress_bar(len(pictured), "page: reading pictures", "video", disable=quiet) as bar:
        for rank, entry in enumerate(kept):
            name = _name(entry.path, len(folder))
            moments = worst_moments(entry.times_s, entry.quality) if rank in carded else []
            images: list[str] = []
            if rank in pictured:
                images = _images(entry, moments, raw)
                lost += not images
                bar.update()
            if rank in carded:
                card = _card(rank, name, entry, moments, images[1:], ends)
                cards.append(card | {"why": reasons(entry.path, entry.explanation, raw)})
            table.append(_row(rank, name, entry, images, ends, rank in carded))
    name = str(model["name"])
    return {
        "kicker": "Video quality scores",
        "title": f"{plural(len(entries), 'video')} scored by {name}",
        "verdict": _verdict(scores, scale),
        "summary": [f"model {name}", f"scale {scale}", f"files in {shown(folder_text(folder))}"],
        "notes": [*map(str, model.get("notes") or ()), *_remarks(scores, failures, model)],
        "facts": _facts(model, scale, entries, failures),
        "tiles": _tiles(kept, scores, len(folder)) if entries else [],
        "distribution": _distribution(scores, model.get("opinions"), ends) if entries else None,
        "percent": "" if model["level"] is None else percent(model["level"]),
        "has_interval": any(entry.interval for entry in entries),
        "has_percentile": any(entry.percentile is not None for entry in entries),
        "has_timeline": bool(timed),
        "has_note": any(entry.note for entry in entries),
        "rows": table,
        "cards": cards,
        "timed": len(timed),
        "timeline": model.get("timeline") or "",
        "limits": _limits(len(entries), len(kept), len(pictured), lost),
        "failures": [
            {"name": _name(one["path"], len(folder)), "cause": one["cause"]}
            for one in failures[:FAILURES]
        ],
        "failed": len(failures),
        "command": command,
    }


def _images(entry: Entry, moments: Sequence[int], raw: RawFormat | None) -> list[str]:
    """Return the thumbnail of a video and its frames at some moments; none if unreadable."""
    times_s = [float(entry.times_s[one]) for one in moments]
    return stills(
        entry.path,
        lambda info: [thumbnail_index(info), *(nearest(info, time_s) for time_s in times_s)],
        [THUMBNAIL] + [MOMENT] * len(times_s),
        raw,
    )


def _scale(scale: Sequence[float] | None, scores: np.ndarray) -> tuple[str, tuple[float, float]]:
    """Return a scale in words, and the ends of the axes; a scale without ends takes the scores'."""
    if scale is not None and np.isfinite(np.asarray(scale, dtype=float)).all():
        return f"{scale[0]:g} to {scale[1]:g}", (float(scale[0]), float(scale[1]))
    low, high = (scores.min(), scores.max()) if len(scores) else (0.0, 1.0)
    return "without fixed ends", (float(low), float(high) if high > low else float(low) + 1.0)


def _name(path: str, depth: int) -> str:
    """Return the path of a video below the folder of all, which has `depth` parts."""
    return shown(below(path, depth))


def _row(
    rank: int,
    name: str,
    entry: Entry,
    images: Sequence[str],
    ends: tuple[float, float],
    has_card: bool,
) -> dict[str, Any]:
    """Return a row of the table."""

    def place(value: float) -> str:
        return f"{100 * np.clip((value - ends[0]) / (ends[1] - ends[0]), 0, 1):.0f}"

    bar = entry.interval and [place(value) for value in (*entry.interval, entry.score)]
    return {
        "name": name,
        "card": f"video-{rank}" if has_card else None,
        "image": images[0] if images else None,
        "score": entry.score,
        "interval": entry.interval,
        "bar": bar,
        "percentile": entry.percentile,
        "lowest": entry.lowest,
        "spark": spark(entry.quality, ends),
        "note": entry.note,
    }


def _card(
    rank: int,
    name: str,
    entry: Entry,
    moments: Sequence[int],
    images: Sequence[str],
    ends: tuple[float, float],
) -> dict[str, Any]:
    """Return a video in full: its timeline and the frames of its worst moments."""
    drawn = figures.timeline(entry.times_s, entry.quality, None, entry.score, ends, marks=moments)
    label = f"frame quality of {name} over time"
    times = [float(entry.times_s[one]) for one in moments]
    qualities = [float(entry.quality[one]) for one in moments]
    return {
        "id": f"video-{rank}",
        "name": name,
        "score": entry.score,
        "interval": entry.interval,
        "timeline": Markup(inline(to_svg(drawn), f"timeline-{rank}", label)),
        "moments": list(zip(images, times, qualities, strict=False)),
        "note": entry.note,
    }


def _verdict(scores: np.ndarray, scale: str) -> str:
    """Return the main result in one sentence."""
    if not len(scores):
        return "No file could be scored."
    if len(scores) == 1:
        return f"Score {scores[0]:.2f} on a scale {_article(scale)}, where higher is better."
    low, middle, high = np.quantile(scores, (0.25, 0.5, 0.75))
    middle_is = f"Median score {middle:.2f} on a scale {_article(scale)}, where higher is better"
    return f"{middle_is}; half of the videos lie between {low:.2f} and {high:.2f}."


def _article(scale: str) -> str:
    return scale if scale.startswith("without") else f"of {scale}"


def _remarks(scores: np.ndarray, failures: Sequence[Any], model: Mapping[str, Any]) -> list[str]:
    """Return what every reader of these scores must know."""
    remarks = []
    scale = model.get("scale")
    outside = 0 if scale is None else int(np.sum((scores < scale[0]) | (scores > scale[1])))
    if outside:
        remarks.append(
            f"{outside} of {plural(len(scores), 'score')} lie outside the scale: "
            "the model extrapolates."
        )
    if failures:
        total = len(scores) + len(failures)
        remarks.append(f"{len(failures)} of {plural(total, 'file')} could not be scored.")
    return remarks


def _facts(
    model: Mapping[str, Any], scale: str, entries: list[Entry], failures: Sequence[Any]
) -> list[tuple[str, str]]:
    """Return label and text of what the scores are."""
    facts = [
        ("Model", str(model["name"])),
        ("Scale", "; ".join(filter(None, [scale, model.get("scale_is"), "higher is better"]))),
        ("Videos", f"{len(entries)} scored, {len(failures)} failed"),
    ]
    if any(entry.interval for entry in entries):
        meaning = (
            f"holds the MOS with a probability of {percent(model['level'])} if the video is like "
            "those that the model was tested on"
        )
        facts.append(("Interval", meaning))
    if any(entry.percentile is not None for entry in entries):
        meaning = "share of the training videos whose MOS is at most the score"
        facts.append(("Percentile", meaning))
    if model.get("timeline"):
        facts.append(("Timeline", str(model["timeline"])))
    return facts


def _tiles(
    entries: list[Entry], scores: np.ndarray, depth: int
) -> list[tuple[str, float | int, str]]:
    """Return label, value and small print of the headline numbers."""
    lowest, highest = entries[0], entries[-1]
    tiles: list[tuple[str, float | int, str]] = [
        ("Median score", float(np.median(scores)), f"mean {number(float(scores.mean()), 2)}"),
        ("Lowest", lowest.score, _name(lowest.path, depth)),
        ("Highest", highest.score, _name(highest.path, depth)),
    ]
    noted = sum(bool(entry.note) for entry in entries)
    if noted:
        tiles.append(("With a note", noted, f"of {plural(len(entries), 'video')}"))
    return tiles


def _distribution(
    scores: np.ndarray, opinions: Sequence[float] | None, ends: tuple[float, float]
) -> Markup:
    """Return the figure of the scores beside the MOS of the training videos."""
    label = "Distribution of the scores" + ("" if opinions is None else " and of the training MOS")
    figure = figures.scores_beside_opinions(scores, opinions, ends)
    return Markup(inline(to_svg(figure), "distribution", label))


def _limits(scored: int, kept: int, pictured: int, lost: int) -> list[str]:
    """Say what was left out."""
    chosen = "the lowest scores and an even sample of the others"
    limits = []
    if kept < scored:
        limits.append(f"{kept} of {scored} videos are on this page: {chosen}.")
    if pictured < kept:
        limits.append(f"{pictured} videos have a picture: {chosen}.")
    if lost:
        limits.append(
            f"{plural(lost, 'video')} {'has' if lost == 1 else 'have'} no picture because the file "
            "is gone or can no longer be read."
        )
    return limits
