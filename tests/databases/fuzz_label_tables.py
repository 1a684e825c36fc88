"""Generated label tables, each with the records that it states, or a fault (hypothesis)."""

import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from hypothesis import strategies as st

MOS_RANGE = (1.0, 5.0)
NUMERIC = ("mos_std", "ratings", "width", "height", "frame_rate_hz")
TEXTS = ("content", "split", "group")
# What a cell says, and what it means; None means unknown.
MOS = {
    "3": 3.0, "3.5": 3.5, "4,25": 4.25, "+2": 2.0, "1e0": 1.0, "5.": 5.0, "03.0": 3.0,
    "25E-1": 2.5, "1.0000001": 1.0000001,
}  # fmt: skip
NUMBERS = {
    "mos_std": {"": None, "0": 0.0, "0.75": 0.75, "1,5": 1.5, "1e-3": 0.001},
    "ratings": {"": None, "24": 24, "5.0": 5, "1e2": 100},
    "width": {"": None, "1920": 1920, "960,0": 960},
    "height": {"": None, "1080": 1080, "2": 2},
    "frame_rate_hz": {"": None, "25": 25.0, "29,97": 29.97, "1000": 1000.0},
}
PARTS = {"": None, "train": "train", "Val": "val", "TEST": "test"}
WORDS = {"": None, "city": "city", "A b": "A b", "质量": "质量", "x;y,z\tw": "x;y,z\tw", "2": "2"}
VIDEOS = (
    "a.mp4", "b c.mp4", "clips/d.mp4", "clips\\e.mp4", "质量.mp4", "../out.mp4", "/abs/f.mp4",
    'quo"te.mp4', "semi;colon,comma.mp4", "./g.mp4", "clips/../h.mp4", "#i.mp4", "=j.mp4",
    "new\nline.mp4", "007",
)  # fmt: skip
WRONG_NUMBERS = (
    "inf", "-inf", "1e400", "1_000", "٣", "３", "0x3", "75%", "good", "1,2,3", "1.5.2", "--1",
    "3 4", "−3", "1e", "e5", "Infinity", "3d", "1'000", "½", "\u20603",
)  # fmt: skip
WRONG = {
    "mos": ("", "nan", "NaN", "0", "5.01", "-3", "99", *WRONG_NUMBERS),
    "mos_std": ("-1", "nan", *WRONG_NUMBERS),
    "ratings": ("0", "-5", "2.5", "nan", "1e12", *WRONG_NUMBERS),
    "width": ("0", "-1", "959.6", "nan", *WRONG_NUMBERS),
    "height": ("0", "-1", "0,5", "nan", *WRONG_NUMBERS),
    "frame_rate_hz": ("0", "-25", "nan", "1e9", *WRONG_NUMBERS),
    "split": ("dev", "training", "test1", "0"),
    "video": ("", ".", "./", "clips/..", "\\"),
}
HEADERS = {"video": ("video", "Video", "VIDEO", " video "), "mos": ("mos", "MOS", "Mos ")}
FAULTS = (
    "cell", "cell", "cell", "cell", "duplicate", "no video", "no mos", "repeated", "one column",
    "long row", "short row", "below no name", "open quote", "after quote", "nul", "latin-1",
    "utf-16", "huge", "empty", "header only", "second header",
)  # fmt: skip


@dataclass
class Table:
    """The bytes of a label table and what they mean.

    Attributes:
        data: The file's content.
        fault: What is wrong; empty if nothing is.
        records: The fields of each video in order, without `id` and `path`: its name is `video`.
    """

    data: bytes
    fault: str
    records: list[dict] = field(default_factory=list)


@st.composite
def tables(draw):
    """Draw a table: half of them are right."""
    fault = draw(st.sampled_from(["", *FAULTS])) if draw(st.booleans()) else ""
    optional = draw(st.lists(st.sampled_from([*NUMERIC, *TEXTS, "rater"]), unique=True))
    columns = draw(st.permutations(["video", "mos", *optional]))
    count = draw(st.integers(1, 5))
    names = draw(st.lists(st.sampled_from(VIDEOS), min_size=count, max_size=count, unique=True))
    rows = [
        {"video": name, **{c: draw(_cells(c)) for c in columns if c != "video"}} for name in names
    ]
    delimiter = draw(st.sampled_from(",;\t"))
    newline = draw(st.sampled_from(("\n", "\r\n", "\r")))
    if fault == "cell":
        column = draw(st.sampled_from([c for c in columns if c in WRONG]))
        draw(st.sampled_from(rows))[column] = draw(st.sampled_from(WRONG[column]))
    elif fault == "duplicate":
        rows.append({**rows[0], "video": draw(_spellings(rows[0]["video"]))})
    elif fault in ("no video", "no mos"):
        columns = [column for column in columns if column != fault.split()[1]]
    elif fault == "repeated":
        columns = [*columns, draw(st.sampled_from(columns))]
    elif fault == "one column":
        columns = [draw(st.sampled_from(columns))]
    header = [draw(st.sampled_from(HEADERS.get(c, (c, c.upper(), f" {c}")))) for c in columns]
    lines = [header, *([row[column] for column in columns] for row in rows)]
    _break(draw, fault, lines, columns)
    text = _written(lines, delimiter, newline, draw(st.booleans()))
    data = _encoded(draw, fault, text, newline)
    return Table(data, fault, [_meant(row, columns) for row in rows] if not fault else [])


def expected_id(name, base):
    """The id of a video, found in another way than the reader's."""
    path = os.path.normpath(base.absolute() / name.replace("\\", "/"))
    inside = os.path.relpath(path, base.absolute())
    return path.lstrip("/") if inside.startswith("..") else PurePosixPath(inside).as_posix()


def _cells(column):
    known = {"mos": MOS, "split": PARTS, "rater": WORDS, **NUMBERS}.get(column, WORDS)
    return st.sampled_from(sorted(known))


def _spellings(name):
    plain = name.replace("\\", "/")
    return st.sampled_from([name, f"x/../{plain}" if plain[0] != "/" else plain])


def _break(draw, fault, lines, columns):
    """Spoil the lines (header first) in place."""
    place = draw(st.integers(1, len(lines) - 1))
    if fault == "long row":
        lines[place].append(draw(st.sampled_from(["5", "x", "0"])))
    elif fault == "short row":
        kept = lines[place][: columns.index("mos")]
        lines[place] = kept if any(kept) else ["x"]
    elif fault == "below no name":
        lines[0].append("")
        lines[place].append("5")
    elif fault == "second header":
        lines.insert(place, list(lines[0]))
        lines.append(lines.pop(1)) if len(lines) > 2 else None
    elif fault == "header only":
        del lines[1:]
    elif fault == "huge":
        lines[place][columns.index("video")] = "x" * 140_000


def _written(lines, delimiter, newline, trailing):
    rows = [delimiter.join(_quoted(cell, delimiter) for cell in line) for line in lines]
    if trailing:  # an empty line
        rows.append(delimiter)
    return newline.join(rows) + newline


def _quoted(cell, delimiter):
    text = cell.replace('"', '""')
    return f'"{text}"' if set(cell) & {delimiter, '"', "\r", "\n"} else cell


def _encoded(draw, fault, text, newline):
    if fault == "open quote":
        text += '"z.mp4' + newline + "y.mp4" + newline
    elif fault == "after quote":
        text += '"z.mp4"x,3;3\t3' + newline
    elif fault == "nul":
        at = draw(st.integers(0, len(text)))
        text = text[:at] + "\0" + text[at:]
    elif fault == "empty":
        text = draw(st.sampled_from(["", "\n\n", " ", ",,\n;;\n", "\r\n"]))
    if fault == "latin-1":
        return (text + "fête").encode("latin-1", "replace")
    if fault == "utf-16":
        return text.encode("utf-16")
    return (b"\xef\xbb\xbf" if draw(st.booleans()) else b"") + text.encode()


def _meant(row, columns):
    """What the cells of a row mean."""
    record = {"video": row["video"], "mos": MOS[row["mos"]]}
    for column in NUMERIC:
        record[column] = NUMBERS[column][row[column]] if column in columns else None
    for column in TEXTS:
        known = PARTS if column == "split" else WORDS
        record[column] = known[row[column]] if column in columns else None
    return record


def record_of(video, base: Path):
    """The fields of a record, as `Table.records` has them, and its id and path."""
    fields = {name: getattr(video, name) for name in ("mos", *NUMERIC, *TEXTS)}
    return {"id": video.id, "path": os.path.normpath(video.path), **fields}
