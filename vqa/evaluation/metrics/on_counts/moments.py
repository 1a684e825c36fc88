"""Pearson's correlation and the root mean square error of many resamples at once."""

import numpy as np

from vqa.evaluation.metrics.checks import Array
from vqa.evaluation.metrics.on_counts.forms import Sums, ratio


def pearson_on_counts(mos: Array, score: Array) -> Sums:
    """Pearson's correlation of MOS and unmapped scores, both (N,)."""
    # Standardised first, so that the differences of sums in `_pearson` keep their digits.
    a, b = ((x - x.mean()) / (x.std() or 1.0) for x in (mos, score))
    return Sums(np.stack([a, b, a * a, b * b, a * b], axis=1), _pearson)


def rms_on_counts(mos: Array, score: Array) -> Sums:
    """Root mean square difference of MOS and unmapped scores, both (N,)."""
    return Sums(((mos - score) ** 2)[:, None], _rms)


def _pearson(sums: Array, drawn: Array) -> Array:
    a, b, aa, bb, ab = sums.T / np.maximum(drawn, 1)
    varies = (aa - a * a > 1e-12) & (bb - b * b > 1e-12)
    power = np.where(varies, (aa - a * a) * (bb - b * b), 0.0)
    return ratio(ab - a * b, power, drawn)


def _rms(sums: Array, drawn: Array) -> Array:
    return np.where(drawn > 0, np.sqrt(sums[:, 0] / np.maximum(drawn, 1)), np.nan)
