"""TID2013: 3000 distorted images, for models that learn distortions on images first.

Content: 25 reference images, each with 24 types of distortion at 5 levels; 512x384, `.bmp`. The
    reference is the content (`i01` ... `i25`), the type of distortion the group (`01` ... `24`).
Scale: MOS, higher is better, [0, 9]; its values lie below 7.3.
Splits: none fixed; split by content, 120 images share a reference.
Layout: `distorted_images/i01_01_1.bmp` (reference, type, level; the case of names varies between
    copies), `mos_with_names.txt` with lines `5.51429 I01_01_1.bmp`, and `mos_std.txt` with one
    standard deviation a line, in the order of `mos_with_names.txt`. The references carry no MOS.
Terms: free for research.
Source: https://www.ponomarenko.info/tid2013.htm
Citation: N. Ponomarenko, L. Jin, O. Ieremeiev, V. Lukin, K. Egiazarian, J. Astola, B. Vozel,
    K. Chehdi, M. Carli, F. Battisti, C.-C. J. Kuo, "Image database TID2013: peculiarities, results
    and perspectives", Signal Processing: Image Communication 30, 2015.
"""

import re
from pathlib import Path

from vqa.databases.label_files import Release, find_folder, parse_number
from vqa.databases.records import Database, DatabaseError, VideoRecord

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
    """Read TID2013; ids are file names in lower case, `i01_01_1.bmp`, each of one frame.

    Args:
        root: The folder that holds `distorted_images`, or the images themselves.
        missing: `error` refuses absent images, `skip` goes on without them.
        labels: The file of MOS and names; None looks for it in the root. `mos_std.txt` is read
            where it lies beside it.

    Raises:
        DatabaseError: Root, label file or images absent, or labels that make no sense.
    """
    root, table = RELEASE.open(root, labels)
    lines = [line.split() for line in _text(table).splitlines() if line.strip()]
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
    """Standard deviations line by line, the only join the release offers; None without the file."""
    if not path.is_file():
        return [None] * images
    spreads = [parse_number(text, path, "a standard deviation") for text in _text(path).split()]
    if len(spreads) != images:
        raise DatabaseError(
            f"{path}: {len(spreads)} values for {images} images; expected one a line, in the order "
            "of mos_with_names.txt"
        )
    return list(spreads)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatabaseError(f"{path}: not UTF-8 text ({error.reason}); fetch it again") from error
