"""The features that a run learned from: `features.json`, a list with an entry for each source.

A model means something only on features of the same weights and definition, whatever file lies
under the name of the weights today.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from vqa.files import read_json, write_json
from vqa.runs.errors import RunError
from vqa.runs.stored import as_data

FEATURES = "features.json"
RANDOM = "RANDOM weights"  # in the note of a run on them
MARK = "random weights"  # on every other output of such a run
LENGTH = 12  # digits of a hash in an error


class Features(Protocol):
    """What is known of the features of one source; see `vqa.features.extraction.sources.Source`."""

    name: str
    weights: str
    fingerprint: str
    untrained: bool


def hold_features(folder: Path, sources: Iterable[Features]) -> None:
    """Store the features in a run folder, or compare them with those that an earlier start used.

    Raises:
        RunError: They are of other weights, or of another definition.
    """
    sources = list(sources)
    check_features(folder, sources)
    entries = [
        {
            "name": one.name,
            "weights": one.weights,
            "fingerprint": one.fingerprint,
            "untrained": one.untrained,
        }
        for one in sources
    ]
    write_json(folder / FEATURES, entries)


def check_features(folder: Path, sources: Iterable[Features]) -> None:
    """Compare features with those that a run or a model folder stored; none stored are accepted.

    Raises:
        RunError: They are of other weights, or of another definition; one line with both hashes.
    """
    for stored, found in zip(_stored(folder), sources, strict=False):
        was, now = stored["fingerprint"], found.fingerprint
        if was and now and was != now:
            raise RunError(
                f"{folder} learned from features of {_described(stored['weights'], was)}, but "
                f"features.{stored['name']} now gives {_described(found.weights, now)}: restore "
                "those weights and that version of vqa, or train again with fresh=true"
            )


def random_weights(name: str) -> str:
    """Return the note of a run on features with random weights."""
    return (
        f"The features come from {name} with {RANDOM} (features.{name}.weights=random): the scores "
        "say nothing about quality."
    )


def untrained_features(folder: Path) -> list[str]:
    """Return the names of a run's features that come from random weights.

    The notes tell it for runs of older versions, and for models that learned from no features.
    """
    names = [entry["name"] for entry in _stored(folder) if entry["untrained"]]
    for note in read_json(folder / "notes.json") or []:
        if RANDOM in str(note):
            found = re.search(r"features\.([\w-]+)\.weights", str(note))
            names.append(found[1] if found else "model")
    return list(dict.fromkeys(names))


def _stored(folder: Path) -> list[dict[str, Any]]:
    """Read the entries.

    Raises:
        RunError: The file is damaged.
    """
    path = folder / FEATURES
    with as_data(path):
        entries = read_json(path) or []
        return [
            {
                "name": str(entry["name"]),
                "weights": str(entry["weights"]),
                "fingerprint": str(entry["fingerprint"]),
                "untrained": bool(entry["untrained"]),
            }
            for entry in entries
        ]


def _described(weights: str, fingerprint: str) -> str:
    return f"{weights} (fingerprint {fingerprint[:LENGTH]})"
