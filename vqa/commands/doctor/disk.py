"""Files below a database's folder, and which of them may be missing labelled videos."""

import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from vqa.databases.searching import VIDEO_SUFFIXES, PassedOver, walk


def _letters_and_digits(path: Path) -> str:
    return re.sub(r"[\W_]+", "", path.stem.casefold())


def _digits(path: Path) -> str:
    """The numbers of a name, if they are long enough to tell videos apart."""
    numbers = re.findall(r"\d+", path.stem)
    return " ".join(numbers) if sum(map(len, numbers)) >= 3 else ""


def _longest_number(path: Path) -> str:
    """The longest number of a name, such as a Flickr id, if it is long."""
    number = max(re.findall(r"\d+", path.stem), key=len, default="")
    return number if len(number) >= 5 else ""


# From the strongest sign to the weakest: the words for it, and what two names have in common.
AGREEMENTS: tuple[tuple[str, Callable[[Path], str]], ...] = (
    ("has its name, in another folder", lambda path: path.name),
    ("has its stem, with another suffix", lambda path: path.stem),
    ("differs in upper and lower case", lambda path: path.stem.casefold()),
    ("is a second copy", lambda path: re.sub(r" ?\(\d+\)$", "", path.stem.casefold())),
    ("differs in punctuation", _letters_and_digits),
    ("has the same digits", _digits),
    ("has the same long number", _longest_number),
)


def unlabelled(root: str | Path, labelled: Iterable[Path]) -> tuple[list[Path], PassedOver]:
    """Find video files below a folder that no label row names.

    Args:
        root: The folder; links to folders are followed.
        labelled: The files that the label table names, present or not; their suffixes count as
            video suffixes.

    Returns:
        The files, sorted, and what else is in the folder.
    """
    named = [Path(path) for path in labelled]
    real = {os.path.realpath(path) for path in named}
    suffixes = VIDEO_SUFFIXES | {path.suffix.lower() for path in named}
    passed_over = PassedOver()
    found = walk(Path(root), passed_over, suffixes)
    return sorted(path for path in found if os.path.realpath(path) not in real), passed_over


def counterparts(
    expected: Mapping[str, Path], missing: Collection[str], extras: Sequence[Path]
) -> dict[str, tuple[Path, str]]:
    """Find files that are probably missing videos under another name.

    A pair is made if exactly one labelled video and one unlabelled file share a sign, strongest
    sign first. Labelled videos that are present count too: a sign that two share is no evidence.

    Args:
        expected: Expected path of each labelled video, by id.
        missing: The ids that have no file.
        extras: The files without a label.

    Returns:
        By id: the file, and how it agrees or differs, as a predicate of the file.
    """
    pairs: dict[str, tuple[Path, str]] = {}
    left = list(extras)
    for words, sign in AGREEMENTS:
        shared = Counter(map(sign, expected.values()))
        counts = Counter(map(sign, left))
        files = {sign(path): path for path in left}
        for key in missing:
            mark = sign(expected[key])
            if key not in pairs and mark and shared[mark] == 1 and counts[mark] == 1:
                pairs[key] = (files[mark], words)
        taken = {path for path, _ in pairs.values()}
        left = [path for path in left if path not in taken]
    return pairs
