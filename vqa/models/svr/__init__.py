"""Support vector regression of MOS on feature vectors, as feature studies do it.

`fit_svr` searches C and gamma on an inner split of the training part and returns a `FittedSVR`,
which scores videos and is stored as arrays and a card.
"""

from vqa.models.svr.fit import GRID_C, GRID_GAMMA, fit_svr
from vqa.models.svr.model import FittedSVR
from vqa.models.svr.search import Candidate
from vqa.protocols.row_splits import RowSplit, videval_splits

__all__ = [
    "GRID_C",
    "GRID_GAMMA",
    "Candidate",
    "FittedSVR",
    "RowSplit",
    "fit_svr",
    "videval_splits",
]
