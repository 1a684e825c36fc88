"""The calibration of a run, from what its splits stored and the features of its training videos."""

from collections.abc import Sequence

from vqa.commands.experiment import Experiment
from vqa.databases.records import Database, VideoRecord
from vqa.evaluation.calibration import calibration_sample
from vqa.runs import Run
from vqa.runs.calibrating import of_predictions
from vqa.runs.seen import seen_in
from vqa.training.views import over_time


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

    There is none if the labels are on several scales (`data=combined` without an alignment).

    Args:
        run: The run.
        experiment: Gives the features.
        database: The videos that the run could use.
    """
    several = len(set(getattr(database, "scales", {}).values())) > 1
    if several and not any(run.alignment(split.name) for split in run.splits()):
        return
    trained = {name for split in run.splits() for name in split.train}
    videos = [video for video in database.videos if video.id in trained]
    facts = run.videos().loc[[video.id for video in videos]]
    sample = calibration_sample(len(videos), experiment.config["seed"])
    view = experiment.views.views.get("features")
    seen = seen_in(
        list(zip(facts["width"], facts["height"], strict=True)),
        facts["frame_rate_hz"],
        (over_time(view(videos[place])) for place in sample) if view else (),
    )
    of_predictions(run, seen).save(run.folder)
