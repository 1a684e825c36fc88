"""Which rows a dataset of scores has, checked by content, and its last step: one row per video.

The newest row of a video counts: that of the part with the highest number. What a kill between two
steps leaves is therefore harmless: a part that no manifest names is taken if it is whole and of
this job, and older rows of videos that were scored again go in the next `settle`.
"""

import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vqa.commands.printing import say
from vqa.commands.scoring.manifest import (
    MERGED,
    Part,
    is_ours,
    number_of,
    part_name,
    read_manifest,
    write_manifest,
)
from vqa.commands.scoring.parts import stored, table_of
from vqa.files import shown
from vqa.remote.addresses import public
from vqa.remote.stores import Store

ROW_BITS = 20  # of a place; the bits above number the part


@dataclass(slots=True)
class Index:
    """The rows of a dataset; 32 bytes per row.

    Attributes:
        parts: The parts, by number.
        keys: Hash of the video of each row.
        places: Of each row: number of its part in `parts`, and of its row there.
        lost: Names of parts that are gone or have other bytes than their manifest says.
        number: Highest number of a part, those that are lost included.
    """

    parts: list[Part] = field(default_factory=list)
    keys: "array[int]" = field(default_factory=lambda: array("Q"))
    places: "array[int]" = field(default_factory=lambda: array("q"))
    lost: list[str] = field(default_factory=list)
    number: int = 0
    _sorted: tuple[npt.NDArray[Any], npt.NDArray[Any]] | None = None

    def take(self, part: Part, videos: Iterable[str]) -> None:
        """Add the rows of a part."""
        first = len(self.parts) << ROW_BITS
        self.parts.append(part)
        for row, video in enumerate(videos):
            self.keys.append(_key(video))
            self.places.append(first + row)

    def freeze(self) -> None:
        """Let `find` know the rows so far; it finds no later ones."""
        keys, places = np.array(self.keys, np.uint64), np.array(self.places, np.int64)
        order = np.lexsort((places, keys))
        self._sorted = keys[order], places[order]

    def find(self, video: str) -> int | None:
        """Return the place of the newest row that is perhaps of this video."""
        if self._sorted is None:
            self.freeze()
        assert self._sorted is not None
        keys, places = self._sorted
        key = np.uint64(_key(video))
        at = int(np.searchsorted(keys, key, side="right")) - 1
        return int(places[at]) if at >= 0 and keys[at] == key else None

    def repeated(self) -> Iterator[int]:
        """Yield the places of rows whose videos perhaps have another row, oldest first."""
        self.freeze()
        assert self._sorted is not None
        keys, places = self._sorted
        same = keys[1:] == keys[:-1]
        either = np.zeros(len(keys), bool)
        either[1:] |= same
        either[:-1] |= same
        yield from map(int, np.sort(places[either]))


def _key(video: str) -> int:
    return int.from_bytes(blake2b(video.encode(), digest_size=8).digest(), "little")


def refuse_other(store: Store, job: str) -> Mapping[str, int]:
    """Return the size of each file of a folder, by name, if a job may write its scores there.

    Raises:
        ValueError: The folder holds something else, or the scores of another job.
    """
    if store.local is not None and store.local.exists() and not store.local.is_dir():
        raise ValueError(f"output={store.name}: expected a folder, found a file; choose another")
    names = store.names()
    if names and not is_ours(names):
        example = shown(min(names))
        raise ValueError(
            f"output={store.name}: expected an empty folder or scores of an earlier start, found "
            f"{example}; choose another folder"
        )
    found = read_manifest(store, names)
    if found.job and found.job != job and (found.parts or any(map(number_of, names))):
        rows = sum(part.rows for part in found.parts.values())
        raise ValueError(
            f"output={store.name}: expected scores of this model and these options, found {rows:,} "
            f"rows of another job ({found.about.get('command', 'unknown')}); choose another folder "
            "or delete this one"
        )
    return names


def survey(store: Store, job: str, names: Iterable[str]) -> Index:
    """Read which rows the parts of a folder have, and check the parts against their manifests.

    Args:
        store: The folder.
        job: Of the dataset; parts of another are not its own.
        names: Of the folder's files.
    """
    names = list(names)
    listed, index = read_manifest(store, names).parts, Index()
    index.number = max((number_of(name) or 0 for name in [*names, *listed]), default=0)
    for name in sorted(filter(number_of, names), key=lambda one: (number_of(one), one)):
        content = store.read(name)
        table = table_of(content, job, timelines=False)
        part = Part.of(name, content, 0 if table is None else len(table))
        known = listed.pop(name, part)
        if table is None or part != known:
            index.lost.append(name)
        else:
            index.take(part, table["video"].to_pylist())
    index.lost += listed
    return index


def settle(store: Store, job: str, about: Mapping[str, Any], index: Index, writer: str) -> bool:
    """Leave one row per video, and one manifest; nobody else may write to the folder meanwhile.

    Args:
        store: The folder.
        job: Of the dataset.
        about: For the manifest.
        index: What the folder holds; not valid any more if something was rewritten.
        writer: Names the parts that replace others.

    Returns:
        Whether a part was rewritten.
    """
    for name in index.lost:
        say(
            f"{store.name}/{name}: gone, or not the part that was written there; its videos are "
            "scored again if you name them",
            sys.stderr,
        )
        store.remove(name)
    index.lost.clear()
    parts, removed = {part.name: part for part in index.parts}, []
    for number, rows in _superseded(store, job, index).items():
        old = index.parts[number]
        table = table_of(store.read(old.name), job)
        if table is None:
            raise ValueError(f"{store.name}/{old.name}: was changed while the job ran; rerun it")
        kept = np.ones(len(table), bool)
        kept[list(rows)] = False
        left = table.filter(kept)
        if len(left):
            index.number += 1
            name, content = part_name(writer, index.number), stored(left, job)
            store.write(name, content)
            parts[name] = Part.of(name, content, len(left))
        del parts[old.name]
        removed.append(old.name)
    write_manifest(store, MERGED, job, about, parts.values())
    for name in [*removed, *(one for one in read_manifest(store, store.names()).files)]:
        if name != MERGED:
            store.remove(name)
    return bool(removed)


def settled(place: str | Path, named: Iterable[str] = ()) -> tuple[int, int]:
    """Settle the dataset that several writers have written.

    Args:
        place: The folder, or the URL of one.
        named: Videos that should have a row.

    Returns:
        Its number of rows, and how many of the named videos have none.

    Raises:
        ValueError: The folder holds no dataset of scores.
    """
    store = Store(place)
    names = store.names()
    found = read_manifest(store, names)
    if not found.job:
        raise ValueError(f"{store.name}: expected a dataset of scores, found no manifest of one")
    index = survey(store, found.job, names)
    missing = sum(index.find(shown(public(video))) is None for video in named)
    settle(store, found.job, found.about, index, "main")
    rows = sum(part.rows for part in read_manifest(store, store.names()).parts.values())
    return rows, missing


def _superseded(store: Store, job: str, index: Index) -> dict[int, set[int]]:
    """Return the rows that newer ones replace, by number of their part."""
    by_part: dict[int, list[int]] = defaultdict(list)
    for place in index.repeated():
        by_part[place >> ROW_BITS].append(place & (1 << ROW_BITS) - 1)
    newest: dict[str, tuple[int, int]] = {}
    found: dict[int, set[int]] = defaultdict(set)
    for number, rows in sorted(by_part.items()):
        table = table_of(store.read(index.parts[number].name), job, timelines=False)
        if table is None:
            continue
        videos = table["video"]
        for row in rows:
            video = videos[row].as_py()
            if video in newest:
                before = newest[video]
                found[before[0]].add(before[1])
            newest[video] = number, row
    return found
