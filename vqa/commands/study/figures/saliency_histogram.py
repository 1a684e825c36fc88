"""Saliency study, Fig. 7: the correlation of deep features and saliency over whole databases."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vqa.commands.experiment import Experiment
from vqa.commands.study.material import Material, Picture
from vqa.databases.file_records import as_records
from vqa.databases.records import VideoRecord
from vqa.features.extraction.cache import Features
from vqa.reports.figures.shares import edges_of, mode_of, shares
from vqa.runs.used_features import MARK, RANDOM

FEATURES = "features=saliency_correlation"
LABEL = "mean cosine of deep features and saliency"


def histogram(
    material: Material,
    videos: int | None = None,
    without: Sequence[str] = (),
    overrides: Sequence[str] = (),
) -> list[Picture]:
    """Draw the distribution of the frames' cosines (Algorithms 1 to 3) for each database.

    The cosines of a video are kept in the feature cache, so an interrupted job resumes.

    Args:
        material: The study's material; videos that the user named take the place of the databases.
        videos: Use only so many videos of each database, evenly spread over its list.
        without: Groups to leave out, such as the resolution 2160P.
        overrides: Further overrides of `train`, for the extractor, such as
            `features.saliency_correlation.stem=skipped`.

    Raises:
        ValueError: There is neither a database nor a video, or no frame has a cosine.
    """
    tables, notes = [], []
    weights, untrained = "", False
    for name, experiment, records in _groups(material, overrides):
        (source,) = experiment.sources.sources
        kept = [video for video in records if video.group not in without]
        chosen = _spread(kept, videos)
        outcome = source.fill(chosen)
        if outcome.failures:
            notes.append(f"{name}: {len(outcome.failures)} videos could not be read: "
                         f"{', '.join(sorted(outcome.failures)[:5])}.")  # fmt: skip
        weights, untrained = source.weights, untrained or source.untrained
        read = [video for video in chosen if video.id not in outcome.failures]
        tables += [_table(name, video, source.load(video)) for video in read]
    if not tables:
        raise ValueError(
            "no frame has a cosine: expected readable videos of konvid or youtube_ugc below "
            "paths.data, or your own with videos=clip.mp4"
        )
    table = pd.concat(tables, ignore_index=True)
    known = table.dropna(subset="cosine")
    if undefined := len(table) - len(known):
        notes.append(f"{undefined} frames have no saliency map and are left out.")
    if not len(known):
        raise ValueError(f"none of {len(table)} frames has a saliency map; check the weights")
    groups = {
        str(name): part["cosine"].to_numpy(float)
        for name, part in known.groupby("database", sort=False)
    }
    if untrained:
        notes.append(f"The networks have {RANDOM}: the cosines say nothing about saliency.")
    figure = shares(groups, LABEL, warning=MARK if untrained else "")
    return [Picture("fig7", _caption(groups, weights), figure, rows=table, notes=notes)]


def _groups(
    material: Material, overrides: Sequence[str]
) -> list[tuple[str, Experiment, list[VideoRecord]]]:
    """Return the videos by group, each with the experiment that describes them."""
    if material.videos:
        experiment = material.compose(FEATURES, *overrides)
        return [("videos", experiment, list(as_records(material.videos)))]
    experiments = {
        name: material.compose(f"data={name}", FEATURES, *overrides) for name in material.databases
    }
    return [(name, one, list(one.database.videos)) for name, one in experiments.items()]


def _spread(videos: list[VideoRecord], count: int | None) -> list[VideoRecord]:
    """Return so many videos, evenly spread over the list; None takes all."""
    if count is None or count >= len(videos):
        return videos
    return [videos[place] for place in np.linspace(0, len(videos) - 1, count).round().astype(int)]


def _table(database: str, video: VideoRecord, found: Features) -> pd.DataFrame:
    cosines = found.features[:, 0].double().numpy()
    return pd.DataFrame(
        {
            "database": database,
            "video": video.id,
            "frame": np.arange(1, len(cosines) + 1),
            "time_s": found.times_s.numpy(),
            "cosine": cosines,
        }
    )


def _caption(groups: dict[str, np.ndarray], weights: str) -> str:
    edges = edges_of(groups)
    parts = [
        f"{name}: median {np.median(values):.3f}, mode {mode_of(values, edges):.3f} "
        f"({len(values)} frames)"
        for name, values in groups.items()
    ]
    return (
        f"Distribution of the {LABEL} over the last frame of each second. {'; '.join(parts)}. The "
        "mode is the middle of the fullest bin; dashed lines are medians. The paper's histograms "
        f"centre around 0.45 to 0.48. Networks: {weights}."
    )
