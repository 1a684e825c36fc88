"""The run folder: everything behind a trained model and its numbers.

    inputs.json       labels and file hashes that the run began with
    config.yaml       resolved configuration          environment.json  versions, commit, device
    database.json     name, MOS range, counts         splits/*.json     ids and hash of each split
    videos.csv        label and facts of each video   leaks.json        scenes on both sides
    predictions.csv   split, video, mos, score
    results.json      computed from predictions.csv   failures.csv      video, cause
    calibration.json  curves to the MOS scale, errors on held-out videos, what was seen
    notes.json        notes for every reader of the scores, for example on untrained weights
    manifest.json     SHA-256 of every file that the numbers depend on
    <split>/          checkpoints, history.csv, model.safetensors, learner.json, predictions.csv,
                      fitted.csv (what its curve is fitted on)
    timing.json       time spent on features and training
    evidence.json, evidence/, figures/, report.html

A split is done when its `predictions.csv` exists, a run when its report does. An interrupted run
resumes after its last complete split, and inside a split at its last checkpoint.

`opening` makes and opens runs, `overview` lists them, `audit` verifies one, `comparison` compares
several.
"""

from vqa.runs.errors import RunError
from vqa.runs.run import Run

__all__ = ["Run", "RunError"]
