"""Alignment of the MOS of several databases to the scale of one of them, the anchor.

An alignment has one straight line per source, `aligned = slope * mos + intercept`; the line of the
anchor is the identity. Lines are fitted on the MOS of the training part only, once per split, and
`aligned` applies them to all videos. Aligned MOS may lie slightly outside the anchor's nominal
range. They are not clipped and the range is not widened, because either would depend on the test
part.

Every fit has the signature `(database, train, objective) -> Alignment`.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vqa.databases.combined import CombinedDatabase
from vqa.databases.records import Database, VideoRecord

LOGGER = logging.getLogger(__name__)

Objective = Callable[[VideoRecord], np.ndarray]
Line = tuple[float, float]

FEWEST_VIDEOS = 10  # training videos per source, to fit its line

# d' = offset + gain * d on distortion d = (highest - mos) / range; Z. Tu, Y. Wang, N. Birkbeck,
# B. Adsumilli, A. C. Bovik, "UGC-VQA: benchmarking blind video quality assessment for user
# generated content", IEEE Transactions on Image Processing 30, 2021.
PUBLISHED_ANCHOR, PUBLISHED_RANGE = "youtube_ugc", (1.0, 5.0)
PUBLISHED = {
    "konvid": {"offset": -0.0993, "gain": 1.1241, "mos_range": (1.0, 5.0)},
    "livevqc": {"offset": 0.0253, "gain": 0.7132, "mos_range": (0.0, 100.0)},
    "youtube_ugc": {"offset": 0.0, "gain": 1.0, "mos_range": (1.0, 5.0)},
}


class AlignmentError(ValueError):
    """MOS that cannot be aligned; the message says what is wrong and how to fix it."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """Lines that map the MOS of each source to the anchor's scale.

    Attributes:
        kind: `none`, `published`, `linear` or `inlsa`.
        anchor: The source whose scale all others are mapped to.
        mos_range: Rating scale of the anchor.
        lines: Slope and intercept for the MOS of each source; empty for `none`.
        outliers: Training ids that the fit excluded.
    """

    kind: str
    anchor: str
    mos_range: tuple[float, float]
    lines: Mapping[str, Line]
    outliers: tuple[str, ...] = ()


def aligned(database: Database, alignment: Alignment) -> Database:
    """Return the database with MOS and standard deviations on the anchor's scale.

    Raises:
        AlignmentError: A source has no line.
    """
    if not alignment.lines:
        return database
    scales = _scales(database, alignment.kind)
    _check_known(alignment.kind, scales, alignment.lines)
    low, high = alignment.mos_range  # a list after a round trip through JSON
    return replace(
        database,
        mos_range=(low, high),
        videos=tuple(_moved(video, *alignment.lines[video.group]) for video in database.videos),
        scales=dict.fromkeys(scales, (low, high)),
    )


def _moved(video: VideoRecord, slope: float, intercept: float) -> VideoRecord:
    spread = None if video.mos_std is None else slope * video.mos_std
    return replace(video, mos=slope * video.mos + intercept, mos_std=spread)


def unaligned(
    database: Database, train: Sequence[str], objective: Objective | None = None
) -> Alignment:
    """Keep MOS as they are; warn if sources have different scales."""
    scales = database.scales if isinstance(database, CombinedDatabase) else {}
    if len(set(scales.values())) > 1:
        LOGGER.warning(
            "%s: MOS of %s are on different scales; alignment=linear maps them to one",
            database.name,
            ", ".join(scales),
        )
    return Alignment("none", database.name, database.mos_range, {})


def published(
    database: Database, train: Sequence[str], objective: Objective | None = None
) -> Alignment:
    """Return the published lines from KoNViD-1k and LIVE-VQC to YouTube-UGC; nothing is fitted.

    The authors fitted them on whole databases, including the test parts (INLSA with NIQE as the
    objective).

    Raises:
        AlignmentError: The database has another source.
    """
    scales = _scales(database, "published")
    _check_known("published", scales, PUBLISHED)
    lowest, highest = PUBLISHED_RANGE
    lines = {}
    for source in scales:
        low, high = PUBLISHED[source]["mos_range"]
        offset, gain = PUBLISHED[source]["offset"], PUBLISHED[source]["gain"]
        slope = gain * (highest - lowest) / (high - low)
        lines[source] = (slope, highest - offset * (highest - lowest) - slope * high)
    return Alignment("published", PUBLISHED_ANCHOR, PUBLISHED_RANGE, lines)


def fit_linear(
    database: Database,
    train: Sequence[str],
    objective: Objective | None = None,
    *,
    anchor: str = PUBLISHED_ANCHOR,
) -> Alignment:
    """Match the mean and standard deviation of each source's training MOS to the anchor's.

    This is correct if all sources cover the same range of quality. If they do not, it mistakes the
    difference in quality for a difference in scale.

    Args:
        database: A combined database.
        train: Ids to fit on.
        objective: Not used.
        anchor: The source whose scale all others are mapped to.

    Raises:
        AlignmentError: The database is not combined, the anchor is unknown, or a source has too
            few training videos.
    """
    parts, scales = training_parts(database, train, "linear", anchor)
    moments = {}
    for source, videos in parts.items():
        mos = np.array([video.mos for video in videos])
        moments[source] = (float(mos.mean()), float(mos.std()))
    mean, spread = moments[anchor]
    lines = {
        source: (spread / own_spread, mean - own_mean * spread / own_spread)
        for source, (own_mean, own_spread) in moments.items()
    }
    return Alignment("linear", anchor, scales[anchor], {**lines, anchor: (1.0, 0.0)})


def training_parts(
    database: Database, train: Sequence[str], kind: str, anchor: str
) -> tuple[dict[str, list[VideoRecord]], Mapping[str, tuple[float, float]]]:
    """Return the training videos of each source, and the scale of each source.

    Raises:
        AlignmentError: The database is not combined, the anchor is unknown, or a source has too
            few training videos.
    """
    scales = _scales(database, kind)
    if anchor not in scales:
        raise AlignmentError(
            f"{kind}: the anchor {anchor!r} is not among {', '.join(scales)}; set alignment.anchor"
        )
    parts: dict[str, list[VideoRecord]] = {source: [] for source in scales}
    for video in database.select(train):
        parts[video.group].append(video)
    for source, videos in parts.items():
        if len(videos) < FEWEST_VIDEOS or len({video.mos for video in videos}) < 2:
            raise AlignmentError(
                f"{kind}: {len(videos)} training videos of {source}; expected {FEWEST_VIDEOS} or "
                "more with different MOS: use a larger training part or drop the source"
            )
    return parts, scales


def _scales(database: Database, kind: str) -> Mapping[str, tuple[float, float]]:
    if not isinstance(database, CombinedDatabase):
        raise AlignmentError(
            f"{kind}: {database.name} is one database with one scale; use data=combined or "
            "alignment=none"
        )
    return database.scales


def _check_known(kind: str, scales: Mapping[str, object], lines: Mapping[str, object]) -> None:
    unknown = [source for source in scales if source not in lines]
    if unknown:
        raise AlignmentError(
            f"{kind}: no line for {', '.join(unknown)}, only for {', '.join(lines)}; "
            "use alignment=linear or inlsa, or drop these sources"
        )
