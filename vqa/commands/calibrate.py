"""The calibration of a run, from what its splits stored and the features of its training videos."""

from collections.abc import Sequence

from vqa.commands.experiment import Experiment
from vqa.databases.records import Database, VideoRecord
from vqa.evaluation.calibration import calibration_sample
from vqa.evaluation.predictions import read_predictions
from vqa.protocols.splits import Split
from vqa.runs import Run
from vqa.runs.calibration import TRAINING, VALIDATION, calibrated
from vqa.runs.seen import seen_in
from vqa.training.views import over_time

FITTED = "fitted.csv"


def videos_to_fit(
    train: Sequence[VideoRecord], val: Sequence[VideoRecord], seed: int
) -> list[VideoRecord]:
    """Return the videos that a split's curve is fitted on.

    The validation part if it has three videos or more, because scores of videos that the model
    was trained on are better than others; otherwise up to 2000 of the training part.
    """
    if len(val) >= 3:
        return list(val)
    return [train[place] for place in calibration_sample(len(train), seed)]


def calibrate(run: Run, experiment: Experiment, database: Database) -> None:
    """Store the calibration of a run whose splits are all done.

    Args:
        run: The run.
        experiment: Gives the features.
        database: The videos that the run could use.
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
    trained = [video for video in database.videos if video.id in opinions]
    facts = run.videos().loc[[video.id for video in trained]]
    sample = [
        trained[place] for place in calibration_sample(len(trained), experiment.config["seed"])
    ]
    view = experiment.views.views.get("features")
    features = (over_time(view(video)) for video in sample) if view else ()
    calibrated(
        (low, high),
        {name: (table["score"], table["mos"]) for name, table in tables.items()},
        {name: (table["score"], table["mos"]) for name, table in held_out.items()},
        list(opinions.values()),
        seen_in(
            list(zip(facts["width"], facts["height"], strict=True)),
            facts["frame_rate_hz"],
            features,
        ),
        VALIDATION
        if all(_is_validation(split, tables[split.name]["video"]) for split in splits)
        else TRAINING,
    ).save(run.folder)


def _is_validation(split: Split, videos: Sequence[str]) -> bool:
    return set(videos) <= set(split.val)
