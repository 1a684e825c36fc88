"""The report of one run, made from the files of the run folder only.

`predictions.csv` must exist. If another file is absent (`results.json`, `videos.csv`, config,
environment, histories, evidence, failures, notes), its part is computed or left out.
"""

import base64
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from markupsafe import Markup

from vqa.evaluation.groups import FEW, GROUP_METRICS, group_of, group_tables, read_groups
from vqa.evaluation.metrics import cards
from vqa.evaluation.predictions import read_predictions
from vqa.evaluation.results import Results, read_results
from vqa.evaluation.summary import summarise
from vqa.evaluation.text import alongside_values
from vqa.files import read_json
from vqa.reports import figures
from vqa.reports.colouring import Choice, choices, classes, rules
from vqa.reports.page import placed, read_yaml, write_page
from vqa.reports.paging import PAGE_ROWS, STYLE, as_data, rows_that_fit
from vqa.reports.provenance import flat, run_facts
from vqa.reports.svg import inline, to_svg
from vqa.reports.words import known, percent, plural, shown, span
from vqa.runs.histories import read_histories
from vqa.runs.used_features import MARK, untrained_features

log = logging.getLogger(__name__)

MOST_DOTS = 3000  # in each picture: a browser draws some ten thousand of them a second
MOST_ROWS = 3000  # of HTML; a longer table is in pages
HEADLINE = ("srocc", "plcc", "krocc", "rmse")
IN_SUMMARY = ("Model", "Features", "Database", "Protocol", "Seed", "Split hash", "Commit")


def write_report(run_folder: str | Path) -> Path:
    """Write `report.html` and `figures/*.svg` of a run from its files.

    Returns:
        The path of the report.

    Raises:
        FileNotFoundError: The folder has no `predictions.csv`.
        ValueError: A file with unexpected content.
    """
    folder = Path(run_folder)
    predictions = read_predictions(folder / "predictions.csv")
    results = read_results(folder / "results.json") or summarise(predictions)
    groups = read_groups(folder / "videos.csv")
    colours = choices(predictions, groups)
    content = _content(folder, predictions, results, groups, colours)
    style, scripts = rules(colours), ["page.js"]
    if content["data"]:
        style, scripts = f"{style}\n{STYLE}", [*scripts, "paged.js"]
    return write_page(folder / "report.html", "run.html", content, style, scripts)


def _content(
    folder: Path,
    predictions: pd.DataFrame,
    results: Results,
    groups: pd.DataFrame,
    colours: list[Choice],
) -> dict[str, Any]:
    """Return the variables of the template."""
    config = read_yaml(folder / "config.yaml")
    environment = flat(read_json(folder / "environment.json") or {})
    paths = {name: folder / "splits" / f"{name}.json" for name in results.splits}
    splits = {name: read_json(path) for name, path in paths.items() if path.is_file()}
    facts = run_facts(config, environment, splits)
    rows = predictions.assign(mapped=figures.mapped_scores(predictions))
    kinds = [by for by in groups if by != "content"]
    untrained = untrained_features(folder)
    remark = MARK if untrained else ""
    return {
        "kicker": f"Video quality report, {remark}" if remark else "Video quality report",
        "title": str(config.get("name") or folder.name),
        "verdict": _verdict(results, untrained),
        "summary": [f"{label.lower()} {value}" for label, value, _ in facts if label in IN_SUMMARY],
        "notes": [*(read_json(folder / "notes.json") or []), *_remarks(results)],
        "facts": facts,
        "results": results,
        "metrics": cards.table(),
        "headline": HEADLINE,
        "alongside": alongside_values(results.summary),
        "percent": percent(results.bootstrap.level),
        "split_files": splits,
        "figures": _figures(
            folder, rows, results, lambda dots: classes(dots, colours, groups), remark
        ),
        "drawn": min(len(rows), MOST_DOTS),
        "colours": colours,
        "groups": group_tables(predictions, groups),
        "group_metrics": GROUP_METRICS,
        "few": FEW,
        "curves": _curves(folder, results, remark),
        "evidence": _evidence(folder, remark),
        "kinds": kinds,
        **_table(rows.assign(**{by: group_of(rows, groups[by]) for by in kinds}), kinds),
        "failures": _failures(folder / "failures.csv"),
        "command": environment.get("command", ""),
        "config": yaml.safe_dump(config, sort_keys=False, allow_unicode=True) if config else "",
    }


def _table(rows: pd.DataFrame, kinds: Sequence[str]) -> dict[str, Any]:
    """Return the rows of the table of predictions; of a long one its first page, and data."""
    if len(rows) <= MOST_ROWS:
        return {"rows": rows.to_dict("records"), "data": "", "left_out": 0}
    numbers = ["mos", "score", "mapped", "error"]
    table = rows.assign(error=rows["mapped"] - rows["mos"])[["video", "split", *numbers, *kinds]]
    table = figures.thinned(table, rows_that_fit(table.drop(columns=numbers), len(numbers)))
    return {
        "rows": table.head(PAGE_ROWS).to_dict("records"),
        "data": as_data(table, digits=3),
        "left_out": len(rows) - len(table),
    }


def _verdict(results: Results, untrained: Sequence[str]) -> str:
    """Return the main result in one sentence, after another one if features are untrained."""
    if untrained:
        names = ", ".join(untrained)
        warning = f"Random weights ({names}): these numbers say nothing about quality."
        return f"{warning} {_verdict(results, ())}"
    summary = results.summary
    value = summary.value("srocc")
    many = summary.splits > 1
    where = (
        f"over {summary.splits} splits, {summary.predictions} predictions of "
        f"{summary.videos} videos"
        if many
        else f"on {plural(summary.videos, 'test video')}"
    )
    if not known(value):
        return f"SROCC is undefined {where}: too few videos, or the same score for all of them."
    interval = f"{percent(results.bootstrap.level)} interval"
    name = "Median SROCC" if many else "SROCC"
    return f"{name} {shown(value, 3)} ({interval} {span(summary.interval('srocc'))}) {where}."


def _remarks(results: Results) -> list[str]:
    """Return what every reader of these numbers must know."""
    summary, remarks = results.summary, []
    low, high = (end if known(end) else 1.0 for end in summary.interval("srocc"))
    if low <= 0 <= high:
        remarks.append(
            "The interval of SROCC contains 0: nothing shows that the scores follow the opinions. "
            "Are there too few test videos, is the model untrained, or do the labels belong to "
            "other videos?"
        )
    lost = summary.undefined.get("srocc", 0)
    if lost and summary.splits > 1:
        remarks.append(
            f"{lost} of {summary.splits} splits have no correlation (constant scores or too few "
            "videos); medians and means exclude them."
        )
    straight = [name for name, part in results.splits.items() if part.curve == "linear"]
    if straight:
        remarks.append(
            f"PLCC and RMSE of {plural(len(straight), 'split')} ({', '.join(straight[:5])}) are "
            "after a straight line, which fits better than a logistic curve."
        )
    return remarks


def _figures(
    folder: Path,
    predictions: pd.DataFrame,
    results: Results,
    classes_of: Callable[[pd.DataFrame], list[str]],
    remark: str,
) -> dict[str, Markup]:
    """Return the scatter plot, the errors, and for several splits their intervals."""
    many = predictions["split"].nunique() > 1
    with_curve = predictions[predictions["mapped"].notna()]
    drawn = {"scatter": (predictions, figures.scatter(predictions, most=MOST_DOTS))}
    if len(with_curve):
        for over in ("mos", "mapped"):
            figure = figures.residuals(predictions, over, height=2.18, most=MOST_DOTS)
            drawn[f"errors-over-{over}"] = (with_curve, figure)
    captions = {
        "scatter": "MOS of each test video over its score, with the fitted logistic curve",
        "errors-over-mos": "Error of the mapped score over MOS",
        "errors-over-mapped": "Error of the mapped score over that score",
    }
    placements = {}
    for name, (rows, figure) in drawn.items():
        dots = figures.thinned(rows, MOST_DOTS)
        tooltips = [_tooltip(row, many) for row in dots.to_dict("records")]
        label = captions[name]
        marked = figures.mark(figure, remark)
        placements[name] = placed(folder, marked, name, label, tooltips, classes_of(dots))
    if many:
        figure = figures.mark(figures.split_intervals(results), remark)
        label = "SROCC of each split with its interval"
        placements["splits"] = placed(folder, figure, "splits", label)
    return placements


def _tooltip(row: Mapping[str, Any], many: bool) -> str:
    """Return the tooltip of a dot: name and numbers of the video."""
    split = f"{row['split']}: " if many else ""
    return f"{split}{row['video']}\nMOS {row['mos']:.3f}, score {row['score']:.3f}"


def _curves(folder: Path, results: Results, remark: str) -> list[Markup]:
    """Return the learning curves from the histories of all splits, one figure per quantity."""
    histories = read_histories(folder, results.splits)
    return [
        placed(
            folder,
            figures.mark(figure, remark),
            f"curve-{index}-{quantity}",
            f"{quantity} over the epochs",
        )
        for index, (quantity, figure) in enumerate(figures.learning_curves(histories).items())
    ]


def _evidence(folder: Path, remark: str) -> dict[str, list[dict[str, Any]]]:
    """Return the largest over- and underestimates, each with its strip and its timeline."""
    cases: dict[str, list[dict[str, Any]]] = {"over": [], "under": []}
    for index, case in enumerate(read_json(folder / "evidence.json") or []):
        quality = case.get("frame_quality") or []
        timeline = None
        if len(quality) > 1:
            drawn = figures.timeline(
                case["times_s"], quality, case["mos"], case["score"], case["mos_range"]
            )
            label = f"frame quality of {case['video']} over time"
            marked = figures.mark(drawn, remark)
            timeline = Markup(inline(to_svg(marked), f"timeline-{index}", label))
        strip = _picture(folder, case.get("strip"))
        caption = case.get("timeline", "") if timeline else ""
        shown = {"picture": strip, "timeline": timeline, "caption": caption}
        cases[case["kind"]].append(case | shown)
    return cases


def _picture(folder: Path, name: str | None) -> str | None:
    """Return a JPEG of the run folder as a data address; None without one."""
    if not name:
        return None
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        log.warning("skipped %s: no such picture inside the run folder", name)
        return None
    return "data:image/jpeg;base64," + base64.b64encode(path.read_bytes()).decode()


def _failures(path: Path) -> list[dict[str, str]]:
    """Return the videos that could not be used, with the cause."""
    if not path.is_file() or not path.stat().st_size:
        return []
    return pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records")
