"""TID2013: 3000 distorted images, for models that are pretrained on image distortions.

Content: 25 reference images, each with 24 types of distortion at 5 levels; 512x384, `.bmp`. The
    reference is the content (`i01` ... `i25`), the type of distortion is the group (`01` ... `24`).
Scale: MOS, higher is better, [0, 9]; all values are below 7.3.
Splits: none official; split by content, because 120 images share a reference.
Layout: `distorted_images/i01_01_1.bmp` (reference, type, level; upper and lower case vary between
    copies), `mos_with_names.txt` with lines `5.51429 I01_01_1.bmp`, and `mos_std.txt` with one
    standard deviation per line, in the order of `mos_with_names.txt`. References have no MOS.
Terms: free for research.
Source: https://www.ponomarenko.info/tid2013.htm
Citation: N. Ponomarenko, L. Jin, O. Ieremeiev, V. Lukin, K. Egiazarian, J. Astola, B. Vozel,
    K. Chehdi, M. Carli, F. Battisti, C.-C. J. Kuo, "Image database TID2013: peculiarities, results
    and perspectives", Signal Processing: Image Communication 30, 2015.
"""

import re
from pathlib import Path

from vqa.databases.label_files import parse_number, read_text
from vqa.databases.records import Database, DatabaseError, VideoRecord
from vqa.databases.release import Release, find_folder

RELEASE = Release(
    name="tid2013",
    videos=3000,
    mos_range=(0.0, 9.0),
    labels=("mos_with_names.txt",),
    hint="TID2013: https://www.ponomarenko.info/tid2013.htm",
)
WIDTH, HEIGHT = 512, 384

_NAME = re.compile(r"(i\d\d)_(\d\d)_\d\.bmp")


def read(
    root: str | Path | None, *, missing: str = "error", labels: str | Path | None = None
) -> Database:
    """Read TID2013 as videos of one frame; ids are file names in lower case, `i01_01_1.bmp`.

    Args:
        root: The folder that contains `distorted_images`, or the images themselves.
        missing: `error` raises if images are absent, `skip` leaves them out.
        labels: The file of MOS and names; None looks for it in the root. A file `mos_std.txt` in
            the same folder is read too.

    Raises:
        DatabaseError: Root, label file or images are absent, or the labels are invalid.
    """
    root, table = RELEASE.open(root, labels)
    lines = [line.split() for line in read_text(table).splitlines() if line.strip()]
    spreads = _spreads(table.with_name("mos_std.txt"), len(lines))
    folder = find_folder(root, "distorted_images")
    on_disk = {path.name.lower(): path for path in folder.iterdir()}
    videos = []
    for line, spread in zip(lines, spreads, strict=True):
        match = _NAME.fullmatch(line[1].lower()) if len(line) == 2 else None
        if match is None:
            raise DatabaseError(f"{table}: {' '.join(line)!r} is not `<mos> i01_01_1.bmp`")
        key, (content, group) = match.group(), match.groups()
        record = VideoRecord(
            key,
            on_disk.get(key, folder / key),
            parse_number(line[0], table, f"mos of {key}"),
            spread,
            content=content,
            width=WIDTH,
            height=HEIGHT,
            frames=1,
            group=group,
        )
        videos.append(record)
    return RELEASE.close(videos, missing=missing)


def _spreads(path: Path, images: int) -> list[float | None]:
    """Read standard deviations by line number, the release's only key; all None without a file."""
    if not path.is_file():
        return [None] * images
    spreads = [parse_number(text, path, "a standard deviation") for text in read_text(path).split()]
    if len(spreads) != images:
        raise DatabaseError(
            f"{path}: {len(spreads)} values for {images} images; expected one per line, in the "
            "order of mos_with_names.txt"
        )
    return list(spreads)
