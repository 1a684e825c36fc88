"""What W&B shows of a folder: tables within its limits, figures, files as artifacts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import wandb

from vqa.evaluation.groups import group_tables, read_groups
from vqa.evaluation.predictions import read_predictions
from vqa.files import read_json
from vqa.reports import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from wandb import Run

MOST_ROWS = 10_000  # of a table; W&B cuts longer ones off
MOST_FILES = 500  # with predictions in one artifact


def image(figure: "Figure") -> wandb.Image:
    """Return a figure on a white background."""
    figure.set_facecolor("white")
    return wandb.Image(figure)


def cut(rows: pd.DataFrame, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """Return at most `MOST_ROWS`: the first rows of each group of `by` columns alike."""
    if len(rows) <= MOST_ROWS:
        return rows
    if by:
        groups = rows.groupby(by, sort=False)
        rows = groups.head(max(1, MOST_ROWS // groups.ngroups))
    return rows.head(MOST_ROWS)


def table(rows: pd.DataFrame, by: str | Sequence[str] = ()) -> wandb.Table:
    """Return a table, cut to what W&B shows."""
    rows = cut(rows, by)
    cells = rows.astype(object).where(rows.notna(), None)
    return wandb.Table(columns=[str(name) for name in rows], data=cells.to_numpy().tolist())


def predictions_table(run_folder: Path, predictions: pd.DataFrame, thumbnails: bool) -> wandb.Table:
    """Return the predictions of a run, with the strips of its evidence if it has any."""
    columns = ["split", "video", "mos", "score", "mapped"]
    rows = predictions.assign(mapped=figures.mapped_scores(predictions))[columns]
    rows = cut(rows, "split")
    if thumbnails:
        strips = {
            (case["split"], case["video"]): run_folder / case["strip"]
            for case in read_json(run_folder / "evidence.json") or []
            if case.get("strip") and (run_folder / case["strip"]).is_file()
        }
        found = [strips.get(key) for key in zip(rows["split"], rows["video"], strict=True)]
        rows = rows.assign(frames=[one and wandb.Image(str(one)) for one in found])
    return table(rows)


def groups_of(run_folder: Path, predictions: pd.DataFrame) -> dict[str, wandb.Table]:
    """Return a table of metrics for each way to group the videos, by `groups/<way>`."""
    found = group_tables(predictions, read_groups(run_folder / "videos.csv"))
    return {f"groups/{one['by']}": table(pd.DataFrame(one["rows"])) for one in found}


def cell_predictions(
    folder: Path, cells: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, Path]]:
    """Gather the predictions behind cells of a matrix or study, each run once per cell.

    Args:
        folder: That the paths of runs may be relative to, besides the working folder.
        cells: Each with `run`, the folder of its run, or None.
        names: Keys of a cell that tell it from the others.

    Returns:
        The predictions with these names as first columns, and the files, by a name for each.
    """
    parts, files = [], {}
    for cell in cells:
        given = cell.get("run")
        places = [Path(given), folder / given] if given else []
        found = [place / "predictions.csv" for place in places]
        path = next((one for one in found if one.is_file()), None)
        if path is None:
            continue
        label = {name: str(cell.get(name)) for name in names}
        if len(files) < MOST_FILES:
            files["-".join(label.values()).replace("/", "-") + ".csv"] = path
        # As many rows as can be shown if no other cell has any.
        parts.append(read_predictions(path).head(MOST_ROWS).assign(**label))
    if not parts:
        return pd.DataFrame(), {}
    joined = pd.concat(parts, ignore_index=True)
    return joined[[*names, "split", "video", "mos", "score"]], files


def log_run_artifacts(run: "Run", run_folder: Path) -> None:
    """Log splits as input of the run, predictions and models as its output."""
    splits = artifact(run, "splits", named(sorted((run_folder / "splits").glob("*.json"))))
    if splits and run.offline:  # only a server can record that a run used an artifact
        run.log_artifact(splits)
    elif splits:
        run.use_artifact(splits)
    made = [run_folder / name for name in ("predictions.csv", "results.json", "manifest.json")]
    log_files(run, "predictions", named([path for path in made if path.is_file()]))
    log_files(run, "model", named(sorted(run_folder.glob("*/model.safetensors"))))


def log_files(run: "Run", kind: str, files: Mapping[str, Path]) -> None:
    """Log files as an artifact of the run; nothing without files."""
    if found := artifact(run, kind, files):
        run.log_artifact(found)


def artifact(run: "Run", kind: str, files: Mapping[str, Path]) -> wandb.Artifact | None:
    """Return files as an artifact that refers to them without a copy; None without files."""
    if not files:
        return None
    found = wandb.Artifact(f"{kind}-{run.id}", type=kind)
    for name, path in files.items():
        found.add_file(str(path), name=name, policy="immutable")
    return found


def named(files: Sequence[Path]) -> dict[str, Path]:
    """Return files by their names, with their folder's name if several have one name."""
    several = len({file.name for file in files}) < len(files)
    return {f"{path.parent.name}-{path.name}" if several else path.name: path for path in files}


def flat(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Flatten `{"median": {"srocc": x}}` to `{"median/srocc": x}`."""
    found: dict[str, Any] = {}
    for key, value in summary.items():
        if isinstance(value, Mapping):
            found |= {f"{key}/{metric}": number for metric, number in value.items()}
        else:
            found[key] = value
    return found
