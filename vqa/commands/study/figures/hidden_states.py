"""What trained GSTVQA networks make of videos, and what they learned (GSTVQA, Figs. 6 and 7)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vqa.commands.experiment import Experiment
from vqa.commands.study.figures.choosing import title_of
from vqa.commands.study.material import Material, Picture
from vqa.models.gstvqa import GSTVQA
from vqa.reports.figures import mark
from vqa.reports.figures.hidden_states import Plane, planes
from vqa.reports.figures.hidden_states import gaussians as draw_gaussians
from vqa.runs import Run
from vqa.runs.used_features import MARK, random_weights, untrained_features

GAP_IS = (
    "The gap is the mean distance between the centroids of two databases, over the spread: the "
    "root mean square distance of videos from the centroid of their database, averaged over the "
    "databases. It is measured in the hidden space, not in the plane, which keeps no distances"
)


def tsne(
    material: Material,
    panels: Mapping[str, Mapping[str, str]],
    perplexity: float = 30.0,
    seed: int = 0,
) -> list[Picture]:
    """Show the mean hidden states of all videos in a plane by t-SNE, a panel for each training.

    Args:
        material: Of the study.
        panels: Names of trainings, by training database and by the title of the row.
        perplexity: Of t-SNE; fewer videos get a smaller one, a third of their number.
        seed: Of t-SNE.

    Raises:
        ValueError: There is no training or no database, or one is not of model=gstvqa.
    """
    names = [name for row in panels.values() for name in row.values()]
    _check(material, names)
    drawn, rows, notes = [], [], _absent(material, names)
    for trained_on, of_row in panels.items():
        for row, name in of_row.items():
            if name not in material.runs:
                continue
            states, failures = _hidden_states(material, name)
            notes += failures
            stacked = np.concatenate(list(states.values()))
            databases = [title for title, one in states.items() for _ in one]
            gaps = measure(states)
            found = {"trained_on": title_of(trained_on), "row": row}
            rows += [found | {"database": title} | values for title, values in gaps.items()]
            gap = gaps["all"]["gap"]
            remark = f"gap {gap:.2f}" if np.isfinite(gap) else ""
            points = _plane(stacked, perplexity, seed)
            title = f"trained on {title_of(trained_on)}"
            drawn.append(Plane(title, row, points, databases, remark))
    marked = _marked(material, names)
    titles = [title_of(name) for name in material.databases]
    figure = mark(planes(drawn, titles), MARK if marked else "")
    videos = len(drawn[0].points)
    caption = (
        f"t-SNE of the mean hidden states of {videos} videos in each trained network (perplexity "
        f"{_perplexity(perplexity, videos):g}, seed {seed}). "
        f"{GAP_IS}; a smaller gap is a more compact feature space."
    )
    table = pd.DataFrame(rows)
    return [Picture("tsne", caption, figure, rows=table, notes=[*marked, *dict.fromkeys(notes)])]


def gaussians(material: Material, trainings: Mapping[str, str]) -> list[Picture]:
    """Show mean and standard deviation of each dimension of the learned Gaussian.

    Args:
        material: Of the study.
        trainings: Names of trainings, by training database.

    Raises:
        ValueError: There is no training, or one is not of model=gstvqa.
    """
    names = list(trainings.values())
    _check(material, names, databases=False)
    paths = material.compose().config["paths"]
    learned, tables = {}, []
    for trained_on, name in trainings.items():
        if name not in material.runs:
            continue
        run = material.runs[name]
        experiment = Experiment.of_run(run, paths=paths, trust=None)
        network = _learned(experiment, run).module.network
        mean, deviation = (
            tensor.detach().double().cpu().numpy()
            for tensor in (network.gaussian_mean, network.gaussian_std)
        )
        learned[title_of(trained_on)] = mean, deviation
        dimensions = range(1, len(mean) + 1)
        columns = {"dimension": dimensions, "mean": mean, "deviation": deviation}
        tables.append(pd.DataFrame({"trained_on": title_of(trained_on)} | columns))
    marked = _marked(material, names)
    figure = mark(draw_gaussians(learned), MARK if marked else "")
    caption = (
        "Mean and standard deviation of each dimension of the learned Gaussian; stems begin at the "
        "values before training, 0 and 1. Titles name the training database."
    )
    notes = [*marked, *_absent(material, names)]
    return [Picture("gaussians", caption, figure, rows=pd.concat(tables), notes=notes)]


def measure(states: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Measure how far databases lie apart in a space, and how far their videos spread.

    Args:
        states: (n, h) of the videos, by database.

    Returns:
        For each database and for `all` the number of `videos`; `spread`, their root mean square
        distance from the centroid; `distance`, the mean distance from this centroid to the others;
        and `gap`, the distance over the mean spread of all databases. `all` has the means; distance
        and gap of a single database are NaN.
    """
    centroids = {name: values.mean(0) for name, values in states.items()}
    spreads = {
        name: float(np.sqrt(((values - centroids[name]) ** 2).sum(1).mean()))
        for name, values in states.items()
    }
    spread = float(np.mean(list(spreads.values())))
    found = {}
    for name, centroid in centroids.items():
        others = [one for other, one in centroids.items() if other != name]
        away = [float(np.linalg.norm(centroid - one)) for one in others]
        distance = float(np.mean(away)) if away else np.nan
        found[name] = {
            "videos": len(states[name]),
            "spread": spreads[name],
            "distance": distance,
            "gap": distance / spread if spread else np.nan,
        }
    mean = {
        key: float(np.mean([one[key] for one in found.values()]))
        for key in ("spread", "distance", "gap")
    }
    return found | {"all": {"videos": sum(map(len, states.values())), **mean}}


def _hidden_states(material: Material, name: str) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the states (n, h) of a training by the title of the database, and notes."""
    run: Run = material.runs[name]
    states, notes = {}, []
    for database in material.databases:
        experiment = material.of_run(name, database)
        videos = experiment.database.videos
        failures = experiment.sources.fill(videos).failures
        if failures:
            notes.append(
                f"{len(failures)} of {len(videos)} videos of {title_of(database)} cannot be read "
                f"and were left out, such as {next(iter(failures.values()))}"
            )
        kept = [video for video in videos if video.id not in failures]
        if kept:
            learner = _learned(experiment, run)
            data = experiment.data(experiment.database, None)
            states[title_of(database)] = learner.hidden_states(data, kept)
    if not states:
        raise ValueError(f"no video of {', '.join(material.databases)} can be read: {notes[0]}")
    return states, notes


def _learned(experiment: Experiment, run: Run) -> Any:
    """Load the learner of a run's first split.

    Raises:
        ValueError: It is not that of a GSTVQA network.
    """
    learner = experiment.learned(run, run.parts()[0])
    if not isinstance(getattr(getattr(learner, "module", None), "network", None), GSTVQA):
        raise ValueError(
            f"{run.folder}: expected a training of model=gstvqa, found {run.config['name']}"
        )
    return learner


def _plane(states: np.ndarray, perplexity: float, seed: int) -> np.ndarray:
    """Place states (N, h) in a plane (N, 2)."""
    from sklearn.manifold import TSNE

    perplexity = _perplexity(perplexity, len(states))
    return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(states)


def _perplexity(wanted: float, videos: int) -> float:
    return min(wanted, max(1.0, (videos - 1) // 3))


def _check(material: Material, names: Sequence[str], databases: bool = True) -> None:
    if not any(name in material.runs for name in names):
        raise ValueError(
            f"none of the trainings {', '.join(names)} is there: a database of this study is "
            "needed; set paths.data="
        )
    if databases and not material.databases:
        raise ValueError("no database of this study is present: set paths.data=")


def _absent(material: Material, names: Sequence[str]) -> list[str]:
    """Return a note if trainings are absent."""
    absent = [name for name in names if name not in material.runs]
    return [f"Left out, because they were not trained: {', '.join(absent)}."] if absent else []


def _marked(material: Material, names: Sequence[str]) -> list[str]:
    """Return a note for each kind of features with random weights that trainings used."""
    runs = [material.runs[name] for name in names if name in material.runs]
    found = [kind for run in runs for kind in untrained_features(run.folder)]
    return [random_weights(kind) for kind in dict.fromkeys(found)]
