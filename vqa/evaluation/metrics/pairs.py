"""The gated agreement of all pairs of videos, in about N log(N)^2 steps instead of N^2.

The videos, in MOS order, are cut in halves again and again. Within a few hundred videos every pair
is looked at. Of a pair from two halves, the gate depends on the difference of two MOS and is
smooth, so a product of Chebyshev series in the two MOS equals it to the last digits of float64.
Then only sums over the lower half remain, of videos with a lower score minus those with a higher
one, and these are differences of running sums in the order of the scores.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.chebyshev import chebvander

from vqa.evaluation.metrics.checks import Array

# Up to this many videos all pairs are looked at, in arrays of at most 2 MB.
SMALLEST = 512
MOST_TERMS = 64  # of a series; parts that need more are cut once more
DIGITS = 37.0  # natural logarithm of the accuracy of a series, a little beyond float64's


@dataclass(frozen=True, slots=True)
class Pairs:
    """Videos in ascending order of MOS; a pair has the weight `later[i] * earlier[j]`, i after j.

    Attributes:
        mos: Opinions (N,), ascending.
        score: Predictions (N,).
        earlier: Factor of a video in pairs with later ones (N,).
        later: Factor of a video in pairs with earlier ones (N,).
    """

    mos: Array
    score: Array
    earlier: Array
    later: Array

    def __getitem__(self, part: slice) -> "Pairs":
        return Pairs(self.mos[part], self.score[part], self.earlier[part], self.later[part])


def total_weight(pairs: Pairs) -> float:
    """Return the sum of the weights of all pairs."""
    if len(pairs.mos) <= SMALLEST:  # one by one, so that stored results keep their last digit
        return float(np.tril(pairs.later[:, None] * pairs.earlier, -1).sum())
    return float(pairs.later[1:] @ np.cumsum(pairs.earlier)[:-1])


def agreement(pairs: Pairs, thresholds: Array, c: float) -> Array:
    """Sum of weight, gate and sign over all pairs, at each threshold (K,).

    The gate is `1 / (1 + exp(-c (gap - T)))` with the gap of the two MOS. The sign is 1 if the
    scores have the order of the MOS, -1 if they have the other, and 0 for equal scores or MOS.

    Args:
        pairs: The videos.
        thresholds: T (K,), in the unit of the MOS; -inf opens the gate for all pairs.
        c: Steepness of the gate, above 0.
    """
    videos = len(pairs.mos)
    if videos <= SMALLEST:
        return _one_by_one(pairs, pairs, thresholds, c)
    middle = pairs.mos[videos // 2]
    # Equal MOS stay together; if they fill the lower half, the cut is above them.
    cut = int(np.searchsorted(pairs.mos, middle)) or int(
        np.searchsorted(pairs.mos, middle, side="right")
    )
    if cut == videos:
        return np.zeros(len(thresholds))
    low, high = pairs[:cut], pairs[cut:]
    return (
        agreement(low, thresholds, c)
        + agreement(high, thresholds, c)
        + _across(low, high, thresholds, c)
    )


def _one_by_one(low: Pairs, high: Pairs, thresholds: Array, c: float) -> Array:
    """Sum over pairs of a video of `high` and one of `low` with a lower MOS, one by one (K,)."""
    gap = np.maximum(high.mos[:, None] - low.mos, 0.0)
    sign = np.sign(gap) * np.sign(high.score[:, None] - low.score)
    agree = high.later[:, None] * low.earlier * sign
    falloff = np.exp(-c * gap)
    gate = np.empty_like(falloff)  # one array for all thresholds: new ones cost more than sums
    sums = np.empty(len(thresholds))
    for place, rise in enumerate(_rises(thresholds, c)):
        np.multiply(rise, falloff, out=gate)
        np.add(1, gate, out=gate)
        np.divide(1, gate, out=gate)
        sums[place] = np.vdot(agree, gate)
    return sums


def _across(low: Pairs, high: Pairs, thresholds: Array, c: float) -> Array:
    """Sum over pairs of a video of `low` and one of `high`, all of whose MOS are higher (K,)."""
    if not min(len(low.mos), len(high.mos)):
        return np.zeros(len(thresholds))
    if len(low.mos) * len(high.mos) <= SMALLEST**2:
        return _one_by_one(low, high, thresholds, c)
    widths = [float(np.ptp(part.mos)) / 2 for part in (low, high)]
    # The poles of the gate are pi / c beside the real axis. A series of n terms has the error r^-n,
    # where r is the sum of the half-axes of the ellipse through them.
    beside = math.pi / (c * max(*widths, 1e-9))
    terms = 2 + math.ceil(DIGITS / math.asinh(beside))
    if terms <= MOST_TERMS:
        return _by_series(low, high, terms, thresholds, c)
    if widths[0] > widths[1]:
        below, above = _halves(low)
        return _across(below, high, thresholds, c) + _across(above, high, thresholds, c)
    below, above = _halves(high)
    return _across(low, below, thresholds, c) + _across(low, above, thresholds, c)


def _by_series(low: Pairs, high: Pairs, terms: int, thresholds: Array, c: float) -> Array:
    """Do as `_across`, by series of this many terms."""
    nodes = np.cos((np.arange(terms) + 0.5) * math.pi / terms)
    places, series = [], []
    for part in (low, high):
        centre = (part.mos[0] + part.mos[-1]) / 2
        width = max((part.mos[-1] - part.mos[0]) / 2, 1e-9)
        places.append(centre + width * nodes)
        series.append(chebvander((part.mos - centre) / width, terms - 1))
    order = np.argsort(low.score)
    sums = np.zeros((len(order) + 1, terms))
    np.cumsum((low.earlier[:, None] * series[0])[order], axis=0, out=sums[1:])
    below, upto = (
        np.searchsorted(low.score, high.score, side=side, sorter=order)
        for side in ("left", "right")
    )
    signed = sums[below] + sums[upto] - sums[-1]
    moments = (high.later[:, None] * series[1]).T @ signed
    to_series = 2 / terms * chebvander(nodes, terms - 1).T
    to_series[0] /= 2
    moments = to_series.T @ moments @ to_series  # of the nodes
    falloff = np.exp(-c * (places[1][:, None] - places[0]))
    return np.array([np.vdot(1 / (1 + rise * falloff), moments) for rise in _rises(thresholds, c)])


def _halves(pairs: Pairs) -> tuple[Pairs, Pairs]:
    """Cut videos in the middle of the range of their MOS."""
    cut = int(np.searchsorted(pairs.mos, (pairs.mos[0] + pairs.mos[-1]) / 2))
    return pairs[:cut], pairs[cut:]


def _rises(thresholds: Array, c: float) -> Array:
    """Return `exp(c T)`; the exponential of the gate is `exp(c T) exp(-c gap)`."""
    return np.exp(np.minimum(c * thresholds, 700))
