"""Verify a run folder: recompute every number, compare every hash.

Nothing is trained or decoded. A changed file is found by its hash. A change that was made to the
hashes too is found if two files describe the same thing: the predictions of a split and of the run,
the label table and the MOS of each prediction, the results and the predictions.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from vqa.databases.listing import some
from vqa.evaluation.metrics import cards
from vqa.evaluation.predictions import read_predictions
from vqa.evaluation.summary import summarise
from vqa.files import plain, read_json
from vqa.protocols.splits import Split, SplitError, read_split
from vqa.protocols.twins import seen_twins
from vqa.runs.calibrating import of_predictions
from vqa.runs.calibration import CALIBRATION, Calibration
from vqa.runs.errors import RunError
from vqa.runs.hashes import file_hashes
from vqa.runs.run import Run
from vqa.runs.stored import DAMAGE, damage

if TYPE_CHECKING:
    import pandas as pd

TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    Attributes:
        check: What was checked.
        fault: What is wrong, with the names of files or videos; empty if nothing is.
    """

    check: str
    fault: str = ""


def audit(run: Run) -> list[Finding]:
    """Verify a finished run from its files; it holds if no finding has a fault."""
    checks: dict[str, Callable[[Run], Iterator[str]]] = {
        "files are those that the run wrote": changed_files,
        "videos are those of the inputs": wrong_inputs,
        "splits match their hashes": broken_splits,
        "no file is in training and test": shared_files,
        "no scene is in training and test": shared_scenes,
        "predictions are those of the splits": wrong_predictions,
        "MOS are those of the label table": wrong_labels,
        "results follow from the predictions": wrong_results,
        "calibration follows from the predictions": wrong_calibration,
    }
    return [look(name, lambda check=check: check(run)) for name, check in checks.items()]


def look(check: str, faults: Callable[[], Iterator[str]]) -> Finding:
    """Run one check; a file that cannot be read is a fault as well."""
    try:
        return Finding(check, "; ".join(faults()))
    except (OSError, RunError, ValueError) as error:
        return Finding(check, str(error))
    except DAMAGE as error:
        return Finding(check, damage(error))


def digest(run: Run) -> str:
    """Return one hash for the whole run, to be published with its numbers."""
    return hashlib.sha256((run.folder / "manifest.json").read_bytes()).hexdigest()


def changed_files(run: Run) -> Iterator[str]:
    """Report files that differ from the manifest, are gone, or were added."""
    stored, found = read_json(run.folder / "manifest.json"), file_hashes(run.folder)
    if stored is None:
        yield "manifest.json is absent: the run is not finished, or an older version wrote it"
        return
    for name in sorted({*stored, *found}):
        if name not in found:
            yield f"{name} is gone"
        elif name not in stored:
            yield f"{name} was added"
        elif stored[name] != found[name]:
            yield f"{name} was changed"


def wrong_inputs(run: Run) -> Iterator[str]:
    """Report videos whose label or file is not the one that the run began with."""
    inputs, table = run.inputs()["videos"], run.videos()
    unknown = [video for video in table.index if video not in inputs]
    if unknown:
        yield f"{some(unknown)} of videos.csv are not in inputs.json"
    known = table[table.index.isin(list(inputs))]
    for column, words in (("mos", "the MOS"), ("source", "the file")):
        differ = [
            video
            for video, value in known[column].fillna("").items()
            if not _same(value, inputs[str(video)][column])
        ]
        if differ:
            yield f"{words} of {some(differ)} in videos.csv is not that of inputs.json"


def shared_files(run: Run) -> Iterator[str]:
    """Report test videos whose file is in the training part as well, under another name."""
    hashes = run.videos()["source"].dropna().to_dict()
    for split in run.splits():
        if seen := seen_twins(split, hashes):
            yield (
                f"{split.name}: the files of {len(seen)} of {len(split.test)} test videos are in "
                f"the training part as well: {some(seen)}"
            )


def wrong_calibration(run: Run) -> Iterator[str]:
    """Report a calibration that the stored predictions do not give; older runs have none."""
    stored = Calibration.load(run.folder)
    if stored is None:
        return
    found = of_predictions(run, stored.seen)
    for name in ("curves", "fitted_on", "errors", "opinions"):
        if plain(stored.as_json()[name]) != plain(found.as_json()[name]):
            yield f"{name} of {CALIBRATION} are not those of the predictions"


def broken_splits(run: Run) -> Iterator[str]:
    """Report split files that are edited, overlap, or name videos that the database lacks."""
    known = set(run.videos().index)
    for path in sorted((run.folder / "splits").glob("*.json")):
        try:
            split = read_split(path)
        except SplitError as error:
            yield str(error)
            continue
        unknown = sorted({*split.val, *split.test} - known)
        if unknown:
            yield f"{path.name}: {some(unknown)} not in videos.csv"


def shared_scenes(run: Run) -> Iterator[str]:
    """Report scenes on both sides of a split; its `group_by` says whether that was intended."""
    content = run.videos()["content"]
    for split in run.splits():
        trained = set(content.reindex([*split.train, *split.val]).dropna())
        leaked = [video for video in split.test if content.get(video) in trained]
        if leaked:
            yield (
                f"{split.name}, split by {split.group_by}: {len(leaked)} of {len(split.test)} "
                f"test videos show a scene of the training part: {some(leaked)}"
            )


def wrong_predictions(run: Run) -> Iterator[str]:
    """Report predictions that differ from those of the splits or do not cover a test part."""
    whole = run.folder / "predictions.csv"
    parts = run.predictions()
    if parts is None:
        if whole.is_file():
            yield "predictions.csv exists, but no split tests anything"
        return
    for split in run.splits():
        yield from _wrong_part(split, parts)
    both = read_predictions(whole).merge(parts, "outer", ["split", "video"], suffixes=("", "_part"))
    differ = both[(both["score"] != both["score_part"]) | (both["mos"] != both["mos_part"])]
    if len(differ):
        names = [f"{row.video} of {row.split}" for row in differ.itertuples()]
        yield f"predictions.csv differs from the files of the splits: {some(names)}"


def wrong_labels(run: Run) -> Iterator[str]:
    """Report predictions whose MOS is not the one from the database."""
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


def wrong_results(run: Run) -> Iterator[str]:
    """Report numbers in results.json that do not follow from the stored predictions.

    Metrics that the version which wrote the run did not have are not compared.
    """
    stored, parts = run.results(), run.predictions()
    if parts is None:
        return
    if stored is None:
        yield "results.json holds nothing, but videos were tested"
        return
    fresh = summarise(parts, ci95=run.ci95(), **asdict(stored.bootstrap))
    summary = stored.summary
    new = set(cards.METRICS) - {*summary.median, *summary.alongside}
    computed = {
        name: value
        for name, value in _flat(fresh.to_json()).items()
        if not new.intersection(name.split("."))
    }
    old = _flat(read_json(run.folder / "results.json"))
    differ = [
        name for name in sorted({*computed, *old}) if not _same(computed.get(name), old.get(name))
    ]
    if differ:
        first = differ[0]
        yield (
            f"results.json: {len(differ)} numbers differ, first {first}: stored {old.get(first)}, "
            f"computed {computed.get(first)}"
        )


def dependent_scores(
    split: str, stored: Mapping[str, float], score_alone: Callable[[str], float]
) -> Iterator[str]:
    """Report videos that the stored model scores differently alone than among the test videos.

    This finds a scaler that was fitted on the test part, batch statistics, and another model.

    Args:
        split: Name of the split.
        stored: Scores by video.
        score_alone: Returns the score of one video without any other.
    """
    differ = {
        video: alone
        for video, score in stored.items()
        if not math.isclose(alone := score_alone(video), score, rel_tol=1e-5, abs_tol=1e-5)
    }
    if differ:
        video, alone = next(iter(differ.items()))
        yield (
            f"{split}: {len(differ)} of {len(stored)} videos have another score alone, first "
            f"{video}: stored {stored[video]:.6g}, alone {alone:.6g}"
        )


def _wrong_part(split: Split, parts: "pd.DataFrame") -> Iterator[str]:
    scored = set(parts.loc[parts["split"] == split.name, "video"])
    if lost := sorted(set(split.test) - scored):
        yield f"{split.name}: test videos without a prediction: {some(lost)}"
    if extra := sorted(scored - set(split.test)):
        yield f"{split.name}: predictions of videos outside the test part: {some(extra)}"


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Flatten `{"a": {"b": [1]}}` to `{"a.b.0": 1}`."""
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
