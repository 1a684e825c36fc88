"""Findings, their kinds, and the remedy of each kind."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding.

    Attributes:
        fault: Whether it stops or falsifies training; such a video is not usable.
        remedy: How to fix it.
    """

    fault: bool
    remedy: str


_FETCH = "download these files again; extraction skips and lists them"
_OTHER = "download the release's own files: viewers rated another version"

KINDS: Mapping[str, Kind] = {
    "missing": Kind(
        True, "download them, or check data.root; data.missing=skip continues without them"
    ),
    "renamed": Kind(
        True, "rename or link each file to the name in the label table; check the guess by eye"
    ),
    "mos": Kind(True, "correct the label table, or the rating scale (data.mos_range)"),
    "constant mos": Kind(True, "use the column of the label table that holds the opinions"),
    "unreadable": Kind(True, _FETCH),
    "undecodable": Kind(True, _FETCH),
    "single frame": Kind(True, "download these files again: a video has more than one frame"),
    "size": Kind(True, _OTHER),
    "rate": Kind(True, _OTHER),
    "frames": Kind(True, "download the release's own files: these were cut or converted"),
    "absurd rate": Kind(
        True, "download these files again; features at a fixed rate would rely on it"
    ),
    "two labels": Kind(True, "keep one label row per file: which of its MOS is right?"),
    "duplicate": Kind(
        False, "nothing to do: equal files are one content, so splits keep them in one part"
    ),
    "alike": Kind(
        False,
        "look at the pairs: give those of one scene one content in the label table, or keep one",
    ),
    "shared": Kind(
        False, "nothing to do: cross-database tests skip files that the model was trained on"
    ),
    "absurd label": Kind(False, "nothing to do: the rate of the file itself is used"),
    "extra": Kind(False, "nothing to do: files without a label are not used"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Attributes:
        kind: One of `KINDS`.
        video: Id of the labelled video; None if it concerns none or all of them.
        text: What was found and what was expected.
        file: The file on disk that it concerns, if it is not the video's own.
    """

    kind: str
    video: str | None = None
    text: str = ""
    file: str | None = None
