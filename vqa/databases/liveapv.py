"""LIVE-APV (Livestream): 315 videos of professional live production, rated in the laboratory.

Content: 45 source sequences from 33 contents, 7 s, 24 to 30 frames per second, high resolution;
    each pristine and with six distortions (compression, aliasing, interlacing, judder, flicker,
    frame drop), 45 x 7 = 315. Over 12,000 scores of 40 subjects.
Scale: MOS, higher is better, [0, 100].
Splits: none fixed; random and disjoint by source in the literature. Sources of one content share
    their scene, so contents are the stricter grouping and the default here.
Layout: **not established**; this reader takes a table that the user writes, `liveapv.csv`, with the
    columns `video` (path below the root), `mos` and `content`, and where known `source`,
    `distortion`, `mos_std`, `ratings`, `width`, `height`, `frame_rate_hz`.
Terms: research use, by registration form and password; cite the paper.
Source: https://live.ece.utexas.edu/research/LIVE_APV_Study/apv_index.html
Citation: Z. Shang, J. P. Ebenezer, A. C. Bovik, Y. Wu, H. Wei, S. Sethuraman, "Assessment of
    subjective and objective quality of live streaming sports videos", PCS 2021.
"""

from collections.abc import Sequence
from pathlib import Path

from vqa.databases.label_files import MOS_COLUMNS, Release, Row, measures, read_rows
from vqa.databases.records import Database, DatabaseError, VideoRecord

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
    """Read LIVE-APV from a table of one's own; ids are the entries of `video`.

    Args:
        root: The folder that the paths in `video` start from.
        missing: `error` refuses absent videos, `skip` goes on without them.
        labels: The table; None looks for `liveapv.csv` in the root.
        group_by: What stays on one side of a split: the `content` (33) or the `source` (45).

    Raises:
        DatabaseError: Root, table, columns or videos absent, or labels that make no sense.
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
    """Every video names its group, and a source belongs to one content, not the other way round."""
    bare = [row["video"] for row in rows if not row[group_by]]
    if bare:
        raise DatabaseError(f"{table}: {len(bare)} rows have no {group_by}, for instance {bare[0]}")
    pairs = {(row.get("source"), row.get("content")) for row in rows}
    sources = {source for source, _ in pairs}
    if all(source and content for source, content in pairs) and len(pairs) > len(sources):
        raise DatabaseError(
            f"{table}: a source stands under several contents; expected contents that hold one "
            "source or more (are the two columns exchanged?)"
        )
