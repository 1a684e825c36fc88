"""Videos and frames that figures show, chosen without chance."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from vqa.commands.experiment import Experiment
from vqa.commands.study.material import Material
from vqa.databases.file_records import as_records
from vqa.databases.records import VideoRecord
from vqa.files import shown
from vqa.video import VideoError, VideoInfo, probe, read_frames

Found = TypeVar("Found")
# How papers write the names of databases.
TITLES = {
    "cvd2014": "CVD2014",
    "konvid": "KoNViD-1k",
    "liveapv": "LIVE-APV",
    "livequalcomm": "LIVE-Qualcomm",
    "livevqc": "LIVE-VQC",
    "lsvq": "LSVQ",
    "youtube_ugc": "YouTube-UGC",
}


def title_of(database: str) -> str:
    """Return the name of a database as papers write it."""
    return TITLES.get(database, database)


def frames_of(
    experiment: Experiment, video: VideoRecord, count: int = 1
) -> tuple[VideoInfo, np.ndarray]:
    """Read evenly spaced frames of a video; a single one is that in the middle.

    Returns:
        The facts about its file, and uint8 (count, H, W, 3).

    Raises:
        VideoError: It cannot be decoded.
    """
    raw = video.raw_format
    info = probe(video.path, raw=raw, damaged=experiment.reading["damaged"])
    indices = ((np.arange(count) + 0.5) * info.frames / count).astype(int)
    return info, read_frames(video.path, indices, reader=experiment.reader, raw=raw, info=info)


def spread(
    videos: Sequence[VideoRecord], count: int, read: Callable[[VideoRecord], Found]
) -> tuple[list[tuple[VideoRecord, Found]], list[str]]:
    """Choose videos at evenly spaced MOS from the lowest to the highest, in this order.

    Of the videos that are about as near to a MOS, one of a new content is preferred. A video that
    cannot be read is replaced by the next one.

    Args:
        videos: To choose from.
        count: How many to choose, if there are as many.
        read: Reads from a video what is needed of it.

    Returns:
        Pairs of a video and what was read, and a note for each video that could not be read.
    """
    low, high = min(video.mos for video in videos), max(video.mos for video in videos)
    targets = np.linspace(low, high, count) if count > 1 else [(low + high) / 2]
    near = (high - low) / (4 * count)
    left = {video.id: video for video in videos}
    found: list[tuple[VideoRecord, Found]] = []
    notes: list[str] = []
    for target in targets:
        contents = {video.content_id for video, _ in found}

        def order(
            video: VideoRecord, target: float = target, contents: set[str] = contents
        ) -> tuple[bool, bool, float, str]:
            distance = abs(video.mos - target)
            return distance > near, video.content_id in contents, distance, video.id

        for video in sorted(left.values(), key=order):
            del left[video.id]
            try:
                found.append((video, read(video)))
            except (VideoError, OSError) as error:
                notes.append(f"{shown(video.id)} was left out: {' '.join(str(error).split())}")
            else:
                break
    return found, notes


def of_study(
    material: Material, experiment: Experiment, count: int, read: Callable[[VideoRecord], Found]
) -> tuple[list[tuple[VideoRecord, Found]], list[str]]:
    """Read the videos that the user named, or some of the experiment's database.

    Args:
        material: Of the study.
        experiment: On the database to choose from.
        count: Videos to choose, spread over the MOS.
        read: As for `spread`.

    Returns:
        As `spread`.

    Raises:
        VideoError: A video that the user named cannot be decoded.
        ValueError: There is no database, or no video of it can be read.
    """
    if material.videos:
        return [(video, read(video)) for video in as_records(material.videos)], []
    if not material.databases:
        raise ValueError(
            "no database of this study is present: set paths.data=, or name files by videos="
        )
    found, notes = spread(experiment.database.videos, count, read)
    if not found:
        raise ValueError(f"no video of {experiment.database.name} can be read: {notes[0]}")
    return found, notes
