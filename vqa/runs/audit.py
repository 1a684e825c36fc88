"""Whether a run folder still says what it said: every number recomputed, every hash compared.

Nothing is trained or decoded. A change of any stored file is found by its hash; a change that was
made to the hashes too is found where two files tell of one thing: the predictions of a split and of
the run, the label table and the MOS beside each score, the results and what the predictions give.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vqa.databases.listing import some
from vqa.evaluation.results import read_predictions, summarise
from vqa.protocols.splits import Split, SplitError, read_split
from vqa.runs import Run, RunError

TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Finding:
    """One check.

    Attributes:
        check: What was looked at.
        fault: What is wrong, with the names of files or videos; empty where all is well.
    """

    check: str
    fault: str = ""


def audit(run: Run) -> list[Finding]:
    """Check a finished run from its files alone; no fault anywhere means that it holds."""
    checks: dict[str, Callable[[Run], Iterator[str]]] = {
        "files are those that the run wrote": changed_files,
        "splits match their hashes": broken_splits,
        "no scene stands in training and test": shared_scenes,
        "predictions are those of the splits": strange_predictions,
        "MOS are those of the label table": strange_labels,
        "results follow from the predictions": strange_results,
    }
    return [look(name, lambda check=check: check(run)) for name, check in checks.items()]


def look(check: str, faults: Callable[[], Iterator[str]]) -> Finding:
    """Make a check; a file that cannot be read is a fault as well."""
    try:
        return Finding(check, "; ".join(faults()))
    except (OSError, RunError, ValueError) as error:
        return Finding(check, str(error))


def digest(run: Run) -> str:
    """One hash for the whole run, to be published beside its numbers."""
    return hashlib.sha256((run.folder / "manifest.json").read_bytes()).hexdigest()


def changed_files(run: Run) -> Iterator[str]:
    """Files that differ from the manifest, are gone, or were added."""
    path = run.folder / "manifest.json"
    if not path.is_file():
        yield "manifest.json is absent: the run is not finished, or was made by an older version"
        return
    stored, found = json.loads(path.read_text()), run.hashes()
    for name in sorted({*stored, *found}):
        if name not in found:
            yield f"{name} is gone"
        elif name not in stored:
            yield f"{name} was added"
        elif stored[name] != found[name]:
            yield f"{name} was changed"


def broken_splits(run: Run) -> Iterator[str]:
    """Split files that are edited, overlap, or name videos that the database lacks."""
    known = set(run.videos().index)
    for path in sorted((run.folder / "splits").glob("*.json")):
        try:
            split = read_split(path)
        except SplitError as error:
            yield str(error)
            continue
        strange = sorted({*split.val, *split.test} - known)
        if strange:
            yield f"{path.name}: {some(strange)} not in videos.csv"


def shared_scenes(run: Run) -> Iterator[str]:
    """Scenes on both sides of a split; `group_by` of the split says whether that was asked for."""
    content = run.videos()["content"]
    for split in run.splits():
        trained = set(content.reindex([*split.train, *split.val]).dropna())
        leaked = [video for video in split.test if content.get(video) in trained]
        if leaked:
            yield (
                f"{split.name}, split by {split.group_by}: {len(leaked)} of {len(split.test)} "
                f"test videos show a scene of the training part: {some(leaked)}"
            )


def strange_predictions(run: Run) -> Iterator[str]:
    """Predictions of the run that are not the splits', and splits whose test part differs."""
    whole = run.folder / "predictions.csv"
    parts = run.predictions()
    if parts is None:
        if whole.is_file():
            yield "predictions.csv is there though no split tests anything"
        return
    for split in run.splits():
        yield from _strange_part(split, parts)
    both = read_predictions(whole).merge(parts, "outer", ["split", "video"], suffixes=("", "_part"))
    differ = both[(both["score"] != both["score_part"]) | (both["mos"] != both["mos_part"])]
    if len(differ):
        names = [f"{row.video} of {row.split}" for row in differ.itertuples()]
        yield f"predictions.csv differs from the splits' own files: {some(names)}"


def strange_labels(run: Run) -> Iterator[str]:
    """Predictions whose MOS is not the one that the database gave."""
    parts = run.predictions()
    if parts is None:
        return
    for split, part in parts.groupby("split", sort=False):
        labels = run.labels(str(split))
        wanted = part["video"].map(labels)
        differ = part[~((part["mos"] - wanted).abs() <= TOLERANCE)]
        if len(differ):
            yield (
                f"{split}: the MOS of {len(differ)} predictions is not the database's: "
                f"{some(differ['video'].tolist())}"
            )


def strange_results(run: Run) -> Iterator[str]:
    """Numbers in results.json that the stored predictions do not give."""
    stored, parts = run.results(), run.predictions()
    if parts is None:
        return
    fresh = _flat(summarise(parts, ci95=run.ci95(), **stored["bootstrap"]))
    old = _flat(stored)
    differ = [name for name in sorted({*fresh, *old}) if not _same(fresh.get(name), old.get(name))]
    if differ:
        first = differ[0]
        yield (
            f"results.json: {len(differ)} numbers differ, first {first}: stored {old.get(first)}, "
            f"computed {fresh.get(first)}"
        )


def dependent_scores(
    split: str, stored: Mapping[str, float], score_alone: Callable[[str], float]
) -> Iterator[str]:
    """Videos that the stored model scores otherwise alone than it did among the test videos.

    So are a scaler that was fitted on the test part found, batch statistics, and another model.

    Args:
        split: Name of the split.
        stored: Scores by video.
        score_alone: The score of one video without any other.
    """
    differ = {
        video: alone
        for video, score in stored.items()
        if not math.isclose(alone := score_alone(video), score, rel_tol=1e-5, abs_tol=1e-5)
    }
    if differ:
        video, alone = next(iter(differ.items()))
        yield (
            f"{split}: {len(differ)} of {len(stored)} videos score otherwise alone, first {video}: "
            f"stored {stored[video]:.6g}, alone {alone:.6g}"
        )


def _strange_part(split: Split, parts: pd.DataFrame) -> Iterator[str]:
    scored = set(parts.loc[parts["split"] == split.name, "video"])
    if lost := sorted(set(split.test) - scored):
        yield f"{split.name}: test videos without a prediction: {some(lost)}"
    if extra := sorted(scored - set(split.test)):
        yield f"{split.name}: predictions of videos outside the test part: {some(extra)}"


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    """`{"a": {"b": [1]}}` as `{"a.b.0": 1}`."""
    if isinstance(tree, Mapping):
        items = tree.items()
    elif isinstance(tree, list | tuple):
        items = enumerate(tree)
    else:
        return {prefix: tree}
    flat: dict[str, Any] = {}
    for key, value in items:
        flat |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
    return flat


def _same(a: Any, b: Any) -> bool:
    numbers = [math.nan if value is None else value for value in (a, b)]
    if all(isinstance(value, int | float) for value in numbers):
        one, other = numbers
        return (math.isnan(one) and math.isnan(other)) or math.isclose(
            one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE
        )
    return a == b
