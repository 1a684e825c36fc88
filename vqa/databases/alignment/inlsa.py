"""Iterated nested least squares (INLSA): sources meet in a common objective measure.

Two least-squares steps alternate (S. D. Voran, "An iterated nested least-squares algorithm for
fitting multiple data sets", NTIA TM-03-397, 2002; M. H. Pinson, S. Wolf, "An objective method for
combining multiple subjective data sets", SPIE VCIP 2003): one regression of all aligned MOS on the
objective numbers, then one line per source from MOS to the regression's prediction. All lines are
then divided by the anchor's own, so that its MOS stay as they are.

Plain least squares in both steps would shrink the slopes: a prediction from a noisy objective is
drawn to the mean, a line to it from the MOS is flatter than the scales are, and each round flattens
it further. Two measures of the authors' program prevent that and are followed here. The division by
the anchor's line takes out what all sources share. And the line allows for errors in both variables
(`joint_line`), which takes out what they do not share: an objective that follows one database less
well than another gives its predictions a weaker correlation with the MOS, not a smaller spread.

What remains is an assumption: that the objective's error is to the spread of quality in every
source as in the others. A source of narrower range than the anchor comes out too steep, the more so
the larger `error_ratio` is: with three quarters of the anchor's range and an objective whose error
is nearly as large as the anchor's spread of quality, by 16 % for a ratio of 0 and by 33 % for 1,
the value of the authors' demonstration. And a difference in mean quality between sources comes out
too small, by the correlation of prediction and MOS in the anchor. Opinions are averaged and
objectives weak, so 0 is the default; with BRISQUE in place of NIQE it gives KoNViD-1k nearly the
published line. Lines by plain regression of the prediction on the MOS, divided by the anchor's,
would be free of both faults, but run away with an objective that follows one database less well
than another.

Outliers are videos whose prediction is further from their source's line than so many robust
standard deviations (1.4826 x median absolute deviation); the fit is repeated without them until
there are none. That rule is ours.
"""

import logging
from collections.abc import Sequence

import numpy as np

from vqa.databases.alignment import (
    PUBLISHED_ANCHOR,
    Alignment,
    AlignmentError,
    Line,
    Objective,
    training_parts,
)
from vqa.databases.records import Database, VideoRecord

LOGGER = logging.getLogger(__name__)

VIDEOS_PER_NUMBER = 10  # a regression on more numbers than that reproduces any labels
COMPONENTS = 10  # at most, of a longer vector
MAX_ROUNDS = 1000
TOLERANCE = 1e-9  # change of slope and intercept, MOS scales taken as [0, 1]


def fit_inlsa(
    database: Database,
    train: Sequence[str],
    objective: Objective | None,
    *,
    anchor: str = PUBLISHED_ANCHOR,
    error_ratio: float = 0.0,
    outlier_spreads: float | None = 3.0,
) -> Alignment:
    """One line per source, fitted through an objective measure of each training video.

    Args:
        database: Several databases as one.
        train: The ids to fit on; no other video's MOS or objective numbers are looked at.
        objective: One number or a vector (D,) for a video, the same D for all. A vector too long
            for a regression on these videos is replaced by its leading principal components.
        anchor: The source whose scale is kept.
        error_ratio: Error of the MOS over error of the prediction, as `joint_line` takes it.
        outlier_spreads: Robust standard deviations beyond which a video is left out; None: never.

    Raises:
        AlignmentError: No combined database, an unknown anchor, too few videos of a source, an
            objective that is absent, not finite, constant or without relation to the MOS, or no
            convergence.
    """
    parts, scales = training_parts(database, train, "inlsa", anchor)
    videos = [video for part in parts.values() for video in part]
    design = _design(videos, objective)
    sources = np.array([video.group for video in videos])
    low, high = np.array([scales[video.group] for video in videos]).T
    mos = (np.array([video.mos for video in videos]) - low) / (high - low)
    kept = np.ones(len(videos), dtype=bool)
    lines: dict[str, Line] = dict.fromkeys(parts, (1.0, 0.0))
    while True:
        lines, error = _iterate(design, mos, sources, kept, lines, anchor, error_ratio)
        far = kept & _far(error, sources, kept, outlier_spreads)
        if not far.any():
            break
        kept &= ~far
    outliers = tuple(video.id for video, keep in zip(videos, kept, strict=True) if not keep)
    LOGGER.info("inlsa: %d of %d training videos left out as outliers", len(outliers), len(videos))
    lowest, highest = scales[anchor]
    maps = {}
    for source, (slope, intercept) in lines.items():
        low, high = scales[source]
        gain = slope * (highest - lowest) / (high - low)
        maps[source] = (gain, lowest + intercept * (highest - lowest) - gain * low)
    return Alignment("inlsa", anchor, scales[anchor], {**maps, anchor: (1.0, 0.0)}, outliers)


def joint_line(mos: np.ndarray, prediction: np.ndarray, error_ratio: float) -> Line:
    """The line from MOS (N,) to prediction (N,) that allows for errors in both.

    Points are moved onto the line by errors in the MOS and in the prediction whose norms are as
    `error_ratio` to 1, and the moved predictions keep the variance of the given ones. With 0 the
    slope is the ratio of the standard deviations; without noise it is the true one, whatever the
    ratio. It is the joint error minimisation of the authors' program, there for ratios above 0.

    Raises:
        AlignmentError: The two are not positively correlated, or a negative ratio.
    """
    if error_ratio < 0:
        raise AlignmentError(f"error_ratio={error_ratio}; expected 0 or more")
    x, y = mos - mos.mean(), prediction - prediction.mean()
    if not x @ y > 0:
        raise AlignmentError(
            "the objective does not follow the MOS; expected one that goes with quality in the "
            "same direction in every source: take another objective"
        )
    spread = np.linalg.norm(y)
    slope = float(1 / (np.linalg.norm(x + error_ratio * y) / spread - error_ratio))
    return slope, float(prediction.mean() - slope * mos.mean())


def _iterate(
    design: np.ndarray,
    mos: np.ndarray,
    sources: np.ndarray,
    kept: np.ndarray,
    lines: dict[str, Line],
    anchor: str,
    error_ratio: float,
) -> tuple[dict[str, Line], np.ndarray]:
    """Alternate the two steps until no line changes; MOS scales taken as [0, 1].

    Returns:
        The lines, and the distance (N,) of each prediction from its source's line.
    """
    project = np.linalg.pinv(design[kept])
    for _ in range(MAX_ROUNDS):
        slopes, intercepts = np.array([lines[source] for source in sources]).T
        prediction = design @ (project @ (slopes * mos + intercepts)[kept])
        error = np.empty_like(mos)
        raw = {}
        for source in lines:
            own = sources == source
            try:
                raw[source] = joint_line(mos[own & kept], prediction[own & kept], error_ratio)
            except AlignmentError as fault:
                raise AlignmentError(f"inlsa: {source}: {fault}") from None
            slope, intercept = raw[source]
            error[own] = prediction[own] - slope * mos[own] - intercept
        gain, offset = raw[anchor]
        new = {source: (a / gain, (b - offset) / gain) for source, (a, b) in raw.items()}
        change = max(np.abs(np.subtract(new[source], lines[source])).max() for source in lines)
        lines = new
        if change < TOLERANCE:
            return lines, error
    raise AlignmentError(
        f"inlsa: no convergence in {MAX_ROUNDS} rounds (last change {change:.2g}); take an "
        "objective of fewer numbers, or alignment=linear"
    )


def _far(
    error: np.ndarray, sources: np.ndarray, kept: np.ndarray, spreads: float | None
) -> np.ndarray:
    """Which videos (N,) lie further off their source's line than allowed."""
    far = np.zeros(len(error), dtype=bool)
    if spreads is None:
        return far
    for source in set(sources):
        own = sources == source
        middle = np.median(error[own & kept])
        deviation = 1.4826 * np.median(np.abs(error[own & kept] - middle))
        # Exact predictions differ by rounding alone, of which none is an outlier.
        far |= own & (np.abs(error - middle) > max(spreads * deviation, 1e-9))
    return far


def _design(videos: Sequence[VideoRecord], objective: Objective | None) -> np.ndarray:
    """A column of ones and the objective numbers, standardised: (N, 1 + D)."""
    if objective is None:
        raise AlignmentError(
            "inlsa: no objective is given; expected a number or a short vector for each video, or "
            "take alignment=linear"
        )
    vectors = [np.atleast_1d(np.asarray(objective(video), dtype=float)) for video in videos]
    shapes = sorted({vector.shape for vector in vectors})
    if len(shapes) > 1 or len(shapes[0]) != 1:
        raise AlignmentError(f"inlsa: objective of shapes {shapes}; expected one (D,) for all")
    numbers = np.stack(vectors)
    bad = [
        video.id for video, row in zip(videos, numbers, strict=True) if not np.isfinite(row).all()
    ]
    if bad:
        raise AlignmentError(
            f"inlsa: the objective of {len(bad)} videos is not finite, for instance {bad[0]}; "
            "leave them out or mend the objective"
        )
    numbers = numbers[:, np.ptp(numbers, axis=0) > 0]
    count, length = numbers.shape
    if length == 0:
        raise AlignmentError("inlsa: the objective is the same for all videos; take another one")
    standard = (numbers - numbers.mean(axis=0)) / numbers.std(axis=0)
    if length > count / VIDEOS_PER_NUMBER:
        components = min(COMPONENTS, max(1, count // VIDEOS_PER_NUMBER))
        axes, sizes, _ = np.linalg.svd(standard, full_matrices=False)
        standard = axes[:, :components] * sizes[:components]
        LOGGER.info("inlsa: %d objective numbers as %d components", length, components)
    return np.column_stack([np.ones(count), standard])
