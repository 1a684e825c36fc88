"""LIVE-APV (Livestream): 315 videos of professional live production, rated in the laboratory.

Content: 45 source sequences from 33 contents, 7 s, 24 to 30 frames per second, high resolution;
    each in a pristine version and with six distortions (compression, aliasing, interlacing, judder,
    flicker, frame drop), 45 x 7 = 315. More than 12,000 scores by 40 subjects.
Scale: MOS, higher is better, [0, 100].
Splits: none official; random and disjoint by source in the literature. Sources of one content share
    their scene, so contents are the stricter grouping and the default here.
Layout: **unknown**; this reader takes a table that you write, `liveapv.csv`, with the columns
    `video` (path relative to the root), `mos` and `content`, and optionally `source`, `distortion`,
    `mos_std`, `ratings`, `width`, `height`, `frame_rate_hz`.
Terms: research use, by registration form and password; cite the paper.
Source: https://live.ece.utexas.edu/research/LIVE_APV_Study/apv_index.html
Citation: Z. Shang, J. P. Ebenezer, A. C. Bovik, Y. Wu, H. Wei, S. Sethuraman, "Assessment of
    subjective and objective quality of live streaming sports videos", PCS 2021.
"""

from collections.abc import Sequence
from pathlib import Path

from vqa.databases.label_files import MOS_COLUMNS, Row, measures, read_rows
from vqa.databases.records import Database, DatabaseError, VideoRecord
from vqa.databases.release import Release

RELEASE = Release(
    name="liveapv",
    videos=315,
    mos_range=(0.0, 100.0),
    labels=("liveapv.csv", "LIVE_APV.csv"),
    hint="LIVE-APV: https://live.ece.utexas.edu/research/LIVE_APV_Study/apv_index.html",
)
GROUPINGS = ("content", "source")


def read(
    root: str | Path | None,
    *,
    missing: str = "error",
    labels: str | Path | None = None,
    group_by: str = "content",
) -> Database:
    """Read LIVE-APV from a table that you write; ids are the entries of `video`.

    Args:
        root: The folder that the paths in `video` are relative to.
        missing: `error` raises if videos are absent, `skip` leaves them out.
        labels: The table; None looks for `liveapv.csv` in the root.
        group_by: Column whose groups stay in one part of a split: `content` (33 groups) or
            `source` (45 groups).

    Raises:
        DatabaseError: Root, table, columns or videos are absent, or the labels are invalid.
    """
    if group_by not in GROUPINGS:
        raise DatabaseError(f"liveapv: group_by={group_by!r}; expected content or source")
    root, table = RELEASE.open(root, labels)
    rows = read_rows(table, required=(("video",), MOS_COLUMNS, (group_by,)))
    _check_groups(rows, table, group_by)
    videos = [
        VideoRecord(
            row["video"],
            root / row["video"],
            content=row[group_by],
            group=row.get("distortion") or None,
            **measures(row, table, row["video"]),
        )
        for row in rows
    ]
    return RELEASE.close(videos, missing=missing)


def _check_groups(rows: Sequence[Row], table: Path, group_by: str) -> None:
    """Refuse rows without a group, and sources that belong to several contents."""
    bare = [row["video"] for row in rows if not row[group_by]]
    if bare:
        raise DatabaseError(f"{table}: {len(bare)} rows have no {group_by}, for example {bare[0]}")
    pairs = {(row.get("source"), row.get("content")) for row in rows}
    sources = {source for source, _ in pairs}
    if all(source and content for source, content in pairs) and len(pairs) > len(sources):
        raise DatabaseError(
            f"{table}: a source belongs to several contents; expected contents with one or more "
            "sources (are the two columns swapped?)"
        )
