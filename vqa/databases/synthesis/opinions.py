"""Pseudo-opinions: from planted severities to what 24 simulated viewers would tick.

Nobody watched these videos. A viewer's annoyance is a root sum of squares of the severities, each
weighted by how visible that distortion is on the content (noise and blocks hide in texture, blur
hides in smooth pictures); a logistic psychometric curve turns annoyance into quality; the content's
appeal shifts it; and each viewer adds a bias of their own and an error, and ticks one of five
categories. Only `random.Random.random`, whose stream Python guarantees, and elementary functions
are used, and results are rounded, so that the labels are the same on every machine.
"""

import math
import random
from collections.abc import Mapping
from statistics import NormalDist, fmean, stdev

RATERS = 24
RATER_BIAS = 0.3  # standard deviation over viewers, rating points
RATER_ERROR = 0.6  # standard deviation over one viewer's ratings
APPEAL = 0.15  # standard deviation over contents
ANNOYANCE_AT_HALF = 0.5
ANNOYANCE_SLOPE = 0.16


def visibility(distortion: str, texture: float) -> float:
    """Weight of a distortion on a content with this much texture (0..1)."""
    match distortion:
        case "noise":
            return 1.15 - 0.4 * texture
        case "compression":
            return 1.1 - 0.25 * texture
        case "defocus" | "motion_blur":
            return 0.85 + 0.3 * texture
        case _:
            return 1.0


def quality(severities: Mapping[str, float], texture: float) -> float:
    """Mean quality that viewers see, 1 (bad) to 5 (excellent), before the content's appeal."""
    annoyance = math.sqrt(
        sum((visibility(name, texture) * severity) ** 2 for name, severity in severities.items())
    )
    return 1.0 + 4.0 / (1.0 + math.exp((annoyance - ANNOYANCE_AT_HALF) / ANNOYANCE_SLOPE))


def normal(draw: random.Random, deviation: float) -> float:
    """A normal deviate by inversion, from one `draw.random()`."""
    return deviation * NormalDist().inv_cdf(max(draw.random(), 1e-12))


def viewers(draw: random.Random) -> tuple[float, ...]:
    """The panel's biases, rating points."""
    return tuple(normal(draw, RATER_BIAS) for _ in range(RATERS))


def rate(true_quality: float, panel: tuple[float, ...], draw: random.Random) -> tuple[float, float]:
    """The panel's mean opinion score and the opinions' standard deviation, four decimals each."""
    ticks = [
        min(5, max(1, round(true_quality + bias + normal(draw, RATER_ERROR)))) for bias in panel
    ]
    return round(fmean(ticks), 4), round(stdev(ticks), 4)
