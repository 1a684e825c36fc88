"""The manifest of a dataset of scores: which job it is of, and which parts are done.

`_manifest.json` names every part. A writer that is at work names its own parts in
`_manifest-<writer>.json`, so that several may write to one folder; the last step of a job puts all
of them into the one file. Names that begin with an underscore are no data to pyarrow and Spark.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from vqa.remote.stores import Store

MERGED = "_manifest.json"
_NAME = re.compile(r"_manifest(-[\w.-]+)?\.json")
_OURS = re.compile(r"_(manifest|journal)(-[\w.-]+)?\.jsonl?")
_PART = re.compile(r"part-([\w.-]+)-([0-9]{6,})\.parquet")


@dataclass(frozen=True, slots=True)
class Part:
    """A file of rows.

    Attributes:
        name: Its name, `part-<writer>-<number>.parquet`.
        rows: Number of rows.
        size_bytes: Its size.
        sha256: Of its bytes.
    """

    name: str
    rows: int
    size_bytes: int
    sha256: str

    @classmethod
    def of(cls, name: str, content: bytes, rows: int) -> "Part":
        """Describe a part by its content."""
        return cls(name, rows, len(content), hashlib.sha256(content).hexdigest())


@dataclass(slots=True)
class Manifest:
    """What the manifests of a folder say together.

    Attributes:
        job: Hash of everything that shapes a score besides its video; empty for an empty folder.
        about: Model, command and so on, for people.
        parts: The parts by name.
        files: Names of the files that said so.
    """

    job: str = ""
    about: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)


def part_name(writer: str, number: int) -> str:
    """Return the name of a part.

    Examples:
        >>> from vqa.commands.scoring.manifest import part_name
        >>> part_name("main", 12)
        'part-main-000012.parquet'
    """
    return f"part-{writer}-{number:06d}.parquet"


def number_of(name: str) -> int | None:
    """Return the number of a part; None for the name of something else."""
    match = _PART.fullmatch(name)
    return None if match is None else int(match[2])


def is_ours(names: Iterable[str]) -> bool:
    """Return whether the names of a folder's files are those of a dataset of scores."""
    return any(map(_OURS.fullmatch, names))


def read_manifest(store: Store, names: Iterable[str]) -> Manifest:
    """Read all manifests of a folder.

    Args:
        store: The folder.
        names: Of its files.

    Raises:
        ValueError: They are of several jobs, or no manifests of ours.
    """
    found = Manifest()
    for name in sorted(filter(_NAME.fullmatch, names)):
        try:
            content = json.loads(store.read(name))
            parts = [Part(**one) for one in content["parts"]]
            job, about = str(content["job"]), dict(content["about"])
        except FileNotFoundError:  # another writer has just put it into the one file
            continue
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"{store.name}/{name}: expected the manifest of a dataset of scores, found "
                f"something else ({error}); choose another folder"
            ) from error
        if found.job and parts and found.parts and job != found.job:
            raise ValueError(
                f"{store.name}: expected the scores of one job, found those of several "
                f"({', '.join([*found.files, name])}); choose another folder"
            )
        if parts or not found.job:
            found.job, found.about = job, about
        found.parts |= {part.name: part for part in parts}
        found.files.append(name)
    return found


def write_manifest(
    store: Store, name: str, job: str, about: Mapping[str, Any], parts: Iterable[Part]
) -> None:
    """Write a manifest in one step."""
    listed = [asdict(part) for part in parts]
    content = {
        "job": job, "about": dict(about), "rows": sum(one["rows"] for one in listed),
        "parts": listed,
    }  # fmt: skip
    store.write(name, json.dumps(content, indent=1).encode() + b"\n")
