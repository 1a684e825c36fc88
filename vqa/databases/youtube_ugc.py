"""YouTube-UGC: 1380 rated clips of user uploads, 360P to 2160P, rated by a crowd.

Content: about 1500 clips of 20 s in 15 categories, 15 to 60 frames per second. 1380 of them have a
    MOS: 258 of 360P, 311 of 480P, 297 of 720P, 374 of 1080P, 140 of 2160P. Clips are taken down
    over the years, so copies have fewer (papers report 1039 to 1380). No two clips share a content.
    57 clips are grey; models of colour statistics are often evaluated without them.
Scale: MOS of the whole clip (`MOSFull`; the table also has MOS of three chunks), higher is better,
    [1, 5]; observed 1.242 to 4.698, mean 3.543, from 103 to 159 ratings each.
Splits: none official; random 80/20 in the literature.
Layout: `original_videos/<Category>/<resolution>P/<vid>.mkv`, where vid is a name such as
    `Vlog_720P-7b30`. Flat copies, other containers and the re-encodes of FAST-VQA,
    `<vid>_crf_10_ss_00_t_20.0.mp4`, are also found. Labels: the release's spreadsheet saved as
    `MOS_for_YouTube_UGC_dataset.csv`, or VIDEVAL's `YOUTUBE_UGC_metadata.csv`. Columns are found by
    name, because published copies order their columns and rows differently.
Terms: Creative Commons.
Source: https://media.withgoogle.com/ugc-dataset
Citation: Y. Wang, S. Inguva, B. Adsumilli, "YouTube UGC dataset for video compression research",
    MMSP 2019.
"""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from vqa.databases.label_files import MOS_COLUMNS, entry, measures, read_rows
from vqa.databases.records import Database, DatabaseError, VideoRecord
from vqa.databases.release import Release

LOGGER = logging.getLogger(__name__)

RELEASE = Release(
    name="youtube_ugc",
    videos=1380,
    mos_range=(1.0, 5.0),
    labels=(
        "MOS_for_YouTube_UGC_dataset.csv",
        "YOUTUBE_UGC_metadata.csv",
        "YouTube_UGC.labels.txt",
        "YouTubeUGC.labels.txt",
    ),
    hint="YouTube-UGC: https://media.withgoogle.com/ugc-dataset",
)
RESOLUTIONS = (360, 480, 720, 1080, 2160)

# Clips without colour. VIDEVAL's benchmark lists them by row of its metadata table.
GREY = (
    *("Animation_1080P-0c4f", "Animation_1080P-209f", "Animation_1080P-3d67"),
    *("Animation_1080P-66ba", "Animation_1080P-6a33", "Animation_480P-073c"),
    *("Animation_480P-3281", "Animation_480P-35ee", "Animation_720P-0116"),
    *("Animation_720P-1a6d", "Animation_720P-2abf", "CoverSong_1080P-0f3a"),
    *("CoverSong_1080P-2207", "CoverSong_360P-1b2b", "CoverSong_480P-1019"),
    *("CoverSong_480P-2d2c", "CoverSong_720P-014c", "CoverSong_720P-6626"),
    *("HDR_2160P-0e7a", "HowTo_360P-3aa6", "HowTo_720P-12f7", "HowTo_720P-4d55"),
    *("Lecture_360P-5779", "Lecture_720P-5120", "LiveMusic_1080P-7ead", "LiveMusic_720P-3320"),
    *("LyricVideo_1080P-1b04", "LyricVideo_1080P-28e8", "LyricVideo_1080P-63d4"),
    *("LyricVideo_360P-0ac7", "LyricVideo_360P-11eb", "LyricVideo_480P-0a5b"),
    *("LyricVideo_480P-4346", "LyricVideo_720P-068d", "LyricVideo_720P-1c89"),
    *("LyricVideo_720P-2d24", "LyricVideo_720P-5d3a", "MusicVideo_1080P-2b2b"),
    *("MusicVideo_1080P-5f03", "MusicVideo_480P-1eee", "MusicVideo_480P-41ce"),
    *("MusicVideo_480P-6fb6", "MusicVideo_720P-3c4c", "MusicVideo_720P-7bcf"),
    *("Sports_360P-11b7", "Sports_360P-3e68", "Sports_480P-11ec", "Sports_480P-1d1b"),
    *("Sports_480P-3ca4", "TelevisionClip_1080P-64e2", "TelevisionClip_720P-1862"),
    *("VerticalVideo_720P-6580", "Vlog_2160P-360d", "Vlog_360P-2973", "Vlog_480P-34ba"),
    *("Vlog_480P-5e1c", "Vlog_720P-7b30"),
)

_NAME_COLUMNS = ("vid", "file")
_NAME = re.compile(
    r"(?P<vid>(?P<category>[A-Za-z]+)_(?P<lines>\d+)P-[0-9a-f]{4})"
    r"(?:_crf_10_ss_00_t_20\.0)?(?:\.(?:mkv|mp4|webm|avi|mov))?"
)


def read(
    root: str | Path | None,
    *,
    missing: str = "error",
    labels: str | Path | None = None,
    resolutions: Sequence[int] = RESOLUTIONS,
    grey: str = "keep",
) -> Database:
    """Read YouTube-UGC; ids are the release's `vid`, whatever the names of the files.

    The group is the resolution, for example `1080P`.

    Args:
        root: The folder that contains the videos, at any depth.
        missing: `error` raises if videos are absent, `skip` leaves them out.
        labels: The label file; None looks for the known names in the root.
        resolutions: Resolutions to keep, in lines: some of 360, 480, 720, 1080 and 2160.
        grey: `keep` the 57 grey clips, or `drop` them.

    Raises:
        DatabaseError: Root, label file or videos are absent, or labels or options are invalid.
    """
    lines = _checked(resolutions, grey)
    root, table = RELEASE.open(root, labels)
    on_disk = _videos_by_id(root)
    rows = read_rows(table, required=(_NAME_COLUMNS, MOS_COLUMNS))
    videos = []
    for row in rows:
        name = entry(row, _NAME_COLUMNS)
        match = _match(name)
        if match is None:
            raise DatabaseError(
                f"{table}: {name!r} is not a vid; expected a name such as Vlog_720P-7b30"
            )
        vid, group = match["vid"], f"{match['lines']}P"
        if int(match["lines"]) not in lines or (grey == "drop" and vid in GREY):
            continue
        official = root / "original_videos" / match["category"] / group / f"{vid}.mkv"
        path = on_disk.get(vid, official)
        videos.append(VideoRecord(vid, path, group=group, **measures(row, table, vid)))
    LOGGER.info("%s: kept %d of %d clips (resolutions, grey)", table, len(videos), len(rows))
    return RELEASE.close(videos, missing=missing, listed=len(rows))


def _match(name: str) -> re.Match[str] | None:
    """Match vid, category and lines in a bare vid or a file name; folders are ignored."""
    return _NAME.fullmatch(name.rsplit("/", 1)[-1])


def _videos_by_id(root: Path) -> dict[str, Path]:
    """Map vids to files; the original wins over a re-encode."""
    found = ((match["vid"], path) for path in root.rglob("*P-*") if (match := _match(path.name)))
    files = [(vid, path) for vid, path in found if path.is_file()]
    # In a dict the last file of a vid wins: the one with the shortest name, `.mkv` if there is one.
    files.sort(key=lambda item: (-len(item[1].name), item[1].suffix == ".mkv", item[1].as_posix()))
    return dict(files)


def _checked(resolutions: Sequence[int], grey: str) -> set[int]:
    unknown = sorted(set(resolutions) - set(RESOLUTIONS))
    if unknown or not resolutions:
        raise DatabaseError(
            f"youtube_ugc: resolutions={list(resolutions)}; expected some of {list(RESOLUTIONS)}"
        )
    if grey not in ("keep", "drop"):
        raise DatabaseError(f"youtube_ugc: grey={grey!r}; expected keep or drop")
    return set(resolutions)
