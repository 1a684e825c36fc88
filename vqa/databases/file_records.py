"""Records of video files without ratings."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from vqa.databases.records import VideoRecord
from vqa.databases.searching import absolute, key_of
from vqa.remote.fetching import Local
from vqa.remote.scratch import release
from vqa.video import RawFormat


def as_records(
    files: Iterable[Path | Local], raw: RawFormat | None = None
) -> Iterator[VideoRecord]:
    """Make a record of each file, with its absolute path as the id and NaN as the MOS.

    Links keep their own names; a copy of a file elsewhere has the name of that.

    Args:
        files: The files; repeated ones count once.
        raw: Format of headerless `.yuv` files.
    """
    fields = {} if raw is None else {
        "width": raw.width, "height": raw.height, "pixel_format": raw.pixel_format,
        "color_range": raw.color_range, "frame_rate_hz": raw.frame_rate_hz,
    }  # fmt: skip
    known: set[int] = set()
    for file in files:
        if isinstance(file, Path):
            path = absolute(file)
            local = Local(path.as_posix(), path)
        else:
            local = file
        if (key := key_of(local.name)) in known:
            release(local.path)
            continue
        known.add(key)
        facts = {"state": local.state, "fault": local.fault}
        yield VideoRecord(local.name, local.path, float("nan"), **fields, **facts)
