"""What is exported: everything between the input of a model and its score on the MOS scale.

Each module takes the inputs of one video and returns

    score     ()    calibrated, on the MOS scale, mean over the models of all splits
    raw       ()    before the calibration
    quality   (T,)  over time: of frames, of clips, or of the moments that features describe

all float64. Shapes: T frames or moments, D features, K clips, S side of fragments.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from vqa.evaluation.calibration import ScaleCurve
from vqa.models.fastvqa import FastVQA
from vqa.models.gstvqa import GSTVQA
from vqa.models.mdtvsfa import MDTVSFA
from vqa.models.scalings import RankGauss
from vqa.models.tabular import Tabular
from vqa.models.vsfa import VSFA
from vqa.training.exported.recurrent import Recurrent
from vqa.training.exported.tables import CurveModule, RankTable, SVRModule
from vqa.training.learners.neural import NeuralLearner
from vqa.training.learners.svr import SVRLearner

EXPORTED = "vsfa, gstvqa, mdtvsfa, svr, tabular (with ugc) and fastvqa"
Results = tuple[Tensor, Tensor]  # raw score () and quality over time (T,), float64


class OfSequence(nn.Module):
    """A network of frame features (T, D)."""

    def __init__(self, learner: NeuralLearner) -> None:
        super().__init__()
        self.module, self.curve = _module(learner), CurveModule(learner.curve)

    def forward(self, features: Tensor) -> Results:
        """Score one video from its features (T, D)."""
        lengths = torch.full((1,), features.shape[0], dtype=torch.int64)
        score, quality = self.module.score_and_timeline(features=features[None], lengths=lengths)
        return self.curve(score[0].double()), self.curve(quality[0].double())


class OfVector(nn.Module):
    """A model of the mean features of a video, from the features of its moments (T, D)."""

    def __init__(self, learner: NeuralLearner | SVRLearner) -> None:
        super().__init__()
        if isinstance(learner, SVRLearner):
            self.module: nn.Module = SVRModule(learner.fitted)
            self.takes_names, curve = False, None
        else:
            self.module, self.takes_names, curve = _module(learner), True, learner.curve
        self.curve = CurveModule(curve)

    def forward(self, features: Tensor) -> Results:
        """Score one video from its features (T, D); undefined ones are NaN."""
        defined = ~features.isnan()
        total = torch.where(defined, features, 0.0).double().sum(0, keepdim=True)
        mean = (total / defined.double().sum(0, keepdim=True)).to(features.dtype)
        # 0 / 0 is NaN: a feature that is undefined at all moments stays so.
        found = self._scores(torch.cat([mean, features]))
        return self.curve(found[0]), self.curve(found[1:])

    def _scores(self, rows: Tensor) -> Tensor:
        scores = self.module(features=rows) if self.takes_names else self.module(rows)
        return scores.double()


class OfFragments(nn.Module):
    """FAST-VQA, from the clips of fragments of a video, uint8 (K, T, S, S, 3)."""

    def __init__(self, learner: NeuralLearner) -> None:
        super().__init__()
        self.module, self.curve = _module(learner), CurveModule(learner.curve)

    def forward(self, fragments: Tensor) -> Results:
        """Score one video from its clips."""
        score, quality = self.module.score_and_timeline(fragments=fragments[None])
        return self.curve(score[0].double()), self.curve(quality[0].double())


class Exported(nn.Module):
    """The models of all splits with their calibration.

    Args:
        members: A module of each split.
        curves: The curve of each to the MOS scale; None leaves the raw score.
    """

    def __init__(self, members: Sequence[nn.Module], curves: Sequence[ScaleCurve | None]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.curves = nn.ModuleList(CurveModule(curve) for curve in curves)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return score, raw and quality of one video."""
        found = [member(x) for member in self.members]
        scaled = [
            (curve(raw), curve(quality))
            for curve, (raw, quality) in zip(self.curves, found, strict=True)
        ]
        score = torch.stack([score for score, _ in scaled]).mean(0)
        quality = torch.stack([quality for _, quality in scaled]).mean(0)
        return score, torch.stack([raw for raw, _ in found]).mean(0), quality


def member_of(learner: Any, name: str) -> OfSequence | OfVector | OfFragments:
    """Return the module of a trained learner.

    Args:
        learner: A loaded learner.
        name: Of the model, for the error.

    Raises:
        ValueError: The model cannot be exported.
    """
    if isinstance(learner, SVRLearner):
        return OfVector(learner)
    if isinstance(learner, NeuralLearner):
        network = learner.module.network
        if isinstance(network, VSFA | GSTVQA | MDTVSFA):
            return OfSequence(learner)
        if isinstance(network, Tabular):
            return OfVector(learner)
        if isinstance(network, FastVQA):
            return OfFragments(learner)
    raise ValueError(
        f"model {name}: expected one of {EXPORTED}, which can be exported; score with this one by "
        "vqa score"
    )


def _module(learner: NeuralLearner) -> nn.Module:
    return _exportable(deepcopy(learner.module).cpu().eval())


def _exportable(module: nn.Module) -> nn.Module:
    """Replace layers that cannot be exported, in place; returns the module."""
    for name, child in module.named_children():
        if isinstance(child, RankGauss):
            setattr(module, name, RankTable(child.quantiles))
        elif isinstance(child, nn.GRU | nn.LSTM):
            setattr(module, name, Recurrent(child))
        else:
            _exportable(child)
    return module
