"""What the training videos of a run are like, so that a score of another kind of video says so."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

INNER = (0.005, 0.995)  # quantiles between which a feature is ordinary
USUAL = 0.99  # of the training videos have at most `usual` extraordinary features
RATE_TOLERANCE = 0.02  # 29.97 and 30 frames per second are one


@dataclass(frozen=True, slots=True)
class Seen:
    """Sizes, frame rates and features of the training videos.

    Attributes:
        sides_px: Shortest and longest of the shorter sides of their frames; None if unknown.
        rates_hz: Lowest and highest of their frame rates; None if unknown.
        low: (D,) 0.5 % quantile of each feature, over the means over time; empty without features.
        high: (D,) 99.5 % quantile.
        usual: Share of features outside these bounds that 99 % of the training videos stay below.
    """

    sides_px: tuple[float, float] | None = None
    rates_hz: tuple[float, float] | None = None
    low: np.ndarray = field(default_factory=lambda: np.empty(0))
    high: np.ndarray = field(default_factory=lambda: np.empty(0))
    usual: float = 0.0

    def remarks(
        self, width: int, height: int, rate_hz: float, features: np.ndarray | None
    ) -> Iterator[str]:
        """Say in what a video is unlike the training videos.

        Args:
            width: Of its frames, in pixels.
            height: Of its frames, in pixels.
            rate_hz: Its frame rate.
            features: (D,) its features, as means over time; None for a model without features.
        """
        side = min(width, height)
        if self.sides_px and not self.sides_px[0] <= side <= self.sides_px[1]:
            yield f"{width}x{height} is outside the sizes in training ({_span(self.sides_px)} p)"
        if self.rates_hz and not (
            self.rates_hz[0] * (1 - RATE_TOLERANCE)
            <= rate_hz
            <= self.rates_hz[1] * (1 + RATE_TOLERANCE)
        ):
            yield f"{rate_hz:g} Hz is outside the rates in training ({_span(self.rates_hz)} Hz)"
        if features is not None and features.shape == self.low.shape and len(self.low):
            share = float(_outside(features[None], self.low, self.high)[0])
            if share > self.usual:
                yield (
                    f"unlike the training videos: {share:.0%} of its features lie outside their "
                    f"range (up to {self.usual:.0%} is usual)"
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
    table = np.array(list(features), dtype=np.float64)
    if not table.size:
        return Seen(_known_span(sides), _known_span(np.asarray(rates_hz, dtype=np.float64)))
    table = np.where(np.isfinite(table), table, np.nan)
    known = np.isfinite(table).any(axis=0)
    low, high = np.zeros(table.shape[1]), np.zeros(table.shape[1])
    low[known], high[known] = np.nanquantile(table[:, known], INNER, axis=0)
    usual = float(np.quantile(_outside(table, low, high), USUAL))
    return Seen(
        _known_span(sides), _known_span(np.asarray(rates_hz, dtype=np.float64)), low, high, usual
    )


def _outside(features: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Share of the features (N, D) of each video outside the bounds, (N,)."""
    return ((features < low) | (features > high)).mean(axis=1)


def _known_span(values: np.ndarray) -> tuple[float, float] | None:
    known = values[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if len(known) else None


def _short(values: np.ndarray) -> list[float]:
    """Six significant digits are more than the quantiles are known to."""
    return [float(f"{value:.6g}") for value in values]


def _span(pair: tuple[float, float]) -> str:
    low, high = pair
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
