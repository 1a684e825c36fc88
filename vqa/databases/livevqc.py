"""LIVE-VQC: 585 videos with authentic distortions, rated by a crowd.

Content: 585 videos of 585 contents by 80 users, about 10 s, about 20 to 30 frames per second (many
    with a variable rate), 18 resolutions from 320x240 to 1920x1080, some of them portrait.
Scale: MOS, higher is better, [0, 100]; observed 6.22 to 94.29, mean 63.29.
Splits: none official; random 80/20 or 60/20/20 in the literature.
Layout: `Video/A001.mp4` ... and `data.mat` (version 5) with `video_list` (585x1 cells) and `mos`
    (585x1). VIDEVAL's `LIVE_VQC_metadata.csv` and FAST-VQA's `LIVE_VQC.labels.txt` are also
    accepted; the former adds size, frame rate and number of frames.
Terms: research use, by registration form and password; cite the papers.
Source: https://live.ece.utexas.edu/research/LIVEVQC/
Citation: Z. Sinno, A. C. Bovik, "Large-scale study of perceptual video quality", IEEE Transactions
    on Image Processing 28(2), 2019.
"""

from pathlib import Path

import numpy as np

from vqa.databases.label_files import MOS_COLUMNS, entry, measures, read_mat, read_rows
from vqa.databases.records import Database, DatabaseError, VideoRecord
from vqa.databases.release import Release, find_folder

RELEASE = Release(
    name="livevqc",
    videos=585,
    mos_range=(0.0, 100.0),
    labels=("data.mat", "LIVE_VQC_metadata.csv", "LIVE_VQC.labels.txt", "LIVE-VQC.labels.txt"),
    hint="LIVE-VQC: https://live.ece.utexas.edu/research/LIVEVQC/",
)


def read(
    root: str | Path | None, *, missing: str = "error", labels: str | Path | None = None
) -> Database:
    """Read LIVE-VQC; ids are file names, `A001.mp4`.

    Args:
        root: The folder that contains `Video`, or the videos themselves.
        missing: `error` raises if videos are absent, `skip` leaves them out.
        labels: The label file; None looks for the known names in the root.

    Raises:
        DatabaseError: Root, label file or videos are absent, or the labels are invalid.
    """
    root, table = RELEASE.open(root, labels)
    folder = find_folder(root, "Video")
    videos = _from_mat(table, folder) if table.suffix == ".mat" else _from_table(table, folder)
    return RELEASE.close(videos, missing=missing)


def _from_mat(path: Path, folder: Path) -> list[VideoRecord]:
    content = read_mat(path, ("video_list", "mos"))
    names = [str(name) for name in np.ravel(content["video_list"])]
    mos = np.ravel(content["mos"])
    if len(names) != len(mos):
        raise DatabaseError(f"{path}: {len(names)} names in video_list, {len(mos)} values in mos")
    return [
        VideoRecord(name, folder / name, float(score))
        for name, score in zip(names, mos, strict=True)
    ]


def _from_table(path: Path, folder: Path) -> list[VideoRecord]:
    videos = []
    for row in read_rows(path, required=(("file",), MOS_COLUMNS)):
        name = entry(row, ("file",)).rsplit("/", 1)[-1]
        videos.append(VideoRecord(name, folder / name, **measures(row, path, name)))
    return videos
