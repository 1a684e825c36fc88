"""`model.json`: what a program needs to know about an exported model, without this package."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vqa import __version__
from vqa.files import content_hash
from vqa.runs import Run
from vqa.runs.calibration import Calibration, announced_scale
from vqa.runs.hashes import file_hashes

KNOTS = 101  # scores at which the interval is stated
EXPORT = "vqa_export"  # marks the file; its value is the version of the layout
LAYOUT = 1
OUTPUTS = {
    "score": "on the MOS scale, higher is better; mean over the models of all splits",
    "raw": "before the calibration to the MOS scale",
    "quality": "over time, on the MOS scale",
}
FRAMES = "8-bit RGB of the whole frame, at its own size, upright, in the order of presentation"


def features_input(dim: int, is_vector: bool) -> dict[str, Any]:
    """Describe the input of a model of features."""
    rows, undefined = "frames", "not allowed: every number must be finite"
    if is_vector:
        rows, undefined = "moments", "NaN; the model replaces it"
    return {
        "name": "features", "shape": [rows, dim], "type": "float32", "least": 1,
        "undefined": undefined,
    }  # fmt: skip


def fragments_input(view: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the input of a model of fragments; `view` are the settings of its view."""
    side = view["grid_size"] * view["patch_size"]
    return {
        "name": "fragments", "shape": ["clips", view["clip_length"], side, side, 3],
        "type": "uint8", "least": 1, "undefined": "does not occur",
    }  # fmt: skip


def frames_read(
    config: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Say which frames the input is made of, and how.

    Args:
        config: Settings of the run.
        known: Of each kind of features, the file of its network and the names of its numbers, if
            it has any.
    """
    views = config["views"]
    found: dict[str, Any] = {"frames": FRAMES}
    if views.get("features") is not None:
        found["features"] = {
            name: {
                "computed_by": "vqa extract, or code of your own",
                "frame_rate_hz": one.get("frame_rate_hz"), "frames": one.get("frames"),
                "settings": {
                    key: value for key, value in one.get("extractor", {}).items()
                    if key not in ("device", "workers", "batch_frames", "weights")
                },
                **known.get(name, {}),
            }
            for name, one in config["features"].items()
        }  # fmt: skip
        found["joined"] = "along the last axis, in this order"
    if (view := views.get("fragments")) is not None:
        found["fragments"] = {
            key: value for key, value in view.items() if not key.startswith("_")
        } | {"source": "vqa/video/fragments.py and sampling.py: plan, cut, clip_indices; seed 0"}
    return found


def scale_of(run: Run, calibration: Calibration | None, level: float) -> dict[str, Any]:
    """Describe the scale: its ends, intervals and percentiles."""
    mos_range, meaning = announced_scale(run.database, calibration)
    found: dict[str, Any] = {
        "mos_range": mos_range and list(mos_range),
        "is": meaning,
        "calibrated": calibration is not None,
        "interval": None,
        "percentiles": None,
    }
    if calibration is None:
        return found
    low, high = calibration.mos_range
    scores = np.linspace(low, high, KNOTS)
    ends = [calibration.interval(float(score), level) for score in scores]
    if all(ends):
        found["interval"] = {
            "level": level,
            "use": "interpolate low and high at the score",
            "score": scores.round(6).tolist(),
            "low": [round(pair[0], 6) for pair in ends if pair],
            "high": [round(pair[1], 6) for pair in ends if pair],
        }
    if len(calibration.opinions):
        found["percentiles"] = {
            "is": "MOS of the training videos at 0, 1, ..., 100 percent",
            "mos": calibration.opinions.round(6).tolist(),
        }
    return found


def described(
    run: Run,
    kind: str,
    folder: Path,
    source: Mapping[str, Any],
    reading: Mapping[str, Any],
    scale: Mapping[str, Any],
    notes: Sequence[str],
    largest: Mapping[str, Any],
    versions: Mapping[str, Any],
) -> dict[str, Any]:
    """Put `model.json` together; the model files are in `folder`."""
    return {
        EXPORT: LAYOUT,
        "model": run.config.get("model_name") or run.folder.name,
        "format": kind,
        "input": dict(source),
        "outputs": OUTPUTS,
        "reading": dict(reading),
        "scale": dict(scale),
        "notes": list(notes),
        "checked": dict(largest),
        "files": {path.name: content_hash(path) for path in sorted(folder.iterdir())},
        "run": {"name": run.folder.name, "files": file_hashes(run.folder)},
        "versions": {"vqa": __version__, **versions},
    }
