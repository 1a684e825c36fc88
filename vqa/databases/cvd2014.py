"""CVD2014: 234 videos of five staged scenes shot with 78 cameras, rated in the laboratory.

Content: five scenes (City, Traffic, Newspaper, Talking_head, Television) in six tests; 57 videos of
    640x480 (tests 1 and 2) and 177 of 1280x720, 143 to 830 frames, 9.8 to 31.6 frames per second,
    `.avi`. Each scene was staged again for each test, so a content is Test x Scene: 18 contents of
    9 to 16 videos. Random splits by video put a content into both the training and the test part,
    so split by content.
Scale: realigned MOS over the six tests, higher is better. It exceeds [0, 100]: observed -6.50 to
    93.38, mean 44.93. The range used here is [-10, 100].
Splits: none official.
Layout: `Test1` ... `Test6`/`<Scene>`/`Test01_<Scene>_D01.avi`; labels `Realignment_MOS.csv`
    (semicolons, decimal commas; columns `File_name`, `Content`, `Realignment MOS`), often in
    `CVD2014_ratings/`. FAST-VQA's `CVD2014.labels.txt` is also accepted; it adds the frame rates.
Terms: free for research; see the source.
Source: https://doi.org/10.5281/zenodo.2646315
Citation: M. Nuutinen, T. Virtanen, M. Vaahteranoksa, T. Vuori, P. Oittinen, J. Hakkinen, "CVD2014 -
    a database for evaluating no-reference video quality assessment algorithms", IEEE Transactions
    on Image Processing 25(7), 2016.
"""

import re
from pathlib import Path

from vqa.databases.label_files import MOS_COLUMNS, entry, measures, read_rows
from vqa.databases.records import Database, DatabaseError, VideoRecord
from vqa.databases.release import Release

RELEASE = Release(
    name="cvd2014",
    videos=234,
    mos_range=(-10.0, 100.0),
    labels=("Realignment_MOS.csv", "CVD2014.labels.txt"),
    hint="CVD2014: https://doi.org/10.5281/zenodo.2646315",
)

_NAME_COLUMNS = ("file_name", "file")
_NAME = re.compile(r"Test0?([1-6])_([A-Za-z_]+)_D\d+", re.IGNORECASE)


def read(
    root: str | Path | None, *, missing: str = "error", labels: str | Path | None = None
) -> Database:
    """Read CVD2014; ids are `Test3/City/Test03_City_D12.avi`, the group is the test.

    Args:
        root: The folder that contains `Test1` ... `Test6`.
        missing: `error` raises if videos are absent, `skip` leaves them out.
        labels: The label file; None looks for the known names in the root.

    Raises:
        DatabaseError: Root, label file or videos are absent, or the labels are invalid.
    """
    root, table = RELEASE.open(root, labels)
    videos = []
    for row in read_rows(table, required=(_NAME_COLUMNS, MOS_COLUMNS)):
        name = entry(row, _NAME_COLUMNS).rsplit("/", 1)[-1].removesuffix(".avi")
        match = _NAME.fullmatch(name)
        if match is None:
            raise DatabaseError(
                f"{table}: {name!r} is not a video name; expected Test01_<Scene>_D01"
            )
        # File names contain Talking_Head or Talking_head, folders always Talking_head.
        test, scene = f"Test{match.group(1)}", match.group(2).capitalize()
        key = f"{test}/{scene}/{name}.avi"
        facts = measures(row, table, name)
        videos.append(VideoRecord(key, root / key, content=f"{test}/{scene}", group=test, **facts))
    return RELEASE.close(videos, missing=missing)
