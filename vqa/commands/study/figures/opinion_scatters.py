"""Scores against opinions: one panel for each training (saliency study, Figs. 2 and 3; others)."""

from collections.abc import Sequence

import pandas as pd

from vqa.commands.study.material import Material, Picture
from vqa.evaluation.predictions import read_predictions
from vqa.reports.figures.opinion_panels import Panel, opinion_panels
from vqa.runs import Run
from vqa.runs.errors import RunError
from vqa.runs.used_features import MARK, random_weights, untrained_features


def scatters(
    material: Material, name: str, trainings: Sequence[str], columns: int = 4
) -> list[Picture]:
    """Plot MOS over score on the split of each training whose SROCC is the median.

    Args:
        material: The study's material.
        name: Name of the picture.
        trainings: Names of the trainings, in order; those that are not finished are left out.
        columns: Panels side by side.

    Raises:
        ValueError: None of the trainings is finished.
        RunError: None of them has a split with an SROCC.
    """
    runs = {one: material.runs[one] for one in trainings if one in material.runs}
    if not runs:
        raise ValueError(
            f"{name}: none of its trainings is finished ({', '.join(trainings)}); check that the "
            "database lies below paths.data"
        )
    panels, tables, untrained = [], [], []
    counts, undefined = set(), []
    for training, run in runs.items():
        try:
            split, srocc, count = median_split(run)
        except RunError:
            undefined.append(training)
            continue
        chosen = read_predictions(run.split_folder(split) / "predictions.csv")
        title = training if len(trainings) > 1 else run.database["name"]
        panels.append(Panel(title, chosen, f"SROCC {srocc:.3f}"))
        tables.append(chosen.assign(training=training, srocc=srocc))
        untrained += untrained_features(run.folder)
        counts.add(count)
    absent = [one for one in trainings if one not in runs]
    notes = [random_weights(feature) for feature in dict.fromkeys(untrained)]
    if absent:
        notes.append(f"Left out, because they are not trained: {', '.join(absent)}.")
    if undefined:
        notes.append(f"Left out, because no split has an SROCC: {', '.join(undefined)}.")
    if not panels:
        raise RunError(f"{name}: no split of {', '.join(runs)} has an SROCC; nothing to draw")
    splits = " or ".join(map(str, sorted(counts)))
    which = (
        f"on the split of {splits} whose SROCC is the median (the lower of the two in the middle)"
        if counts != {1}
        else "on the only split"
    )
    caption = (
        f"MOS over score, one dot for each test video, {which}, with the logistic curve of four "
        "parameters that PLCC and RMSE use."
    )
    figure = opinion_panels(panels, columns=columns, warning=MARK if untrained else "")
    columns_of = ["training", "split", "srocc", "video", "mos", "score"]
    rows = pd.concat(tables, ignore_index=True)[columns_of]
    return [Picture(name, caption, figure, rows=rows, notes=notes)]


def median_split(run: Run) -> tuple[str, float, int]:
    """Return the split of a run whose SROCC is the median: its name, its SROCC, how many there are.

    Of an even number of splits, it is the lower of the two in the middle.

    Raises:
        RunError: No split has an SROCC.
    """
    results = run.results()
    known = [
        (value, name)
        for name, split in (results.splits if results else {}).items()
        if (value := split.value("srocc")) == value  # not NaN
    ]
    if not known:
        raise RunError(f"{run.folder} has no split with an SROCC; expected tested videos")
    srocc, name = sorted(known, key=lambda item: item[0])[(len(known) - 1) // 2]
    return name, srocc, len(known)
