"""What learners of feature vectors tell: scores of any vectors, and their training videos."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vqa.models.scalings import RankGauss
from vqa.models.tabular import Tabular
from vqa.training.learners.base import Learner
from vqa.training.learners.neural import NeuralLearner
from vqa.training.learners.svr import SVRLearner


@torch.inference_mode()
def vector_scores(learner: Learner, features: Tensor) -> NDArray[np.float64]:
    """Score feature vectors (N, D) as `assess` scores one. -> (N,)."""
    if isinstance(learner, SVRLearner) and learner.fitted is not None:
        return learner.fitted.predict(features.cpu().numpy())
    if isinstance(learner, NeuralLearner) and learner.module is not None:
        found = learner.module(features=features.to(learner.device)).cpu().double().numpy()
        return np.asarray(learner.curve(found))
    return np.array([learner.assess({"features": row[None]})[0] for row in features])


def training_quantiles(learner: Learner) -> NDArray[np.float64] | None:
    """Return quantiles (Q, D) of each feature over the training videos of a learner, ascending.

    Only the rank-Gaussian scaling keeps them.

    Returns:
        None if the learner has no such scaling.
    """
    if isinstance(learner, SVRLearner) and learner.fitted is not None:
        return learner.fitted.preprocessing.quantiles
    module = learner.module if isinstance(learner, NeuralLearner) else None
    if module is None or not isinstance(module.network, Tabular):
        return None
    for scaling in module.network.scalings:
        if isinstance(scaling, RankGauss):
            own = module.standardise  # the network's features are standardised before its scaling
            found = scaling.quantiles.double() * own.scale + own.mean
            return found.cpu().double().numpy()
    return None
