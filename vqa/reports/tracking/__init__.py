"""Trackers follow a job besides its folder; this package alone imports wandb.

`CsvTracker` is the interface: it does nothing, because everything is in the folders already.
`WandbTracker` sends to Weights & Biases, `TensorBoardTracker` writes TensorBoard's event files.
"""

from vqa.reports.tracking.tensorboard_tracker import TensorBoardTracker
from vqa.reports.tracking.tracker import CsvTracker
from vqa.reports.tracking.wandb_tracker import WandbTracker

__all__ = ["CsvTracker", "TensorBoardTracker", "WandbTracker"]
