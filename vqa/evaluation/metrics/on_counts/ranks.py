"""Rank correlations of many resamples at once.

Counts `(R, N)` say how often each of R resamples drew each of N videos. The order of the videos
does not change between resamples, so everything is sorted once and only sums remain. Counts are
small whole numbers, which float32 adds exactly.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqa.evaluation.metrics.checks import Array
from vqa.evaluation.metrics.on_counts.forms import Counts, ratio

SMALLEST_BLOCK = 64
# Above it, the fixed matrices of blocks take gigabytes.
MOST_IN_BLOCKS = 2**16
# Cells of the counts that are ranked at once.
CELLS_AT_ONCE = 2**17
# Float32 holds every whole number below this bound.
EXACT = 2**24


@dataclass(frozen=True, slots=True)
class _Groups:
    """Groups of videos with equal values, in ascending order; most hold a single video.

    Attributes:
        place: Group of each video (N,).
        heads: One video of each group (G,).
        tied: Groups with more than one video (H,).
        members: All videos of the tied groups, group after group (M,).
        starts: Position in `members` at which each tied group begins (H,).
    """

    place: NDArray[np.intp]
    heads: NDArray[np.intp]
    tied: NDArray[np.intp]
    members: NDArray[np.intp]
    starts: NDArray[np.intp]

    def sums(self, counts: Counts) -> Counts:
        """Count the draws in each group (R, G)."""
        drawn = np.take(counts, self.heads, axis=1)
        if len(self.tied):
            members = np.take(counts, self.members, axis=1)
            drawn[:, self.tied] = np.add.reduceat(members, self.starts, axis=1)
        return drawn


def _group(*keys: Array) -> _Groups:
    """Group the videos that are equal in every key (N,)."""
    _, heads, place, sizes = np.unique(
        np.stack(keys), axis=1, return_index=True, return_inverse=True, return_counts=True
    )
    place = place.ravel()
    order = np.argsort(place, kind="stable")
    tied = np.flatnonzero(sizes > 1)
    members = order[sizes[place[order]] > 1]
    starts = np.searchsorted(place[members], tied)
    return _Groups(place, heads, tied, members, starts)


def srocc_on_counts(mos: Array, score: Array) -> Callable[[Counts], Array]:
    """Spearman's correlation of every resample, as a function of counts (R, N).

    The spread of the ranks depends only on the sizes t of tied groups: twice the deviations of the
    ranks have the sum of squares (n^3 - sum of t^3) / 3. A video drawn twice is a tie too.
    """
    groups = [_group(mos), _group(score)]
    rows = max(1, CELLS_AT_ONCE // max(1, len(mos)))

    def srocc(counts: Counts) -> Array:
        # In a few rows at a time, which stay in the processor's cache.
        parts = [counts[begin : begin + rows] for begin in range(0, len(counts), rows)]
        return np.concatenate([some(part) for part in parts])

    def some(counts: Counts) -> Array:
        n = counts.sum(axis=1)
        ranks, spreads = zip(*(_deviations(counts, n, group) for group in groups), strict=True)
        together = np.einsum("rn,rn,rn->r", counts, *ranks, dtype=np.float64)
        return ratio(together, spreads[0] * spreads[1], n)

    return srocc


def krocc_on_counts(mos: Array, score: Array) -> Callable[[Counts], Array]:
    """Kendall's tau-b of every resample, as a function of counts (R, N).

    A pair i, j has the weight `counts_i * counts_j`. Ties are broken so that a tied pair agrees.
    Then only the mass of disagreeing pairs is needed (`_disagreement`), and with A the sum of
    squared group sizes (by MOS, by score, by both)

        agreeing - disagreeing = (n^2 - A_mos - A_score + A_both) / 2 - 2 * disagreeing.
    """
    groups = [_group(mos), _group(score), _group(mos, score)]
    count = _disagreement if len(mos) <= MOST_IN_BLOCKS else _disagreement_by_halves
    disagreement = count(np.lexsort((score, mos)), np.lexsort((mos, score)))

    def krocc(counts: Counts) -> Array:
        n = counts.sum(axis=1)
        squares = n.astype(np.float64) ** 2
        # Without ties every group is one video, and the order of groups does not matter here.
        sizes = [group.sums(counts) if len(group.tied) else counts for group in groups]
        tied = [_power_sum(drawn, drawn) for drawn in sizes]
        balance = squares - tied[0] - tied[1] + tied[2] - 4 * disagreement(counts)
        return ratio(balance, (squares - tied[0]) * (squares - tied[1]), n)

    return krocc


def _deviations(counts: Counts, n: Counts, group: _Groups) -> tuple[Counts, Array]:
    """Return twice the deviations of average ranks (R, N), and their sums of squares (R,)."""
    drawn = group.sums(counts)
    doubled = np.cumsum(drawn, axis=1)
    doubled *= 2
    doubled -= drawn
    doubled -= n[:, None]
    cubes = _power_sum(drawn, drawn, drawn)
    return np.take(doubled, group.place, axis=1), (n.astype(np.float64) ** 3 - cubes) / 3


def _power_sum(*factors: Counts) -> Array:
    """Sum of products of whole numbers >= 0, each (R, G): exact, (R,)."""
    terms = ",".join(["rg"] * len(factors)) + "->r"
    total = np.einsum(terms, *factors)
    if (total < EXACT).all():
        return total.astype(np.float64)
    return np.einsum(terms, *factors, dtype=np.float64)


def _disagreement(
    by_mos: NDArray[np.intp], by_score: NDArray[np.intp]
) -> Callable[[Counts], Array]:
    """Mass of the pairs that two strict orders (N,) of the videos put in opposite order.

    The MOS order is cut into K blocks of about sqrt(N) videos, the score order into K buckets. A
    disagreeing pair lies in one block; or in two blocks and one bucket; or in two blocks and two
    buckets. The last kind needs only the mass of each cell. The first two are products with fixed
    0/1 matrices, so a resample costs O(N sqrt(N)) in dense matrix products.
    """
    videos = len(by_mos)
    block = max(SMALLEST_BLOCK, math.ceil(math.sqrt(1.25 * videos)))
    blocks = -(-videos // block)
    mos_place, score_place = (np.argsort(order) for order in (by_mos, by_score))
    # Video 0 pads both orders to whole blocks; the zeros below exclude the padding.
    filling = (0, blocks * block - videos)
    real = np.pad(np.ones(videos, bool), filling).reshape(blocks, block)
    by_mos, by_score = np.pad(by_mos, filling), np.pad(by_score, filling)
    buckets = (score_place // block)[by_mos].reshape(blocks, block, 1)
    places = score_place[by_mos].reshape(blocks, block)
    sources = (mos_place // block)[by_score].reshape(blocks, block)

    def fixed(pairs: NDArray[np.bool_], kept: NDArray[np.bool_]) -> Counts:
        return np.ascontiguousarray(pairs & kept, dtype=np.float32)

    first = np.triu(np.ones((block, block), bool), 1)
    pairs = real[:, :, None] & real[:, None, :] & first
    in_block = fixed(places[:, :, None] > places[:, None, :], pairs)
    in_bucket = fixed(sources[:, :, None] > sources[:, None, :], pairs)
    from_bucket = fixed(buckets >= np.arange(blocks + 1), real[:, :, None])
    earlier = np.tril(np.ones((blocks, blocks), np.float32), -1)

    def mass(counts: Counts) -> Array:
        in_mos, in_score = (
            np.take(counts, order, axis=1).reshape(-1, blocks, block).transpose(1, 0, 2)
            for order in (by_mos, by_score)
        )
        upper = in_mos @ from_bucket  # (K, R, K + 1): draws in a block, from a bucket on
        cells = upper[:, :, :-1] - upper[:, :, 1:]
        beyond = earlier @ upper[:, :, 1:].reshape(blocks, -1)  # from earlier blocks, beyond it
        return (
            _product(in_mos @ in_block, in_mos)
            + _product(in_score @ in_bucket, in_score)
            + _product(cells, beyond.reshape(cells.shape))
        )

    return mass


def _disagreement_by_halves(
    by_mos: NDArray[np.intp], by_score: NDArray[np.intp]
) -> Callable[[Counts], Array]:
    """Do as `_disagreement` in N log(N) steps and memory, which matters for very many videos.

    Two videos differ in some bit of their places by MOS and agree in all higher bits, so they lie
    in two halves of one block of the MOS order. In score order within each block, a video of the
    lower half disagrees with those of the upper half before it.
    """
    mos_place = np.argsort(by_mos)
    levels = []
    for bit in range((len(by_mos) - 1).bit_length()):
        block = mos_place[by_score] >> (bit + 1)
        inside = np.argsort(block, kind="stable")
        order, block = by_score[inside], block[inside]
        begin = np.searchsorted(block, block).astype(np.int32)
        upper = (mos_place[order] >> bit & 1).astype(np.float32)
        levels.append((order.astype(np.int32), upper, begin))

    def of_row(counts: NDArray[np.float32]) -> float:
        total = 0.0
        before = np.zeros(len(counts) + 1, np.float32)
        for order, upper, begin in levels:
            drawn = counts[order]
            above = drawn * upper
            np.cumsum(above, out=before[1:])
            drawn -= above
            total += np.dot(drawn.astype(np.float64), before[1:] - before[begin])
        return total

    return lambda counts: np.array([of_row(row) for row in counts])


def _product(a: Counts, b: Counts) -> Array:
    """Sum of products of (K, R, B): exact within a block, then in float64, (R,)."""
    return np.einsum("krb,krb->kr", a, b).sum(axis=0, dtype=np.float64)
