"""What the training videos of a run are like, so that a score of another kind of video says so."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

INNER = (0.005, 0.995)  # quantiles between which a feature is ordinary
NOTED = 0.05  # of the videos that are like those in training get a note on their features
FOLDS = 10
RATE_TOLERANCE = 0.02  # 29.97 and 30 frames per second are one
MOSTLY = 0.5  # of the features outside are of one family


@dataclass(frozen=True, slots=True)
class Seen:
    """Sizes, frame rates and features of the training videos.

    A video is noted if its size or rate lies outside the range of the training videos, or if more
    of its features lie outside their ranges than of 95 % of the training videos. That number is
    cross-fitted: each tenth of the training videos is compared with the ranges of the other nine,
    because videos lie inside ranges that were measured on them. So about 5 % of the videos that
    are like those in training get a note, however many features there are; with fewer than 19
    training videos features are never noted.

    Measured on the 1836 statistics of `features=nss`, over 30 random 80/20 splits: 5.1 % of the
    held-out videos of YouTube-UGC are noted for their features, 3.8 % of KoNViD-1k, 4.8 % of both
    together. Trained on KoNViD-1k, 35 % of YouTube-UGC are noted; the other way round 0.5 %.

    Attributes:
        sides_px: Shortest and longest of the shorter sides of their frames; None if unknown.
        rates_hz: Lowest and highest of their frame rates; None if unknown.
        low: (D,) 0.5 % quantile of each feature, over the means over time; empty without features.
        high: (D,) 99.5 % quantile.
        usual: Share of features outside these bounds that 95 % of the training videos stay below.
    """

    sides_px: tuple[float, float] | None = None
    rates_hz: tuple[float, float] | None = None
    low: np.ndarray = field(default_factory=lambda: np.empty(0))
    high: np.ndarray = field(default_factory=lambda: np.empty(0))
    usual: float = 0.0

    def remark(
        self,
        width: int,
        height: int,
        rate_hz: float,
        features: np.ndarray | None,
        families: Sequence[str] = (),
    ) -> str:
        """Say in what a video is unlike the training videos, with their range in parentheses.

        Args:
            width: Of its frames, in pixels.
            height: Of its frames, in pixels.
            rate_hz: Its frame rate.
            features: (D,) its features, as means over time; None for a model without features.
            families: The family of each feature, in a word; empty if unknown.

        Returns:
            The remark; empty for a video like those in training.

        Examples:
            >>> from vqa.runs.seen import Seen
            >>> Seen((240, 240), (25, 30)).remark(960, 540, 50.0, None)
            'outside training: 960x540 (240 p), 50 Hz (25 to 30 Hz)'
        """
        parts = list(self._parts(width, height, rate_hz, features, families))
        return f"outside training: {', '.join(parts)}" if parts else ""

    def _parts(
        self,
        width: int,
        height: int,
        rate_hz: float,
        features: np.ndarray | None,
        families: Sequence[str],
    ) -> Iterator[str]:
        if self.sides_px and not self.sides_px[0] <= min(width, height) <= self.sides_px[1]:
            yield f"{width}x{height} ({_span(self.sides_px)} p)"
        if self.rates_hz and not (
            self.rates_hz[0] * (1 - RATE_TOLERANCE)
            <= rate_hz
            <= self.rates_hz[1] * (1 + RATE_TOLERANCE)
        ):
            yield f"{rate_hz:.4g} Hz ({_span(self.rates_hz)} Hz)"
        if features is None or features.shape != self.low.shape or not len(self.low):
            return
        outside = _outside(features, self.low, self.high)
        if outside.mean() > self.usual:
            most = math.floor(self.usual * len(outside))
            yield (
                f"{outside.sum()} of {len(outside)} features (up to {most})"
                + _mostly(outside, families)
            )

    def as_json(self) -> dict[str, Any]:
        """Return plain values; `from_json` reads them."""
        return {
            "sides_px": self.sides_px and list(self.sides_px),
            "rates_hz": self.rates_hz and list(self.rates_hz),
            "low": _short(self.low),
            "high": _short(self.high),
            "usual": self.usual,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Rebuild what `as_json` returned.

        Raises:
            ValueError: It is something else.
        """
        spans = [content[name] and tuple(map(float, content[name])) for name in
                 ("sides_px", "rates_hz")]  # fmt: skip
        low, high = (np.asarray(content[name], dtype=np.float64) for name in ("low", "high"))
        if low.shape != high.shape or low.ndim != 1 or any(len(one) != 2 for one in spans if one):
            raise ValueError("seen: expected pairs of numbers and two lists of one length")
        return cls(*spans, low, high, float(content["usual"]))


def seen_in(
    sizes: Sequence[tuple[float, float]],
    rates_hz: Sequence[float],
    features: Iterable[np.ndarray],
) -> Seen:
    """Describe training videos.

    Args:
        sizes: Width and height of each, in pixels; NaN where unknown.
        rates_hz: Frame rate of each; NaN where unknown.
        features: (D,) features of each, as means over time; empty for a model without features.
            Values that are not finite count as ordinary.
    """
    sides = np.array([min(size) for size in sizes], dtype=np.float64)
    spans = _known_span(sides), _known_span(np.asarray(rates_hz, dtype=np.float64))
    table = np.array(list(features), dtype=np.float64)
    if not table.size:
        return Seen(*spans)
    table = np.where(np.isfinite(table), table, np.nan)
    return Seen(*spans, *_bounds(table), _usual(table))


def _bounds(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the bounds (D,) of ordinary features in a table (N, D); all is ordinary where NaN."""
    known = np.isfinite(table)
    whole = known.all(axis=0)
    partly = known.any(axis=0) & ~whole
    bounds = np.zeros((2, table.shape[1]))
    # The same numbers; NumPy takes the columns of the second form one by one.
    bounds[:, whole] = np.quantile(table[:, whole], INNER, axis=0)
    if partly.any():
        bounds[:, partly] = np.nanquantile(table[:, partly], INNER, axis=0)
    return bounds[0], bounds[1]


def _usual(table: np.ndarray) -> float:
    """Return the share of features outside that a video like those of the table rarely exceeds.

    It is the conformal quantile of the shares of the videos in the table (N, D), each outside the
    bounds of the other folds.
    """
    count = len(table)
    rank = math.ceil((1 - NOTED) * (count + 1))
    if rank > count:
        return 1.0
    shares = np.empty(count)
    for fold in range(FOLDS):
        own = np.arange(count) % FOLDS == fold
        shares[own] = _outside(table[own], *_bounds(table[~own])).mean(axis=1)
    return float(np.sort(shares)[rank - 1])


def _mostly(outside: np.ndarray, families: Sequence[str]) -> str:
    """Name the family that most of the features outside (D,) belong to; empty if there is none."""
    if len(families) != len(outside):
        return ""
    counts = Counter(family for family, is_out in zip(families, outside, strict=True) if is_out)
    family, count = counts.most_common(1)[0]
    return f", mostly {family}" if count > MOSTLY * outside.sum() else ""


def _outside(features: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return which features (..., D) lie outside the bounds (D,)."""
    return (features < low) | (features > high)


def _known_span(values: np.ndarray) -> tuple[float, float] | None:
    known = values[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if len(known) else None


def _short(values: np.ndarray) -> list[float]:
    """Four significant digits are more than the quantiles are known to."""
    return [float(f"{value:.4g}") for value in values]


def _span(pair: tuple[float, float]) -> str:
    low, high = pair
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
