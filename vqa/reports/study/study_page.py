"""The page of a study, from `study.json` and the pictures beside it."""

import base64
import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from vqa.reports.page import link_to_report, require_json, write_page
from vqa.reports.study import grid
from vqa.reports.study.formats import legend, levels_of
from vqa.reports.svg import inline
from vqa.reports.words import known, plural

# Figures of a paper's column are shown larger than they are printed, at most over the whole page.
ENLARGED, WIDEST_REM = 1.7, 72.0
KEYS = ("name", "title", "source", "cells", "trainings", "notes", "command")


def write_study_page(folder: Path) -> Path:
    """Write `study.html` from the `study.json` of a folder.

    Returns:
        The path of the page.

    Raises:
        FileNotFoundError: `study.json` is absent.
        ValueError: It has unexpected content.
    """
    study = require_json(folder / "study.json", KEYS)
    blocks = grid.blocks_of(study) if study["cells"] else []
    heads = grid.heads_of(study) if study["cells"] else []
    files = [name for name in study.get("files", ()) if (folder / name).is_file()]
    content = {
        "kicker": "Study",
        "title": study["title"],
        "verdict": _verdict(study),
        "summary": [study["name"], *([study["source"]] if study["source"] else [])],
        "notes": study["notes"],
        "name": study["name"],
        "legend": legend(study) if blocks else "",
        "compared": any(known(cell["printed"]) for cell in study["cells"]),
        "metric": grid.metric_of_all(study) if blocks else "",
        "levels": [_spans(names) for names in levels_of(heads)],
        "blocks": [_block(folder, block, study) for block in blocks],
        "pictures": [_picture(folder, one) for one in study.get("pictures", ())],
        "trainings": [
            {**one, "report": link_to_report(folder, one["folder"]) if one["finished"] else None}
            for one in study["trainings"]
        ],
        "files": files,
        "command": study["command"],
    }
    return write_page(folder / "study.html", "study.html", content)


def _verdict(study: Mapping[str, Any]) -> str:
    """Say how many cells are known, and how many intervals hold the printed number."""
    cells = study["cells"]
    if not cells:
        pictures = plural(len(study.get("pictures", ())), "picture")
        return f"{pictures}."
    wanted = [cell for cell in cells if not (cell["empty"] and not known(cell["printed"]))]
    found = [cell for cell in cells if known(cell["value"])]
    compared = [cell for cell in found if cell["inside"] is not None]
    text = f"{len(found)} of {plural(len(wanted), 'number')} computed"
    if compared:
        inside = sum(bool(cell["inside"]) for cell in compared)
        text += f"; the interval holds the printed number in {inside} of {len(compared)}"
    return f"{text}."


def _spans(names: Sequence[str]) -> list[dict[str, Any]]:
    return [{"name": name, "width": len(list(run))} for name, run in itertools.groupby(names)]


def _block(folder: Path, block: grid.Block, study: Mapping[str, Any]) -> dict[str, Any]:
    lines = [
        {
            "name": line.name,
            "heading": line.heading,
            "cells": [_cell(folder, cell, study) for cell in line.cells],
        }
        for line in block.lines
    ]
    return {"name": block.name, "lines": lines}


def _cell(folder: Path, cell: grid.Cell, study: Mapping[str, Any]) -> dict[str, Any]:
    runs = cell["runs"]
    return {
        "ours": grid.ours(cell, study),
        "interval": grid.interval(cell),
        "printed": grid.printed(cell, study),
        "difference": grid.difference(cell, study),
        "outside": cell["inside"] is False,
        "empty": cell["empty"],
        "report": link_to_report(folder, runs[0]) if len(runs) == 1 else None,
    }


def _picture(folder: Path, picture: Mapping[str, Any]) -> dict[str, Any]:
    """Return a picture with its markup: its SVG in the page, an animation as an image."""
    files = [Path(name) for name in picture["files"]]
    first = folder / files[0]
    width_rem = WIDEST_REM
    if first.suffix == ".svg":
        text = first.read_text("utf-8")
        markup = Markup(inline(text, f"picture-{first.stem}", picture["caption"]))
        if printed := re.search(r'<svg[^>]*\swidth="([\d.]+)pt"', text):
            width_rem = min(WIDEST_REM, ENLARGED * float(printed[1]) / 12)
    else:
        data = base64.b64encode(first.read_bytes()).decode()
        markup = Markup('<img src="data:image/gif;base64,{}" alt="{}">').format(
            Markup(data), picture["caption"]
        )
    links = [{"href": one.as_posix(), "name": one.suffix[1:].upper()} for one in files]
    return {
        "caption": picture["caption"],
        "markup": markup,
        "links": links,
        "width_rem": round(width_rem, 1),
    }
