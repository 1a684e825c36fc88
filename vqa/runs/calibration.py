"""What the scores of a run mean: `calibration.json`, from its stored predictions and features.

    scale          the rating scale
    curves         split -> increasing curve from its model's raw scores to the scale
    fitted_on      what the curves were fitted on
    errors         of the calibrated scores on videos that no model was trained on; null if none
    opinions       the MOS of the training videos, as quantiles
    seen           sizes, rates and features of the training videos: see `vqa.runs.seen`
    meaning        what a value on the scale is, in a few words
    others         further scales of published weights: name -> scale and curve

pandas and SciPy are not imported, so that a model scores a video without them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from vqa.evaluation.calibration import ScaleCurve, fit_scale
from vqa.evaluation.conformal import Errors, held_out_errors
from vqa.evaluation.metrics.curves import Curve
from vqa.files import write_json
from vqa.runs.seen import Seen
from vqa.runs.stored import as_data, read_object

CALIBRATION = "calibration.json"
QUANTILES = 101  # of the opinions: 0 %, 1 %, ..., 100 %
VALIDATION, TRAINING, PUBLISHED = "validation", "training", "published"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Raw scores to scores on the rating scale, with an interval, a percentile and remarks.

    Attributes:
        mos_range: Lowest and highest value of the scale.
        curves: The curve of each model, by split.
        fitted_on: `validation` or `training`: the part that the curves were fitted on; `published`
            if the authors of the weights state them.
        errors: Of calibrated scores on held-out videos; None if the run tests nothing.
        opinions: (101,) quantiles of the MOS of the training videos, ascending; empty if unknown.
        seen: What the training videos are like.
        meaning: What a value on the scale is, in a few words.
        others: Curves to further scales, by name.
    """

    mos_range: tuple[float, float]
    curves: Mapping[str, ScaleCurve]
    fitted_on: str
    errors: Errors | None
    opinions: np.ndarray
    seen: Seen
    meaning: str = ""
    others: Mapping[str, ScaleCurve] = field(default_factory=dict)

    def interval(self, score: float, level: float = 0.9) -> tuple[float, float] | None:
        """Return the interval that holds the MOS of new videos with probability `level`.

        It is cut at the ends of the scale.

        Args:
            score: On the rating scale.
            level: Probability, if the video is like those of the run's database.

        Returns:
            Lowest and highest MOS; None if the run has too few held-out videos.
        """
        half = None if self.errors is None else self.errors.half_width(score, level)
        if half is None:
            return None
        low, high = self.mos_range
        return max(low, float(score - half)), min(high, float(score + half))

    def percentile(self, score: float) -> float | None:
        """Return the share of training videos whose MOS is at most this score, in percent.

        None if the MOS in training are unknown.
        """
        if not len(self.opinions):
            return None
        return float(np.interp(score, self.opinions, np.linspace(0, 100, len(self.opinions))))

    def as_json(self) -> dict[str, Any]:
        """Return plain values, as in the file."""
        return {
            "scale": list(self.mos_range),
            "curves": {name: _curve_as_json(one.curve) for name, one in self.curves.items()},
            "fitted_on": self.fitted_on,
            "errors": self.errors and self.errors.as_json(),
            "opinions": np.round(self.opinions, 6).tolist(),
            "seen": self.seen.as_json(),
            "meaning": self.meaning,
            "others": {
                name: {"scale": [one.low, one.high], **_curve_as_json(one.curve)}
                for name, one in self.others.items()
            },
        }

    def save(self, folder: Path) -> None:
        """Write `calibration.json`; `load` reads it."""
        write_json(folder / CALIBRATION, self.as_json())

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Read what `save` wrote; None if this folder has no calibration.

        Raises:
            RunError: The file is damaged.
        """
        path = folder / CALIBRATION
        content = read_object(path, scale=list, curves=dict, opinions=list, seen=dict)
        if content is None:
            return None
        with as_data(path):
            scale = content["scale"]
            curves = {name: _curve(one, scale) for name, one in content["curves"].items()}
            others = content.get("others", {}).items()
            low, high = (float(value) for value in scale)
            opinions = np.asarray(content["opinions"], dtype=np.float64)
            if not low < high or np.any(np.diff(opinions) < 0):
                raise TypeError("scale and opinions must ascend")
            errors, fitted_on = content["errors"], content["fitted_on"]
            if not len(opinions) and fitted_on != PUBLISHED:
                raise TypeError("there are no opinions")
            if fitted_on not in (VALIDATION, TRAINING, PUBLISHED):
                raise TypeError(f"fitted_on is {fitted_on}")
            return cls(
                (low, high),
                curves,
                fitted_on,
                Errors.from_json(errors) if errors is not None else None,
                opinions,
                Seen.from_json(content["seen"]),
                str(content.get("meaning", "")),
                {name: _curve(one, one["scale"]) for name, one in others},
            )


def announced_scale(
    database: Mapping[str, Any], calibration: Calibration | None
) -> tuple[tuple[float, float] | None, str]:
    """Return the scale of a run's scores, None if it is unknown, and what it is in words.

    Args:
        database: The card of the run's database.
        calibration: Of the run; None if it stored none.
    """
    if not database.get("scale_known", True):
        return None, "an unknown scale"
    low, high = database["mos_range"]
    meaning = "" if calibration is None else calibration.meaning
    return (low, high), meaning or f"the MOS scale of {database['name']}"


def calibrated(
    mos_range: tuple[float, float],
    fitted: Mapping[str, tuple[ArrayLike, ArrayLike]],
    held_out: Mapping[str, tuple[ArrayLike, ArrayLike, Sequence[str]]],
    opinions: Sequence[float],
    seen: Seen,
    fitted_on: str,
) -> Calibration:
    """Calibrate a run from its stored predictions.

    Args:
        mos_range: Of the labels.
        fitted: Split -> raw scores and MOS of the videos that its curve is fitted on.
        held_out: Split -> raw scores, MOS and names of its test part; absent or empty without one.
        opinions: MOS of the training videos.
        seen: What the training videos are like.
        fitted_on: The part that `fitted` is from.
    """
    curves = {name: fit_scale(score, mos, mos_range) for name, (score, mos) in fitted.items()}
    parts = [(curves[name](score), mos) for name, (score, mos, _) in held_out.items()]
    videos = {video for _, _, names in held_out.values() for video in names}
    scores = np.concatenate([score for score, _ in parts]) if parts else np.empty(0)
    rated = np.concatenate([np.asarray(mos) for _, mos in parts]) if parts else np.empty(0)
    quantiles = np.quantile(np.asarray(opinions, dtype=np.float64), np.linspace(0, 1, QUANTILES))
    errors = held_out_errors(scores, rated, len(videos)) if len(scores) else None
    return Calibration(mos_range, curves, fitted_on, errors, quantiles, seen)


def _curve(content: Mapping[str, Any], scale: Sequence[float]) -> ScaleCurve:
    low, high = (float(value) for value in scale)
    return ScaleCurve(Curve(content["kind"], tuple(content["parameters"])), low, high)


def _curve_as_json(curve: Curve) -> dict[str, Any]:
    return {"kind": curve.kind, "parameters": curve.parameters}
