"""Pseudo-opinions: ratings of 24 simulated viewers for the severities of a video.

Nobody watched these videos. The annoyance of a video is the root of the sum of its squared
severities, each weighted by the visibility of the distortion on the content: noise and blocks hide
in texture, blur hides in smooth pictures. A logistic psychometric curve maps annoyance to quality.
The content's appeal shifts it. Each viewer adds a personal bias and an error and chooses one of
five categories. The code uses only `random.Random.random`, whose stream Python keeps stable, and
elementary functions, and rounds the results, so the labels are the same on every machine.
"""

import math
import random
from collections.abc import Mapping
from statistics import NormalDist, fmean, stdev

RATERS = 24
RATER_BIAS = 0.3  # standard deviation over viewers, in rating points
RATER_ERROR = 0.6  # standard deviation over the ratings of one viewer
APPEAL = 0.15  # standard deviation over contents
ANNOYANCE_AT_HALF = 0.5
ANNOYANCE_SLOPE = 0.16


def visibility(distortion: str, texture: float) -> float:
    """Weight of a distortion on a content of the given texture (0..1)."""
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
    """Mean perceived quality, 1 (bad) to 5 (excellent), without the content's appeal."""
    annoyance = math.sqrt(
        sum((visibility(name, texture) * severity) ** 2 for name, severity in severities.items())
    )
    return 1.0 + 4.0 / (1.0 + math.exp((annoyance - ANNOYANCE_AT_HALF) / ANNOYANCE_SLOPE))


def normal(draw: random.Random, deviation: float) -> float:
    """Draw a normal deviate by inversion of one `draw.random()`."""
    return deviation * NormalDist().inv_cdf(max(draw.random(), 1e-12))


def viewers(draw: random.Random) -> tuple[float, ...]:
    """Draw the biases of the panel, in rating points."""
    return tuple(normal(draw, RATER_BIAS) for _ in range(RATERS))


def rate(true_quality: float, panel: tuple[float, ...], draw: random.Random) -> tuple[float, float]:
    """Return the panel's MOS and the standard deviation of its opinions, to four decimals."""
    ticks = [
        min(5, max(1, round(true_quality + bias + normal(draw, RATER_ERROR)))) for bias in panel
    ]
    return round(fmean(ticks), 4), round(stdev(ticks), 4)
