"""Find what gathers the numbers of several runs: studies, matrices and comparisons."""

import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vqa.runs.errors import RunError
from vqa.runs.stored import as_data, read_object

log = logging.getLogger(__name__)

# Kind by the file that holds the numbers; the page has the same name.
KINDS = {"study.json": "study", "matrix.json": "matrix", "comparison.json": "comparison"}


@dataclass(frozen=True, slots=True)
class Gathered:
    """One study, cross-database matrix, or comparison of runs.

    Attributes:
        folder: Its folder.
        kind: `study`, `matrix` or `comparison`.
        title: Its title.
        page: Its page, which may be absent.
        done: Cells with a number; of a comparison, its models.
        planned: All cells; of a comparison, its models.
        changed: Time of the last change, `YYYY-MM-DD HH:MM`.
    """

    folder: Path
    kind: str
    title: str
    page: Path
    done: int
    planned: int
    changed: str


def find_gathered(folder: Path) -> list[Gathered]:
    """Find studies, matrices and comparisons below a folder; the last changed comes first.

    What lies inside a run or a study belongs to it. A damaged one is skipped with a log line.
    """
    found: list[tuple[float, Gathered]] = []
    for path in _files(folder):
        try:
            with as_data(path):
                found.append((path.stat().st_mtime, _gathered(path)))
        except (OSError, RunError, ValueError) as error:
            log.warning("skipped %s: %s", path, error)
    return [entry for _, entry in sorted(found, key=lambda one: (-one[0], one[1].folder))]


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if "config.yaml" in files or "study.json" in files:
            folders.clear()
        yield from (Path(place, name) for name in KINDS if name in files)


def _gathered(path: Path) -> Gathered:
    kind = KINDS[path.name]
    if kind == "study":
        content = read_object(path, title=str, cells=list) or {}
        done = sum(cell.get("value") is not None for cell in content["cells"])
        planned = len(content["cells"])
    elif kind == "matrix":
        content = read_object(path, title=str, cells=list, train=list, test=list) or {}
        done, planned = len(content["cells"]), len(content["train"]) * len(content["test"])
    else:
        content = read_object(path, title=str, models=list) or {}
        done = planned = len(content["models"])
    changed = time.strftime("%Y-%m-%d %H:%M", time.localtime(path.stat().st_mtime))
    page = path.with_suffix(".html")
    return Gathered(path.parent, kind, content["title"], page, done, planned, changed)
