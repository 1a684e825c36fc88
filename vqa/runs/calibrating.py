"""The calibration of a run from the predictions that its splits stored."""

from vqa.evaluation.predictions import read_predictions
from vqa.runs.calibration import TRAINING, VALIDATION, Calibration, calibrated
from vqa.runs.run import Run
from vqa.runs.seen import Seen

FITTED = "fitted.csv"  # predictions of a split that its curve is fitted on


def of_predictions(run: Run, seen: Seen) -> Calibration:
    """Calibrate a run whose splits are all done.

    Args:
        run: The run.
        seen: What its training videos are like.
    """
    splits = run.splits()
    low, high = run.database["mos_range"]
    tables = {
        split.name: read_predictions(run.split_folder(split.name) / FITTED) for split in splits
    }
    predictions = run.predictions()
    held_out = {} if predictions is None else dict(iter(predictions.groupby("split", sort=False)))
    opinions: dict[str, float] = {}
    for split in splits:
        opinions |= run.labels(split.name).loc[list(split.train)].to_dict()
    validated = all(set(tables[split.name]["video"]) <= set(split.val) for split in splits)
    return calibrated(
        (low, high),
        {name: (table["score"], table["mos"]) for name, table in tables.items()},
        {
            name: (table["score"], table["mos"], list(table["video"]))
            for name, table in held_out.items()
        },
        list(opinions.values()),
        seen,
        VALIDATION if validated else TRAINING,
    )
