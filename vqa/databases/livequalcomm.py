"""LIVE-Qualcomm: 208 videos with in-capture distortions from eight phones, rated in the laboratory.

Content: 54 scenes, each shot with two to four phones; 1920x1080, 15 s, nominally 30 frames per
    second, at most 526 frames, about 130 GB of raw planar 8-bit 4:2:0 (`yuvj420p`, full range).
    Six distortion folders: Artifacts 36, Color 35, Exposure 34, Focus 34, Sharpness 34,
    Stabilization 35 videos; the folder becomes the record's group.
Scale: `unBiasedMOS`, from z-scores, nominal [0, 100]; observed 16.56 to 73.64, mean 50. It is a MOS
    (higher is better), not a DMOS.
Splits: none official. Random splits by video put a scene into both the training and the test part,
    so split by content. The release does not list its scenes; they come from the file names (date,
    then scene).
Layout: `<Distortion>/<name>.yuv` and `qualcommSubjectiveData.mat`. FAST-VQA's
    `LIVE_Qualcomm.labels.txt` (the same unbiased MOS) is also accepted.
Terms: research use, by registration form and password; cite the paper.
Source: https://live.ece.utexas.edu/research/incaptureDatabase/
Citation: D. Ghadiyaram, J. Pan, A. C. Bovik, A. K. Moorthy, P. Panda, K.-C. Yang, "In-capture
    mobile video distortions: a study of subjective behavior and objective algorithms", IEEE
    Transactions on Circuits and Systems for Video Technology 28(9), 2018.
"""

import re
from pathlib import Path

import numpy as np

from vqa.databases.label_files import MOS_COLUMNS, entry, measures, read_mat, read_rows
from vqa.databases.records import Database, DatabaseError, VideoRecord
from vqa.databases.release import Release

RELEASE = Release(
    name="livequalcomm",
    videos=208,
    mos_range=(0.0, 100.0),
    labels=("qualcommSubjectiveData.mat", "LIVE_Qualcomm.labels.txt", "LIVE-Qualcomm.labels.txt"),
    hint="LIVE-Qualcomm: https://live.ece.utexas.edu/research/incaptureDatabase/",
)

# Raw video files store none of these.
WIDTH, HEIGHT, FRAME_RATE_HZ = 1920, 1080, 30.0
PIXEL_FORMAT, RANGE = "yuv420p", "full"

_SCENE = re.compile(r"\d{4}_?[a-z]+\d*")


def read(
    root: str | Path | None, *, missing: str = "error", labels: str | Path | None = None
) -> Database:
    """Read LIVE-Qualcomm; ids are `Focus/<name>.yuv`, the group is the distortion.

    Args:
        root: The folder that contains the six distortion folders.
        missing: `error` raises if videos are absent, `skip` leaves them out.
        labels: The label file; None looks for the known names in the root.

    Raises:
        DatabaseError: Root, label file or videos are absent, or the labels are invalid.
    """
    root, table = RELEASE.open(root, labels)
    scores = _from_mat(table) if table.suffix == ".mat" else _from_table(table)
    videos = [
        VideoRecord(
            key,
            root / key,
            mos,
            content=_scene(key, table),
            width=WIDTH,
            height=HEIGHT,
            frame_rate_hz=FRAME_RATE_HZ,
            pixel_format=PIXEL_FORMAT,
            color_range=RANGE,
            group=key.split("/")[0],
        )
        for key, mos in scores
    ]
    return RELEASE.close(videos, missing=missing)


def _from_mat(path: Path) -> list[tuple[str, float]]:
    """Read ids and MOS from the official file."""
    content = read_mat(path, ("qualcommVideoData", "qualcommSubjectiveData"))
    video_data = content["qualcommVideoData"]
    try:
        names = np.ravel(video_data["vidNames"])
        folders = np.ravel(video_data["distortionNames"])
        types = np.ravel(video_data["distortionType"]).astype(int)
        mos = np.ravel(content["qualcommSubjectiveData"]["unBiasedMOS"]).astype(float)
        # MATLAB counts from 1.
        keys = [f"{folders[kind - 1]}/{name}" for kind, name in zip(types, names, strict=True)]
        return list(zip(keys, mos.tolist(), strict=True))
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise DatabaseError(
            f"{path}: expected qualcommVideoData with vidNames, distortionType, distortionNames "
            f"and qualcommSubjectiveData.unBiasedMOS of one length ({error}); download it again"
        ) from error


def _from_table(path: Path) -> list[tuple[str, float]]:
    rows = read_rows(path, required=(("file",), MOS_COLUMNS))
    names = [entry(row, ("file",)) for row in rows]
    return [(name, measures(row, path, name)["mos"]) for name, row in zip(names, rows, strict=True)]


def _scene(key: str, table: Path) -> str:
    """Date and scene in lower case, such as `1019_flyingkite3`: the phones' cases differ."""
    name = key.rsplit("/", 1)[-1].lower()
    match = _SCENE.match(name)
    if match is None or "/" not in key:
        raise DatabaseError(f"{table}: {key!r} is not <Distortion>/<date>_<Scene>_<phone>.yuv")
    return match.group()
