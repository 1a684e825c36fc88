"""Start a training from the weights of an earlier run: `init_from=<run folder>`."""

from collections.abc import Sequence
from typing import Any

from safetensors.torch import load_file

from vqa.protocols.splits import Split
from vqa.runs import Run, RunError
from vqa.runs.audit import digest
from vqa.runs.opening import load_run
from vqa.runs.stored import as_data
from vqa.training.learners.base import WEIGHTS_FILE


def begin_from(
    learner: Any, run: Run, split: Split, folder: str, parts: Sequence[str] | None
) -> None:
    """Let an untrained learner start from another run's model of the same shape.

    Args:
        learner: The untrained learner.
        run: The run that trains it; gets a note.
        split: Its training and test parts.
        folder: The earlier run.
        parts: Parts of the network to take, such as `spatial`; None takes all.

    Raises:
        RunError: The earlier run has no such model, or its model was trained on files of this
            split's test part.
        ValueError: The learner has no weights to start from.
    """
    source = load_run(folder)
    donor = _donor(source, split.name)
    trained = source.videos()["source"].reindex([*donor.train, *donor.val]).dropna()
    tested = run.videos()["source"].reindex(split.test)
    if seen := sorted(tested.index[tested.isin(set(trained))]):
        raise RunError(
            f"init_from: {len(seen)} of {len(split.test)} test videos of {split.name} were in the "
            f"training part of {folder} (first {seen[0]}), so the model would be tested on videos "
            "that it has seen; start from a run on another database"
        )
    source.check(f"{donor.name}/{WEIGHTS_FILE}")
    with as_data(source.split_folder(donor.name) / WEIGHTS_FILE):
        weights = load_file(source.split_folder(donor.name) / WEIGHTS_FILE)
    prefix = "network."
    state = {
        key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)
    }
    learner.begin_from(state, parts)
    run.note(
        f"Training started from {'all weights' if parts is None else ', '.join(parts)} of "
        f"{source.config['name']} ({donor.name}; sha256 of its manifest {digest(source)[:16]})."
    )


def _donor(source: Run, name: str) -> Split:
    """The split whose model is used: the only one, or the one of the same name."""
    splits = {split.name: split for split in source.splits()}
    trained = {
        name: split
        for name, split in splits.items()
        if (source.split_folder(name) / WEIGHTS_FILE).is_file()
    }
    if len(trained) == 1:
        return next(iter(trained.values()))
    if name not in trained:
        raise RunError(
            f"init_from: {source.folder} has no trained model of {name} (it has "
            f"{', '.join(trained) or 'none'}); finish that run, or use one with a single split"
        )
    return trained[name]
