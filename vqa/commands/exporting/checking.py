"""The check of exported files: they give what the trained model gives, or they are not kept."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from vqa.commands.exporting.formats import Runner
from vqa.evaluation.calibration import ScaleCurve
from vqa.runs import RunError
from vqa.runs.seen import Seen
from vqa.training.learners.vectors import vector_scores

TOLERANCE = 1e-4  # largest difference, relative to values above 1
LENGTHS = (1, 2, 29, 240, 1000)
CLIPS = (1, 3)
FRAME_SIZES = ((1, 64, 64), (3, 96, 160), (2, 179, 131))  # frames, height, width
Models = Sequence[tuple[Any, ScaleCurve | None]]  # a learner and its curve, of each split


def check_model(
    run: Runner, models: Models, inputs: Iterator[np.ndarray], kind: str
) -> dict[str, float]:
    """Compare an exported model with its learners.

    Args:
        run: The exported model.
        models: The learners, with their curves to the MOS scale.
        inputs: Inputs of one video each, of different lengths.
        kind: What the first axis counts: `frames`, `moments` or `clips`.

    Returns:
        The largest difference of score, raw score and quality, by length.

    Raises:
        RunError: They differ.
    """
    largest: dict[str, float] = {}
    for x in inputs:
        for name, got, expected in zip(
            ("score", "raw", "quality"), run(x), _by_learners(models, x, kind), strict=True
        ):
            length = str(len(x))
            difference = compared(f"{name} at {length} {kind}", got, expected)
            largest[length] = max(largest.get(length, 0.0), difference)
    return largest


def compared(name: str, got: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference of two arrays.

    Raises:
        RunError: It is too large, or their shapes differ.
    """
    if np.shape(got) != np.shape(expected):
        raise RunError(
            f"the exported model gives {name} {np.shape(got)}, expected {np.shape(expected)}; "
            "nothing was written"
        )
    difference = np.abs(got - expected)
    if not (difference <= TOLERANCE * np.maximum(1, np.abs(expected))).all():
        raise RunError(
            f"the exported model differs in {name} by {difference.max():.2g}, expected at most "
            f"{TOLERANCE:g}; nothing was written. Try other versions of torch, onnx and onnxruntime"
        )
    return float(f"{difference.max():.3g}")


def features(dim: int, seen: Seen | None, undefined: bool) -> Iterator[np.ndarray]:
    """Yield random features (T, D), in the range of the training videos where it is known.

    Args:
        dim: D.
        seen: What the training videos were like.
        undefined: Whether some are NaN, infinite or huge.
    """
    rng = np.random.default_rng(0)
    low, high = np.zeros(dim), np.ones(dim)
    if seen is not None and len(seen.low) == dim:
        ends = np.asarray(seen.low, dtype=float), np.asarray(seen.high, dtype=float)
        known = np.isfinite(ends[0]) & np.isfinite(ends[1])
        low, high = np.where(known, ends[0], low), np.where(known, ends[1], high)
    for length in LENGTHS:
        x = (low + rng.uniform(-0.1, 1.1, (length, dim)) * (high - low)).astype(np.float32)
        if undefined:
            places = rng.random(x.shape)
            for share, value in ((0.006, np.nan), (0.004, np.inf), (0.002, 1e12)):
                x[places < share] = value
            x[:, rng.random(dim) < 0.01] = np.nan
        yield x


def fragments(shape: Sequence[int]) -> Iterator[np.ndarray]:
    """Yield random clips of fragments, uint8 (K, *shape)."""
    rng = np.random.default_rng(0)
    for clips in CLIPS:
        yield rng.integers(0, 256, (clips, *shape), dtype=np.uint8)


def frames() -> Iterator[np.ndarray]:
    """Yield random frames of several sizes, uint8 (T, H, W, 3)."""
    rng = np.random.default_rng(0)
    for size in FRAME_SIZES:
        yield rng.integers(0, 256, (*size, 3), dtype=np.uint8)


def _by_learners(
    models: Models, x: np.ndarray, kind: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Score a video as `vqa score` does: score, raw score, quality over time."""
    found = []
    for learner, curve in models:
        raw, quality = _by_learner(learner, x, kind)
        found.append((raw, curve(raw), curve(quality)) if curve else (raw, raw, quality))
    raws, scores, qualities = zip(*found, strict=True)
    return np.asarray(np.mean(scores)), np.asarray(np.mean(raws)), np.mean(qualities, axis=0)


def _by_learner(learner: Any, x: np.ndarray, kind: str) -> tuple[float, np.ndarray]:
    tensor = torch.from_numpy(x)
    if kind == "clips":
        raw, quality = learner.assess({"fragments": tensor[None]})
    elif kind == "frames":
        lengths = torch.tensor([len(x)])
        raw, quality = learner.assess({"features": tensor[None], "lengths": lengths})
    else:
        mean = tensor.double().nanmean(0).to(tensor.dtype)
        raw = learner.assess({"features": mean[None]})[0]
        quality = vector_scores(learner, tensor)
    return raw, quality
