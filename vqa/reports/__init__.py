"""A run folder as one HTML file that opens anywhere, with no network and with scripts off.

Only the files of the run folder are read. `predictions.csv` must be there; whatever else is absent
(`results.json`, config, environment, histories, evidence, failures, notes) is left out or computed.
"""

import base64
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml
from markupsafe import Markup
from matplotlib.figure import Figure

from vqa.files import write_atomically
from vqa.metrics import METRICS
from vqa.reports import figures
from vqa.reports.provenance import flat, run_facts
from vqa.reports.svg import inline, to_svg
from vqa.results import TITLES, number, read_predictions, summarise

log = logging.getLogger(__name__)

MOST_ROWS = 8000
HEADLINE = ("srocc", "plcc", "krocc", "rmse")


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
    results = _json(folder / "results.json") or summarise(predictions)
    page = _environment().get_template("report.html").render(_page(folder, predictions, results))
    return write_atomically(folder / "report.html", page)


def _environment() -> jinja2.Environment:
    """The templates' environment: every value is escaped unless it is markup of our own."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("vqa.reports", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = lambda *value: number(*value).replace("nan", "–")
    return environment


def _page(folder: Path, predictions: pd.DataFrame, results: Mapping[str, Any]) -> dict[str, Any]:
    """All that the template shows."""
    config = _yaml(folder / "config.yaml")
    environment = flat(_json(folder / "environment.json") or {})
    paths = {name: folder / "splits" / f"{name}.json" for name in results["splits"]}
    splits = {name: _json(path) for name, path in paths.items() if path.is_file()}
    rows = predictions.assign(mapped=figures.mapped_scores(predictions))
    return {
        "title": str(config.get("name") or folder.name),
        "verdict": _verdict(results),
        "notes": [*(_json(folder / "notes.json") or []), *_remarks(results)],
        "facts": run_facts(config, environment, splits),
        "results": results,
        "metrics": METRICS,
        "titles": TITLES,
        "headline": HEADLINE,
        "percent": f"{100 * results['bootstrap']['level']:g} %",
        "split_files": splits,
        "figures": _figures(folder, rows, results),
        "curves": _curves(folder, results),
        "evidence": _evidence(folder),
        "rows": rows.head(MOST_ROWS).to_dict("records"),
        "left_out": max(0, len(rows) - MOST_ROWS),
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
        else f"on {summary['videos']} test videos"
    )
    if number(value) == "nan":
        return f"SROCC is undefined {where}: too few videos, or the same score for all of them."
    low, high = (number(end, 3) for end in summary["interval"]["srocc"])
    percent = f"{100 * results['bootstrap']['level']:g} %"
    name = "Median SROCC" if many else "SROCC"
    return f"{name} {number(value, 3)} ({percent} interval {low} to {high}) {where}."


def _remarks(results: Mapping[str, Any]) -> list[str]:
    """What the reader of these numbers must know about them."""
    summary, remarks = results["summary"], []
    lost = summary["undefined"]["srocc"]
    if lost and summary["splits"] > 1:
        remarks.append(
            f"{lost} of {summary['splits']} splits have no correlation (constant scores or too "
            "few videos); medians and means leave them out."
        )
    straight = [name for name, part in results["splits"].items() if part["mapping"] == "linear"]
    if straight:
        remarks.append(
            f"PLCC and RMSE of {len(straight)} splits ({', '.join(straight[:5])}) are after a "
            "straight line, which fits better there than a logistic curve."
        )
    return remarks


def _figures(
    folder: Path, predictions: pd.DataFrame, results: Mapping[str, Any]
) -> dict[str, Markup]:
    """Scatter, residuals and, for several splits, their intervals."""
    many = predictions["split"].nunique() > 1
    prefix = predictions["split"] + ": " if many else ""
    labels = prefix + predictions["video"]
    drawn = {"scatter": (figures.scatter(predictions), figures.thinned(labels))}
    known = predictions["mapped"].notna()
    if known.any():
        drawn["residuals"] = (figures.residuals(predictions), figures.thinned(labels[known]))
    if many:
        drawn["splits"] = (figures.split_intervals(results), [])
    captions = {
        "scatter": "MOS of each test video over its score, with the fitted logistic curve",
        "residuals": "MOS minus mapped score over mapped score",
        "splits": "SROCC of each split with its interval",
    }
    return {
        name: _placed(folder, figure, name, captions[name], list(names))
        for name, (figure, names) in drawn.items()
    }


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
        _placed(folder, figure, f"curve-{index}-{quantity}", f"{quantity} over the epochs")
        for index, (quantity, figure) in enumerate(figures.learning_curves(histories).items())
    ]


def _evidence(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The worst over- and under-estimates, each with its strip and its timeline."""
    cases: dict[str, list[dict[str, Any]]] = {"over": [], "under": []}
    for index, case in enumerate(_json(folder / "evidence.json") or []):
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


def _placed(
    folder: Path, figure: Figure, name: str, label: str, names: list[str] | None = None
) -> Markup:
    """Write a figure beside the report and give it as part of the page."""
    name = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
    svg = to_svg(figure, names or [])
    write_atomically(folder / "figures" / f"{name}.svg", svg)
    return Markup(inline(svg, name, label))


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


def _json(path: Path) -> Any:
    """The file's content, None where it is absent."""
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not JSON ({error}); was it edited or cut off?") from error


def _yaml(path: Path) -> dict[str, Any]:
    """The file's content, empty where it is absent."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {} if path.is_file() else {}
