"""KoNViD-1k: 1200 natural videos rated by a crowd.

Content: 1200 clips of 8 s cut from Flickr videos (YFCC100M), all 960x540, 24 to 30 frames per
    second, 181 to 240 frames, H.264. No two clips share a content. LSVQ also draws on YFCC100M,
    so some of its videos may come from the same uploads; the labels do not say which.
Scale: MOS, higher is better, nominal [1, 5]; observed 1.22 to 4.64, mean 3.03.
Splits: none official; random 80/20 or 60/20/20 in the literature. Published tables list the
    videos in different orders (some sorted by MOS), so this reader joins by Flickr id.
Layout: `KoNViD_1k_videos/<flickr_id>.mp4`; older copies
    `<flickr_id>_(original|cut)_centercrop_960x540_8s.mp4`. Labels `KoNViD_1k_attributes.csv` or
    `KoNViD_1k_mos.csv`, often in `KoNViD_1k_metadata/`; VIDEVAL's `KONVID_1K_metadata.csv` and
    FAST-VQA's `KoNViD.labels.txt` are also accepted.
Terms: free for research; the clips are under Creative Commons licences.
Source: https://database.mmsp-kn.de/konvid-1k-database.html
Citation: V. Hosu, F. Hahn, M. Jenadeleh, H. Lin, H. Men, T. Sziranyi, S. Li, D. Saupe, "The
    Konstanz natural video database (KoNViD-1k)", QoMEX 2017.
"""

import re
from pathlib import Path

from vqa.databases.label_files import MOS_COLUMNS, entry, measures, read_rows
from vqa.databases.records import Database, DatabaseError, VideoRecord
from vqa.databases.release import Release, find_folder

RELEASE = Release(
    name="konvid",
    videos=1200,
    mos_range=(1.0, 5.0),
    labels=(
        "KoNViD_1k_attributes.csv",
        "KoNViD_1k_mos.csv",
        "KONVID_1K_metadata.csv",
        "KoNViD.labels.txt",
        "KoNViD_1k.labels.txt",
    ),
    hint="KoNViD-1k: https://database.mmsp-kn.de/konvid-1k-database.html",
    origin="YFCC100M",
)

_NAME_COLUMNS = ("flickr_id", "file_name", "file")
_NAME = re.compile(r"(\d+)(?:_(?:original|cut)_centercrop_960x540_8s)?(?:\.mp4)?")


def read(
    root: str | Path | None, *, missing: str = "error", labels: str | Path | None = None
) -> Database:
    """Read KoNViD-1k; ids are `<flickr_id>.mp4`, whatever the names of the files.

    Args:
        root: The folder that contains `KoNViD_1k_videos`, or the videos themselves.
        missing: `error` raises if videos are absent, `skip` leaves them out.
        labels: The label file; None looks for the known names in the root.

    Raises:
        DatabaseError: Root, label file or videos are absent, or the labels are invalid.
    """
    root, table = RELEASE.open(root, labels)
    folder = find_folder(root, "KoNViD_1k_videos")
    on_disk = _videos_by_id(folder)
    videos = []
    for row in read_rows(table, required=(_NAME_COLUMNS, MOS_COLUMNS)):
        name = entry(row, _NAME_COLUMNS)
        flickr_id = _flickr_id(name)
        if flickr_id is None:
            raise DatabaseError(f"{table}: {name!r} contains no Flickr id; expected <digits>.mp4")
        key = f"{flickr_id}.mp4"
        path = on_disk.get(flickr_id, folder / key)
        videos.append(VideoRecord(key, path, **measures(row, table, name)))
    return RELEASE.close(videos, missing=missing)


def _flickr_id(name: str) -> str | None:
    """The Flickr id in a file name, or a bare id: `8536919744`; folders are ignored."""
    match = _NAME.fullmatch(name.rsplit("/", 1)[-1])
    return match and match.group(1)


def _videos_by_id(folder: Path) -> dict[str, Path]:
    """Map Flickr ids to files; `<id>.mp4` wins over the longer names."""
    paths = sorted(folder.glob("*.mp4"), key=lambda path: (-len(path.name), path.name))
    return {key: path for path in paths if (key := _flickr_id(path.name)) is not None}
