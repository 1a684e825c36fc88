"""Iterated nested least squares (INLSA): alignment through a common objective measure.

Two least-squares steps alternate (S. D. Voran, "An iterated nested least-squares algorithm for
fitting multiple data sets", NTIA TM-03-397, 2002; M. H. Pinson, S. Wolf, "An objective method for
combining multiple subjective data sets", SPIE VCIP 2003). The first regresses all aligned MOS on
the objective numbers. The second fits one line per source from its MOS to the prediction of the
regression. Then all lines are divided by the anchor's line, so the anchor's MOS do not change.

With plain least squares in both steps, the slopes would shrink: predictions from a noisy objective
are drawn to the mean, so a line from the MOS to them is flatter than the true scale, and every
round flattens it further. As in the authors' program, two measures prevent this. Dividing by the
anchor's line removes the shrinkage that all sources share. A line that allows for errors in both
variables (`joint_line`) removes the rest: if an objective follows one database less well than
another, its predictions have a weaker correlation with the MOS, but not a smaller spread.

One assumption remains: the ratio between the error of the objective and the spread of quality is
the same in every source. A source with a narrower range of quality than the anchor gets too steep a
line, more so with a larger `error_ratio`. With three quarters of the anchor's range and an
objective whose error is nearly as large as the anchor's spread of quality, the line is too steep by
16 % for a ratio of 0 and by 33 % for 1, the value in the authors' demonstration. A difference in
mean quality between sources comes out too small by a factor, the correlation of prediction and MOS
in the anchor. The default is 0 because opinions are averaged and objectives are weak; with BRISQUE
in place of NIQE it gives KoNViD-1k nearly the published line. Plain regression of the prediction on
the MOS, divided by the anchor's line, would have neither fault, but it diverges if an objective
follows one database less well than another.

Outliers are videos whose prediction is further from the line of their source than a number of
robust standard deviations (1.4826 x median absolute deviation). The fit is repeated without them
until there are no more. This outlier rule is our own.
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

VIDEOS_PER_NUMBER = 10  # with fewer videos per objective number, a regression fits any labels
COMPONENTS = 10  # most principal components of a long objective vector
MAX_ROUNDS = 1000
TOLERANCE = 1e-9  # change of slope and intercept, for MOS scaled to [0, 1]


def fit_inlsa(
    database: Database,
    train: Sequence[str],
    objective: Objective | None,
    *,
    anchor: str = PUBLISHED_ANCHOR,
    error_ratio: float = 0.0,
    outlier_spreads: float | None = 3.0,
) -> Alignment:
    """Fit one line per source through an objective measure of each training video.

    Args:
        database: A combined database.
        train: Ids to fit on; MOS and objective numbers of other videos are not used.
        objective: Returns one number or a vector (D,) per video, with the same D for all. If D is
            too large for a regression on these videos, the leading principal components are used.
        anchor: The source whose scale all others are mapped to.
        error_ratio: Error of the MOS divided by error of the prediction, see `joint_line`.
        outlier_spreads: Robust standard deviations beyond which a video is an outlier; None keeps
            all videos.

    Raises:
        AlignmentError: The database is not combined; the anchor is unknown; a source has too few
            training videos; the objective is absent, not finite, constant or unrelated to the MOS;
            or the fit does not converge.
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
    LOGGER.info("inlsa: excluded %d of %d training videos as outliers", len(outliers), len(videos))
    lowest, highest = scales[anchor]
    maps = {}
    for source, (slope, intercept) in lines.items():
        low, high = scales[source]
        gain = slope * (highest - lowest) / (high - low)
        maps[source] = (gain, lowest + intercept * (highest - lowest) - gain * low)
    return Alignment("inlsa", anchor, scales[anchor], {**maps, anchor: (1.0, 0.0)}, outliers)


def joint_line(mos: np.ndarray, prediction: np.ndarray, error_ratio: float) -> Line:
    """Fit the line from MOS (N,) to prediction (N,) that allows for errors in both.

    Each point moves onto the line by an error in the MOS and one in the prediction. The norms of
    these errors have the ratio `error_ratio`, and the moved predictions keep the variance of the
    original ones. For a ratio of 0, the slope is the ratio of the standard deviations. Without
    noise, the slope is the true one for any ratio. This is the joint error minimisation of the
    authors' program, which allows only ratios above 0.

    Raises:
        AlignmentError: MOS and prediction are not positively correlated, or the ratio is negative.
    """
    if error_ratio < 0:
        raise AlignmentError(f"error_ratio={error_ratio}; expected 0 or more")
    x, y = mos - mos.mean(), prediction - prediction.mean()
    if not x @ y > 0:
        raise AlignmentError(
            "the objective does not follow the MOS; expected one that rises with quality, or "
            "falls with it, in every source: use another objective"
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
    """Alternate the two steps until no line changes, for MOS scaled to [0, 1].

    Returns:
        The lines, and the distance (N,) of each prediction from the line of its source.
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
        f"inlsa: no convergence in {MAX_ROUNDS} rounds (last change {change:.2g}); use an "
        "objective with fewer numbers, or alignment=linear"
    )


def _far(
    error: np.ndarray, sources: np.ndarray, kept: np.ndarray, spreads: float | None
) -> np.ndarray:
    """Mask (N,) of the videos that are further from the line of their source than allowed."""
    far = np.zeros(len(error), dtype=bool)
    if spreads is None:
        return far
    for source in set(sources):
        own = sources == source
        middle = np.median(error[own & kept])
        deviation = 1.4826 * np.median(np.abs(error[own & kept] - middle))
        # Exact predictions differ only by rounding, which must not make outliers.
        far |= own & (np.abs(error - middle) > max(spreads * deviation, 1e-9))
    return far


def _design(videos: Sequence[VideoRecord], objective: Objective | None) -> np.ndarray:
    """Design matrix (N, 1 + D): a column of ones and the standardised objective numbers."""
    if objective is None:
        raise AlignmentError(
            "inlsa: no objective is given; expected a number or a short vector for each video, or "
            "use alignment=linear"
        )
    vectors = [np.atleast_1d(np.asarray(objective(video), dtype=float)) for video in videos]
    shapes = sorted({vector.shape for vector in vectors})
    if len(shapes) > 1 or len(shapes[0]) != 1:
        raise AlignmentError(f"inlsa: objectives of shapes {shapes}; expected one (D,) for all")
    numbers = np.stack(vectors)
    bad = [
        video.id for video, row in zip(videos, numbers, strict=True) if not np.isfinite(row).all()
    ]
    if bad:
        raise AlignmentError(
            f"inlsa: the objective of {len(bad)} videos is not finite, for example {bad[0]}; "
            "remove these videos or use another objective"
        )
    numbers = numbers[:, np.ptp(numbers, axis=0) > 0]
    count, length = numbers.shape
    if length == 0:
        raise AlignmentError("inlsa: the objective is the same for all videos; use another one")
    standard = (numbers - numbers.mean(axis=0)) / numbers.std(axis=0)
    if length > count / VIDEOS_PER_NUMBER:
        components = min(COMPONENTS, max(1, count // VIDEOS_PER_NUMBER))
        axes, sizes, _ = np.linalg.svd(standard, full_matrices=False)
        standard = axes[:, :components] * sizes[:components]
        LOGGER.info("inlsa: reduced %d objective numbers to %d components", length, components)
    return np.column_stack([np.ones(count), standard])
