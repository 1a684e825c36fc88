"""The table of a sweep: mean, deviation, and an interval for each of two questions."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from vqa.evaluation.metrics import srocc
from vqa.evaluation.summary import summarise
from vqa.runs.sweeps import Job, summarise_sweep, sweep_table


@dataclass
class Made:
    """What a sweep reads of a run."""

    table: pd.DataFrame | None
    folder: Path
    finished: bool = True

    def predictions(self):
        return self.table

    def results(self):
        return None if self.table is None else summarise(self.table, resamples=2)


def made(folder, seed, noise, first=0, splits=2):
    """A run on two splits of 30 of 60 videos, from `first` on; noise in its scores."""
    rng = np.random.default_rng(seed)
    mos = np.linspace(1, 5, 60)
    rows = [
        (f"split{split}", f"v{video}", mos[video], mos[video] + rng.normal(0, noise))
        for split in range(splits)
        for video in (first + np.arange(split, split + 30)) % 60
    ]
    return Made(pd.DataFrame(rows, columns=["split", "video", "mos", "score"]), folder)


@pytest.fixture
def jobs(tmp_path):
    """Two settings, three seeds; the last job failed."""
    found = [
        Job({"seed": str(seed), "model": name}, made(tmp_path, seed, noise))
        for name, noise in (("good", 0.5), ("bad", 2.0))
        for seed in (1, 2, 3)
    ]
    return [*found[:-1], Job(found[-1].values, None, "the memory is full")]


def test_deviation_and_interval_over_the_seeds(jobs):
    sweep = summarise_sweep(jobs, resamples=50)
    assert sweep["swept"] == ["model"]
    assert [row["values"]["model"] for row in sweep["rows"]] == ["good", "bad"]
    found = sweep["rows"][0]["metrics"]["srocc"]
    values = [
        np.median([srocc(part["mos"], part["score"]) for _, part in job.run.table.groupby("split")])
        for job in jobs[:3]
    ]
    assert found["values"] == pytest.approx(values)
    assert found["mean"] == pytest.approx(np.mean(values))
    assert found["std"] == pytest.approx(np.std(values, ddof=1))
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found["over_seeds"] == pytest.approx([low, high])


def test_the_interval_over_videos_resamples_videos_of_all_seeds_at_once(jobs):
    """Against a loop: draw videos, take each run's median over splits again, and the mean."""
    found = summarise_sweep(jobs, resamples=500)["rows"][0]["metrics"]["srocc"]["over_videos"]
    rng = np.random.default_rng(5)
    names = sorted(set(jobs[0].run.table["video"]))
    means = []
    for _ in range(120):
        drawn = pd.Series(rng.choice(names, len(names))).value_counts()
        values = []
        for job in jobs[:3]:
            medians = []
            for _, part in job.run.table.groupby("split"):
                again = part.loc[part.index.repeat(part["video"].map(drawn).fillna(0).astype(int))]
                medians.append(srocc(again["mos"], again["score"]))
            values.append(np.median(medians))
        means.append(np.mean(values))
    assert found == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.04)


def test_failed_and_unfinished_jobs_stay_listed(jobs, tmp_path):
    more = [
        Job({"seed": "4", "model": "bad"}, Made(None, tmp_path, finished=False)),
        Job({"seed": "5", "model": "bad"}, Made(None, tmp_path)),
    ]
    sweep = summarise_sweep([*jobs, *more], resamples=20)
    assert [job["status"] for job in sweep["jobs"][-3:]] == [
        "failed", "unfinished", "tested nothing",
    ]  # fmt: skip
    assert sweep["jobs"][-3]["error"] == "the memory is full"
    assert (sweep["rows"][1]["runs"], sweep["rows"][1]["of"]) == (2, 5)
    assert sweep["notes"] == [
        "1 of 8 jobs failed and are in no number; the table of jobs says why."
    ]


def test_other_test_videos_are_said(tmp_path):
    jobs = [Job({"seed": str(seed)}, made(tmp_path, seed, 0.5, first=9 * seed)) for seed in (1, 2)]
    sweep = summarise_sweep(jobs, resamples=20)
    assert not sweep["rows"][0]["same_videos"]
    assert "the test videos differ between seeds" in sweep["notes"][0]
    assert "split_seed=" in sweep["notes"][0]


def test_nothing_is_left_if_all_failed_and_one_run_has_no_deviation(tmp_path):
    sweep = summarise_sweep([Job({"seed": "1"}, None, "no")], resamples=20)
    assert np.isnan(sweep["rows"][0]["metrics"]["srocc"]["mean"])
    sweep = summarise_sweep([Job({"seed": "1"}, made(tmp_path, 1, 0.5))], resamples=20)
    found = sweep["rows"][0]["metrics"]["srocc"]
    assert np.isnan(found["std"])
    assert np.isnan(found["over_seeds"]).all()
    assert found["over_videos"][0] < found["mean"] < found["over_videos"][1]


def test_the_table_has_both_intervals(jobs):
    table = sweep_table(summarise_sweep(jobs, resamples=20))
    assert list(table["model"]) == ["good", "bad"]
    assert {"srocc", "srocc_std", "srocc_over_seeds_low", "srocc_over_videos_high"} <= set(table)
