"""The MOS of several databases on the scale of one, the anchor.

An alignment is one straight line per source, `aligned = slope * mos + intercept`, and the identity
for the anchor. A fit sees the MOS of the training ids alone, so it is made anew for each split, and
`aligned` applies it to all videos. Aligned MOS may lie a little outside the anchor's nominal range;
they are not clipped and the range is not widened, since either would depend on the test part.

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

FEWEST_VIDEOS = 10  # that a line is fitted on

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
    """MOS that cannot be aligned; the text says expected, found, and the remedy."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """How each source's MOS become the anchor's.

    Attributes:
        kind: `none`, `published`, `linear` or `inlsa`.
        anchor: The source whose scale is kept.
        mos_range: The anchor's rating scale.
        lines: Slope and intercept of each source, on its own scale; empty for `none`.
        outliers: Training ids that the fit left out.
    """

    kind: str
    anchor: str
    mos_range: tuple[float, float]
    lines: Mapping[str, Line]
    outliers: tuple[str, ...] = ()


def aligned(database: Database, alignment: Alignment) -> Database:
    """The database with MOS and their spreads on the anchor's scale.

    Raises:
        AlignmentError: A source has no line.
    """
    if not alignment.lines:
        return database
    scales = _scales(database, alignment.kind)
    _check_known(alignment.kind, scales, alignment.lines)
    low, high = alignment.mos_range  # a list where it was stored as JSON
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
    """MOS as they are; a warning where several databases with different scales are one."""
    scales = database.scales if isinstance(database, CombinedDatabase) else {}
    if len(set(scales.values())) > 1:
        LOGGER.warning(
            "%s: MOS of %s stand on different scales; alignment=linear maps them to one",
            database.name,
            ", ".join(scales),
        )
    return Alignment("none", database.name, database.mos_range, {})


def published(
    database: Database, train: Sequence[str], objective: Objective | None = None
) -> Alignment:
    """The published lines of KoNViD-1k and LIVE-VQC to YouTube-UGC's scale; nothing is fitted.

    They come from a fit on whole databases (INLSA with NIQE as objective), test parts included.

    Raises:
        AlignmentError: The database holds another source.
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
    """Mean and standard deviation of each source's training MOS matched to the anchor's.

    Right where the sources hold videos of the same range of quality; where they do not, the
    difference in quality is taken for one of scales.

    Args:
        database: Several databases as one.
        train: The ids to fit on.
        objective: Not used.
        anchor: The source whose scale is kept.

    Raises:
        AlignmentError: No combined database, an unknown anchor, or too few videos of a source.
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
    """The training videos source by source, and the sources' scales; what every fit begins with.

    Raises:
        AlignmentError: No combined database, an unknown anchor, or too few videos of a source.
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
                "more, of different MOS: take more for training or leave the source out"
            )
    return parts, scales


def _scales(database: Database, kind: str) -> Mapping[str, tuple[float, float]]:
    if not isinstance(database, CombinedDatabase):
        raise AlignmentError(
            f"{kind}: {database.name} is one database, on one scale; expected data=combined, or "
            "take alignment=none"
        )
    return database.scales


def _check_known(kind: str, scales: Mapping[str, object], lines: Mapping[str, object]) -> None:
    unknown = [source for source in scales if source not in lines]
    if unknown:
        raise AlignmentError(
            f"{kind}: no line for {', '.join(unknown)}, only for {', '.join(lines)}; "
            "take alignment=linear or inlsa, or leave them out"
        )
