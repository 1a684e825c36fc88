"""Support vector regression (SVR) of MOS on feature vectors.

`fit_svr` searches C and gamma on an inner split of the training part and returns a `FittedSVR`,
which scores videos and is stored as arrays and a JSON card. Scoring needs no scikit-learn.
"""

from vqa.models.svr.fit import GRID_C, GRID_GAMMA, fit_svr
from vqa.models.svr.model import Candidate, FittedSVR

__all__ = ["GRID_C", "GRID_GAMMA", "Candidate", "FittedSVR", "fit_svr"]
