"""The inputs of a run: what its numbers were made from, so that nothing is reused for others.

`inputs.json` holds the label, the file hash and the raw format of every labelled video, the rating
scale, and the hash of every file that a setting names. It is written before a run computes
anything, and compared whenever the run is opened again: a setting that names the same path may
lead to other content.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vqa.databases.listing import some
from vqa.databases.records import Database, VideoRecord
from vqa.files import content_hash, folder_hash, plain, read_json, replacing, user_path
from vqa.identity import kind_of
from vqa.runs.errors import RunError
from vqa.runs.stored import as_data

INPUTS = "inputs.json"

# Sections whose settings may name files that shape the numbers; `data` is compared by its labels.
NAMING_FILES = ("model", "features", "views", "protocol", "alignment", "init_from")
LABELS = {
    "mos": "MOS", "mos_std": "standard deviation", "ratings": "number of ratings",
    "content": "content", "split": "part", "group": "group", "width": "width", "height": "height",
    "frame_rate_hz": "frame rate", "frames": "number of frames", "raw": "raw format",
}  # fmt: skip


def described(
    database: Database, hashes: Mapping[str, str], files: Mapping[str, str]
) -> dict[str, Any]:
    """Return the inputs as plain values for JSON.

    Args:
        database: The labelled videos.
        hashes: SHA-256 of the file of each video, by id; empty for an absent file.
        files: SHA-256 of further files, by the setting that names them.
    """
    videos = {video.id: _labels(video) | {"source": hashes[video.id]} for video in database.videos}
    return {
        "mos_range": list(database.mos_range),
        "skipped": list(database.skipped),
        "videos": videos,
        "files": dict(files),
    }


def is_held(folder: Path) -> bool:
    """Return whether an earlier start has stored inputs in a run folder, or should have."""
    return (folder / INPUTS).is_file() or _has_splits(folder)


def _has_splits(folder: Path) -> bool:
    return next((folder / "splits").glob("*.json"), None) is not None


def hold(folder: Path, inputs: Mapping[str, Any]) -> None:
    """Store inputs in a run folder, or compare them with those that an earlier start stored.

    Args:
        folder: The run folder.
        inputs: From `described`.

    Raises:
        RunError: They differ, so nothing in this folder may be reused.
    """
    path = folder / INPUTS
    if not path.is_file():
        if _has_splits(folder):
            raise RunError(
                f"{path} is absent: an older version of vqa began this run, so what its numbers "
                "were made from is unknown; fresh=true starts over"
            )
        with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
            file.writelines(_lines(inputs))
    elif not _holds(path, _lines(inputs)):
        different = "; ".join(changes(read_json(path), plain(inputs)))
        if different:  # not only the layout of an earlier version
            raise RunError(
                f"{folder} was made from other inputs ({different}); fresh=true starts over"
            )


def _lines(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of `inputs.json`: one for each video, because there may be a million."""

    def text(value: Any) -> str:
        return json.dumps(plain(value), ensure_ascii=False, allow_nan=False)

    yield "{\n"
    for key, value in inputs.items():
        if key != "videos":
            yield f' "{key}": {text(value)},\n'
    yield ' "videos": {'
    for number, (name, facts) in enumerate(inputs["videos"].items()):
        yield f"{',' if number else ''}\n  {text(name)}: {text(facts)}"
    yield "\n }\n}\n"


def _holds(path: Path, lines: Iterator[str]) -> bool:
    """Return whether a file holds exactly these lines."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return all(file.read(len(line)) == line for line in lines) and not file.read(1)
    except UnicodeDecodeError:
        return False


def named_files(config: Mapping[str, Any]) -> dict[str, str]:
    """Hash the files that settings name: features, weights, splits, and runs by their manifests."""

    def walk(key: str, value: Any) -> Iterator[tuple[str, str]]:
        if isinstance(value, Mapping):
            for name, inner in value.items():
                yield from walk(f"{key}.{name}", inner)
        elif isinstance(value, list):
            for place, inner in enumerate(value):
                yield from walk(f"{key}.{place}", inner)
        elif isinstance(value, str) and not key.endswith("._target_"):
            try:
                file = user_path(value)
                if key.endswith(".external.path") and file.is_dir():
                    yield key, folder_hash(file, "*.npy")
                file = file / "manifest.json" if file.is_dir() else file
                if file.is_file():
                    yield key, content_hash(file)
            except (OSError, ValueError, RuntimeError):  # no path at all, or not ours to read
                return

    found = (pair for name in NAMING_FILES for pair in walk(name, config.get(name)))
    return dict(found)


def changes(
    stored: Mapping[str, Any], found: Mapping[str, Any], *, files: bool = True
) -> Iterator[str]:
    """Say what differs between stored inputs and those found now, each with examples.

    Args:
        stored: Content of `inputs.json`.
        found: The inputs now, likewise as plain values.
        files: Compare the files that settings name as well, not only the database.

    Raises:
        RunError: What is stored is damaged.
    """
    with as_data(INPUTS):
        yield from _changes(stored, found, files)


def _changes(stored: Mapping[str, Any], found: Mapping[str, Any], files: bool) -> Iterator[str]:
    old, new = stored["videos"], found["videos"]
    for names, words in (
        ([name for name in new if name not in old], "{} new in the label table"),
        ([name for name in old if name not in new], "{} gone from the label table"),
    ):
        if names:
            yield words.format(_videos(names))
    kinds = [
        {kind_of(one["source"]) for one in videos.values() if one.get("source")}
        for videos in (old, new)
    ]
    if all(kinds) and kinds[0] != kinds[1]:
        yield (
            f"the files were identified by data.identity={'/'.join(sorted(kinds[0]))} and are now "
            f"by data.identity={'/'.join(sorted(kinds[1]))}"
        )
        return
    both = [name for name in new if name in old and new[name] != old[name]]
    for key, word in (*LABELS.items(), ("source", "file")):
        names = [name for name in both if new[name].get(key) != old[name].get(key)]
        if names:
            yield f"another {word} for {_videos(names)}"
    if stored["mos_range"] != found["mos_range"]:
        yield f"the MOS range was {stored['mos_range']} and is {found['mos_range']}"
    if stored["skipped"] != found["skipped"] and set(new) == set(old):
        yield "other labelled videos are absent"
    for key in sorted({*stored["files"], *found["files"]}) if files else ():
        if stored["files"].get(key) != found["files"].get(key):
            yield f"another content of {key}"


def _labels(video: VideoRecord) -> dict[str, Any]:
    raw = video.raw_format
    values = {name: getattr(video, name, None) for name in LABELS} | {"raw": raw and str(raw)}
    return {name: value for name, value in values.items() if value is not None}


def _videos(names: list[str]) -> str:
    return f"{len(names)} video{'s' * (len(names) > 1)} ({some(names)})"
