"""The report of one run.

Only the files of the run folder are read. `predictions.csv` must be there; whatever else is absent
(`results.json`, `videos.csv`, config, environment, histories, evidence, failures, notes) is left
out or computed.
"""

import base64
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from markupsafe import Markup

from vqa.evaluation.groups import FEW, group_of, group_tables, read_groups
from vqa.evaluation.metrics import METRICS
from vqa.evaluation.results import further_values, read_predictions, summarise
from vqa.reports import figures
from vqa.reports.colouring import Choice, choices, classes, rules
from vqa.reports.page import placed, read_json, read_yaml, write_page
from vqa.reports.provenance import flat, run_facts
from vqa.reports.svg import inline, to_svg
from vqa.reports.words import known, percent, plural, shown, span

log = logging.getLogger(__name__)

MOST_ROWS = 8000
HEADLINE = ("srocc", "plcc", "krocc", "rmse")
IN_SUMMARY = ("Model", "Features", "Database", "Protocol", "Seed", "Split hash", "Commit")


def write_report(run_folder: str | Path) -> Path:
    """Write `report.html` and `figures/*.svg` of a run, from its files alone.

    Returns:
        The report's path.

    Raises:
        FileNotFoundError: The folder holds no `predictions.csv`.
        ValueError: A file that is not what it should be.
    """
    folder = Path(run_folder)
    predictions = read_predictions(folder / "predictions.csv")
    results = read_json(folder / "results.json") or summarise(predictions)
    groups = read_groups(folder / "videos.csv")
    colours = choices(predictions, groups)
    content = _content(folder, predictions, results, groups, colours)
    return write_page(folder / "report.html", "run.html", content, rules(colours))


def _content(
    folder: Path,
    predictions: pd.DataFrame,
    results: Mapping[str, Any],
    groups: pd.DataFrame,
    colours: list[Choice],
) -> dict[str, Any]:
    """All that the template shows."""
    config = read_yaml(folder / "config.yaml")
    environment = flat(read_json(folder / "environment.json") or {})
    paths = {name: folder / "splits" / f"{name}.json" for name in results["splits"]}
    splits = {name: read_json(path) for name, path in paths.items() if path.is_file()}
    facts = run_facts(config, environment, splits)
    rows = predictions.assign(mapped=figures.mapped_scores(predictions))
    kinds = [by for by in groups if by != "content"]
    table = rows.assign(**{by: group_of(rows, groups[by]) for by in kinds}).head(MOST_ROWS)
    return {
        "kicker": "Video quality report",
        "title": str(config.get("name") or folder.name),
        "verdict": _verdict(results),
        "summary": [f"{label.lower()} {value}" for label, value, _ in facts if label in IN_SUMMARY],
        "notes": [*(read_json(folder / "notes.json") or []), *_remarks(results)],
        "facts": facts,
        "results": results,
        "metrics": METRICS,
        "headline": HEADLINE,
        "further": further_values(results["summary"]) if "further" in results["summary"] else [],
        "percent": percent(results["bootstrap"]["level"]),
        "split_files": splits,
        "figures": _figures(folder, rows, results, lambda dots: classes(dots, colours, groups)),
        "colours": colours,
        "groups": group_tables(predictions, groups),
        "few": FEW,
        "curves": _curves(folder, results),
        "evidence": _evidence(folder),
        "kinds": kinds,
        "rows": table.to_dict("records"),
        "left_out": len(rows) - len(table),
        "failures": _failures(folder / "failures.csv"),
        "command": environment.get("command", ""),
        "config": yaml.safe_dump(config, sort_keys=False, allow_unicode=True) if config else "",
    }


def _verdict(results: Mapping[str, Any]) -> str:
    """What came out, in one sentence."""
    summary = results["summary"]
    value = summary["median"]["srocc"]
    many = summary["splits"] > 1
    where = (
        f"over {summary['splits']} splits, {summary['predictions']} predictions of "
        f"{summary['videos']} videos"
        if many
        else f"on {plural(summary['videos'], 'test video')}"
    )
    if not known(value):
        return f"SROCC is undefined {where}: too few videos, or the same score for all of them."
    interval = f"{percent(results['bootstrap']['level'])} interval"
    name = "Median SROCC" if many else "SROCC"
    return f"{name} {shown(value, 3)} ({interval} {span(summary['interval']['srocc'])}) {where}."


def _remarks(results: Mapping[str, Any]) -> list[str]:
    """What the reader of these numbers must know about them."""
    summary, remarks = results["summary"], []
    low, high = (end if known(end) else 1.0 for end in summary["interval"]["srocc"])
    if low <= 0 <= high:
        remarks.append(
            "The interval of SROCC holds 0: nothing shows that the scores follow the opinions at "
            "all. Too few test videos, a model that learned nothing, or labels of other videos?"
        )
    lost = summary["undefined"]["srocc"]
    if lost and summary["splits"] > 1:
        remarks.append(
            f"{lost} of {summary['splits']} splits have no correlation (constant scores or too "
            "few videos); medians and means leave them out."
        )
    straight = [name for name, part in results["splits"].items() if part["mapping"] == "linear"]
    if straight:
        remarks.append(
            f"PLCC and RMSE of {plural(len(straight), 'split')} ({', '.join(straight[:5])}) are "
            "after a straight line, which fits better there than a logistic curve."
        )
    return remarks


def _figures(
    folder: Path,
    predictions: pd.DataFrame,
    results: Mapping[str, Any],
    classes_of: Callable[[pd.DataFrame], list[str]],
) -> dict[str, Markup]:
    """Scatter, the errors over MOS and over score and, for several splits, their intervals."""
    many = predictions["split"].nunique() > 1
    with_curve = predictions[predictions["mapped"].notna()]
    drawn = {"scatter": (predictions, figures.scatter(predictions))}
    if len(with_curve):
        for over in ("mos", "mapped"):
            figure = figures.residuals(predictions, over, height=2.18)
            drawn[f"errors-over-{over}"] = (with_curve, figure)
    captions = {
        "scatter": "MOS of each test video over its score, with the fitted logistic curve",
        "errors-over-mos": "Error of the mapped score over MOS",
        "errors-over-mapped": "Error of the mapped score over that score",
    }
    placements = {}
    for name, (rows, figure) in drawn.items():
        dots = figures.thinned(rows)
        tooltips = [_tooltip(row, many) for row in dots.to_dict("records")]
        label = captions[name]
        placements[name] = placed(folder, figure, name, label, tooltips, classes_of(dots))
    if many:
        figure = figures.split_intervals(results)
        label = "SROCC of each split with its interval"
        placements["splits"] = placed(folder, figure, "splits", label)
    return placements


def _tooltip(row: Mapping[str, Any], many: bool) -> str:
    """What a dot says: which video it is, and its numbers."""
    split = f"{row['split']}: " if many else ""
    return f"{split}{row['video']}\nMOS {row['mos']:.3f}, score {row['score']:.3f}"


def _curves(folder: Path, results: Mapping[str, Any]) -> list[Markup]:
    """Learning curves from every split's history, one figure per quantity."""
    histories = {}
    for name in results["splits"]:
        path = folder / name / "history.csv"
        if path.is_file() and path.stat().st_size:
            table = pd.read_csv(path)
            histories[name] = (
                table if "epoch" in table else table.rename_axis("epoch").reset_index()
            )
    return [
        placed(folder, figure, f"curve-{index}-{quantity}", f"{quantity} over the epochs")
        for index, (quantity, figure) in enumerate(figures.learning_curves(histories).items())
    ]


def _evidence(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The worst over- and under-estimates, each with its strip and its timeline."""
    cases: dict[str, list[dict[str, Any]]] = {"over": [], "under": []}
    for index, case in enumerate(read_json(folder / "evidence.json") or []):
        quality = case.get("frame_quality") or []
        timeline = None
        if len(quality) > 1:
            drawn = figures.timeline(
                case["times_s"], quality, case["mos"], case["score"], case["mos_range"]
            )
            label = f"frame quality of {case['video']} over time"
            timeline = Markup(inline(to_svg(drawn), f"timeline-{index}", label))
        strip = _picture(folder, case.get("strip"))
        cases[case["kind"]].append(case | {"picture": strip, "timeline": timeline})
    return cases


def _picture(folder: Path, name: str | None) -> str | None:
    """A JPEG of the run folder as a data address, None where there is none."""
    if not name:
        return None
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        log.warning("%s: no such picture inside the run folder; left out of the report", name)
        return None
    return "data:image/jpeg;base64," + base64.b64encode(path.read_bytes()).decode()


def _failures(path: Path) -> list[dict[str, str]]:
    """Videos that could not be used, with the cause."""
    if not path.is_file() or not path.stat().st_size:
        return []
    return pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records")
