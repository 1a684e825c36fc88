"""The end of a run or an evaluation: results, evidence for the worst predictions, the report."""

import logging
from functools import partial
from typing import Any

from vqa.commands.experiment import Experiment
from vqa.databases.records import Database, VideoRecord
from vqa.reports.evidence import Timeline, strip, write_evidence
from vqa.reports.run_page import write_report
from vqa.runs import Run
from vqa.training.assessment import assess, timeline_is

log = logging.getLogger(__name__)


def conclude(run: Run, trained: Run, experiment: Experiment, database: Database) -> None:
    """Compute the results, gather evidence for the worst predictions, write the report.

    Args:
        run: Holds the predictions.
        trained: The run whose models predicted; `run` itself after training.
        experiment: Gives views and models.
        database: What was tested.
    """
    run.finish()
    predictions = run.predictions()
    if predictions is None:
        log.info("no video was tested (protocol=full): the trained model is in %s", run.folder)
        return
    loaded: dict[str, Any] = {}

    def timeline(split: str, video: VideoRecord) -> Timeline:
        if split not in loaded:
            loaded[split] = experiment.learned(trained, split)
        views = experiment.views
        found = assess(loaded[split], views, video, views.alone(video))
        meaning = timeline_is(loaded[split], views)
        return Timeline(found.times_s, found.quality, meaning)

    reading = partial(strip, reader=experiment.reader, damaged=experiment.reading["damaged"])
    write_evidence(run.folder, predictions, database, timeline, reading)
    write_report(run.folder)
