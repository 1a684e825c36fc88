"""The plan of a study in words: trainings, cells, and an estimate of the time they take."""

from collections.abc import Mapping
from typing import Any

import yaml

from vqa.commands import configuration
from vqa.commands.study.jobs import Training
from vqa.commands.study.planning import Plan
from vqa.evaluation.text import aligned_rows
from vqa.reports.words import plural
from vqa.runs.opening import load_run

COSTS = "study/_costs.yaml"


def described(plan: Plan) -> str:
    """Return what a study will do, and how long that takes by the measured rates."""
    path = configuration.conf_folder() / COSTS
    costs: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    rows = [["training", "state", "videos", "splits", "epochs", "training h", "features h"]]
    extracted: set[tuple[str, str]] = set()
    total = {"training": 0.0, "features": 0.0}
    for training in plan.trainings:
        videos = _videos(training, costs)
        splits, epochs = _splits(training), _epochs(training)
        state = _state(training)
        hours = {"training": 0.0, "features": 0.0}
        if state != "finished":
            model = _of(costs, "models", training.experiment.config["model_name"])
            seconds = (
                videos * 0.8 * epochs * model["epoch_s"] if "epoch_s" in model else model["split_s"]
            )
            hours["training"] = splits * seconds / 3600
        for name in training.experiment.config["features"]:
            if (training.database, name) not in extracted and state != "finished":
                extracted.add((training.database, name))
                hours["features"] += _extraction_h(training.database, videos, name, costs)
        for key, value in hours.items():
            total[key] += value
        shown = [f"{value:.2f}" for value in hours.values()]
        rows.append(
            [training.name or "-", state, str(videos), str(splits), str(epochs or "-"), *shown]
        )
    tested: set[tuple[str, str]] = set()
    for test in plan.tests:
        for name in test.training.experiment.config["features"]:
            place = (test.database, name)
            if test.data is not None and place not in extracted | tested:
                tested.add(place)
                count = _of(costs, "databases", test.database)["videos"]
                total["features"] += _extraction_h(test.database, count, name, costs)
    cells = sum(not cell.empty for cell in plan.cells)
    counts = [plural(len(plan.trainings), "training"), plural(len(plan.tests), "test")]
    counts += [plural(cells, "cell")] if plan.cells else []
    lines = [f"{plan.study.name}: {plan.study.title}", f"{', '.join(counts)}", ""]
    if plan.trainings:
        lines += [line.rstrip() for line in aligned_rows(rows)] + [""]
    absent = sorted({one.absent for one in plan.jobs if one.absent})
    lines += [f"left empty: {reason}" for reason in absent]
    lines.append(
        f"estimate: {total['training']:.1f} h of training, {total['features']:.1f} h of features "
        f"on two CPU cores, by rates measured there (conf/{COSTS}); no GPU was measured"
    )
    return "\n".join(lines)


def _of(costs: Mapping[str, Any], section: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = costs[section].get(name, costs[f"other_{section}"])
    return found


def _extraction_h(database: str, videos: int, features: str, costs: Mapping[str, Any]) -> float:
    """Return the hours that features of a database take."""
    data, rate = _of(costs, "databases", database), _of(costs, "features", features)
    every = data["seconds"] * data["rate_hz"]
    frames = {"all": every, "second": data["seconds"]}.get(rate["frames"], rate["frames"])
    frame_s = rate["frame_s"] if "frame_s" in rate else rate["megapixel_s"] * data["megapixels"]
    return videos * frames * frame_s / 3600


def _videos(training: Training, costs: Mapping[str, Any]) -> int:
    if training.absent:
        return int(_of(costs, "databases", training.database)["videos"])
    return len(training.experiment.database)


def _splits(training: Training) -> int:
    """Return the number of splits, of an absent database as far as the settings say it."""
    if not training.absent:
        return len(training.experiment.splits(training.experiment.database))
    protocol = training.experiment.config["protocol"]
    if "folds" in protocol:
        return int(protocol["folds"] * protocol["rounds"])
    return int(protocol.get("count") or 1)


def _epochs(training: Training) -> int:
    """Return the number of epochs; 0 for a model that has none."""
    config = training.experiment.config
    neural = str(config["model"]["_target_"]).endswith("NeuralLearner")
    return int(config["trainer"]["max_epochs"]) if neural else 0


def _state(training: Training) -> str:
    if training.absent:
        return "absent"
    if not (training.folder / "config.yaml").is_file():
        return "new"
    run = load_run(training.folder)
    if run.finished:
        return "finished"
    done = sum((run.split_folder(one.name) / "predictions.csv").is_file() for one in run.splits())
    return f"{done} splits done"
