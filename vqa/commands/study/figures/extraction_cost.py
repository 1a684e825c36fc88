"""Saliency study, Table 2 and Fig. 4: what each set of features costs, and what it achieves."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from vqa.commands.experiment import Experiment
from vqa.commands.study.figures.example_video import sources_by_name
from vqa.commands.study.material import Material, Picture
from vqa.databases.file_records import as_records
from vqa.databases.records import DatabaseError, VideoRecord
from vqa.features.extraction.feature_source import FeatureSource
from vqa.features.extraction.feature_tables import FeatureTableError
from vqa.features.extraction.pipeline import extract_videos
from vqa.models.svr import fit_svr
from vqa.progress import progress_bar
from vqa.reports.figures.cost import accuracy_over_seconds
from vqa.reports.figures.cost_table import cost_table
from vqa.reports.figures.marking import mark
from vqa.reports.figures.printed import PAGE, PRINTED
from vqa.runs.environment import machine
from vqa.runs.errors import RunError
from vqa.runs.used_features import MARK, RANDOM, untrained_features

METRIC, LEVEL = "srocc", 0.95
FIG4_HEIGHT_IN = 3.6
TEST_SHARE = 0.2


def cost(
    material: Material,
    database: str,
    sets: Mapping[str, Mapping[str, Any]],
    group: str | None = None,
    videos: int = 10,
    rows: int = 1039,
    overrides: Sequence[str] = (),
) -> list[Picture]:
    """Measure features and regression of each set on this machine.

    Every extractor describes every video alone and without a cache; the seconds of a set are the
    sum over its extractors. The regression is one split: the search of C and gamma, the fit, and
    the scores of the test part. It is measured on the features of a set's training (of the set's
    name) if there is one and its cache is here, else on random numbers of the same size.

    Args:
        material: The study's material; videos that the user named take the place of the database's.
        database: The database of the videos.
        sets: For each set `features` (names of conf/features), and the printed `extraction_s` and
            `regression_s`.
        group: Only videos of this group, such as a resolution; None takes all.
        videos: How many videos.
        rows: Videos of the random numbers.
        overrides: Further overrides of `train`, for the extractors.

    Raises:
        ValueError: There are no videos, or an extractor can describe none of them.
    """
    names = dict.fromkeys(name for one in sets.values() for name in one["features"])
    features = f"features=[{','.join(names)}]"
    experiment, chosen, notes = _videos(material, database, group, videos, features, overrides)
    sources = sources_by_name(experiment)
    seconds = _extraction_seconds(experiment, sources, chosen)
    if untrained := [name for name, source in sources.items() if source.untrained]:
        notes.append(f"{', '.join(untrained)}: {RANDOM}; the seconds do not depend on them.")
    table, measured = [], []
    for title, one in sets.items():
        dim = sum(sources[name].extractor.dim for name in one["features"])
        regression_s = _of_training(material, title)
        if regression_s is None:
            regression_s = _of_random_numbers(rows, dim)
        else:
            measured.append(title)
        table.append(
            {
                "name": title,
                "dim": dim,
                "extraction_s": sum(seconds[name] for name in one["features"]),
                "regression_s": regression_s,
                "printed_extraction_s": one.get("extraction_s"),
                "printed_regression_s": one.get("regression_s"),
            }
        )
    if unmeasured := [title for title in sets if title not in measured]:
        notes.append(f"Regression on random numbers of the same size ({rows} videos), because "
                     f"no training's features are here: {', '.join(unmeasured)}.")  # fmt: skip
    warning = MARK if untrained else ""
    count = f"{len(chosen)} video{'s' if len(chosen) != 1 else ''}"
    where = f"{count} on {machine()}"
    caption = (
        f"Seconds of features and regression, {where}: {', '.join(map(_name, chosen))}. Each "
        "extractor describes each video alone, decoding included, without a cache; the seconds of "
        "a set are the mean over the videos, summed over its extractors. Regression: one split, "
        "with the search of C and gamma, the fit and the scores of the test part. Printed: two "
        "14-core 2.4 GHz Intel E5-2680 v4, Matlab and Python."
    )
    made = Picture("table2", caption, cost_table(table, warning=warning),
                   rows=pd.DataFrame(table), notes=notes)  # fmt: skip
    return [made, *_accuracy(material, table, where, warning, notes)]


def _videos(
    material: Material, database: str, group: str | None, count: int, features: str,
    overrides: Sequence[str],
) -> tuple[Experiment, list[VideoRecord], list[str]]:  # fmt: skip
    """Return the experiment that has the extractors, the videos, and notes."""
    if material.videos:
        experiment = material.compose(features, *overrides)
        return experiment, list(as_records(material.videos))[:count], []
    if database not in material.databases:
        raise ValueError(
            f"{database} is absent: expected its folder below paths.data, or videos of your own "
            "with videos=[a.mp4,b.mp4]"
        )
    experiment, notes = material.compose(f"data={database}", features, *overrides), []
    known = list(experiment.database.videos)
    of_group = [video for video in known if group is None or video.group == group]
    if not of_group:
        notes.append(f"No video is of the group {group}; these are of any.")
    return experiment, spread_over_categories(of_group or known, count), notes


def spread_over_categories(videos: Sequence[VideoRecord], count: int) -> list[VideoRecord]:
    """Choose videos that cover as many categories as possible, always the same ones.

    The category is the first word of the name, as in `Vlog_1080P-7b30`. Categories take turns in
    alphabetical order; if there are more than `count`, evenly spread ones of them give one each.
    """
    categories: dict[str, list[VideoRecord]] = defaultdict(list)
    for video in sorted(videos, key=lambda one: one.id):
        word = re.match(r"[A-Za-z]*", _name(video))
        categories[word.group() if word else ""].append(video)
    lists = [categories[name] for name in sorted(categories)]
    if len(lists) > count:
        lists = [lists[n] for n in np.linspace(0, len(lists) - 1, count).round().astype(int)]
    turns = [video for turn in zip_longest(*lists) for video in turn if video is not None]
    return turns[:count]


def _extraction_seconds(
    experiment: Experiment, sources: Mapping[str, FeatureSource], videos: Sequence[VideoRecord]
) -> dict[str, float]:
    """Return the mean seconds of each extractor over the videos."""
    found = {}
    with progress_bar(len(sources) * len(videos), "time features", "video") as bar:
        for name, source in sources.items():
            seconds, causes = [], []
            for video in videos:
                started = perf_counter()
                ((_, result),) = extract_videos(
                    [video], source.extractor, frame_rate_hz=source.frame_rate_hz,
                    frames=source.frames, reader=experiment.reader,
                    time_limit_s=source.time_limit_s, **experiment.reading,
                )  # fmt: skip
                if isinstance(result, Exception):
                    causes.append(f"{video.id}: {result}")
                else:
                    seconds.append(perf_counter() - started)
                bar.update()
            if causes:
                raise ValueError(
                    f"{name} cannot describe {causes[0]}; expected {len(videos)} videos that every "
                    "extractor describes"
                )
            found[name] = mean(seconds)
    return found


def _of_training(material: Material, training: str) -> float | None:
    """Time the regression of the first split of a training; None if its features are not here."""
    if training not in material.runs:
        return None
    run = material.runs[training]
    try:
        experiment = Experiment.of_run(run, paths=run.config["paths"], trust=None)
        split = run.splits()[0]
        data = experiment.data(experiment.database, split)
        for video in (*data.train, *data.val, *data.test):
            data.views(video)  # read from the cache, which is not part of the regression
    except (FileNotFoundError, DatabaseError, FeatureTableError, RunError):
        return None
    learner = experiment.learner()
    with TemporaryDirectory() as folder:
        started = perf_counter()
        learner.fit(data, Path(folder))
        learner.predict(data, data.test)
        return perf_counter() - started


def _of_random_numbers(rows: int, dim: int) -> float:
    """Time the study's regression on numbers that carry some of the MOS."""
    rng = np.random.default_rng(0)
    mos = rng.uniform(1, 5, rows)
    numbers = rng.normal(size=(rows, dim)) + np.outer(mos, rng.normal(size=dim) / dim**0.5)
    train = round(rows * (1 - TEST_SHARE))
    inner = round(train * (1 - TEST_SHARE))
    started = perf_counter()
    fitted = fit_svr(numbers[:train], mos[:train], np.arange(inner), np.arange(inner, train))
    fitted.predict(numbers[train:])
    return perf_counter() - started


def _accuracy(
    material: Material,
    table: Sequence[Mapping[str, Any]],
    where: str,
    warning: str,
    notes: Sequence[str],
) -> list[Picture]:
    """Draw accuracy over seconds, if two sets at least are trained."""
    rows = []
    for row in table:
        results = material.runs[row["name"]].results() if row["name"] in material.runs else None
        if results is not None and np.isfinite(results.summary.value(METRIC)):
            rows.append(
                {
                    "label": row["name"],
                    "value": results.summary.value(METRIC),
                    "interval": results.summary.interval(METRIC),
                    "dimension": row["dim"],
                    "seconds_a_video": row["extraction_s"],
                    "untrained": bool(untrained_features(material.runs[row["name"]].folder)),
                }
            )
    if len(rows) < 2:
        return []
    figure = accuracy_over_seconds(
        rows, METRIC, LEVEL, width=PAGE, height=FIG4_HEIGHT_IN, style=PRINTED
    )
    caption = (
        f"Median SROCC over the splits, with its interval, over the seconds per video of the "
        f"features ({where}). Full dots: no other set is as good and faster, or as fast and better."
    )
    flat = [
        {key: one for key, one in row.items() if key != "interval"}
        | dict(zip(("lower", "upper"), row["interval"], strict=True))
        for row in rows
    ]
    table_of = pd.DataFrame(flat)
    return [Picture("fig4", caption, mark(figure, warning), rows=table_of, notes=notes)]


def _name(video: VideoRecord) -> str:
    return video.id.rpartition("/")[2]
