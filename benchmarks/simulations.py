"""Coverage of the 95 % intervals and false alarms of each test at 5 %, by simulation.

Data sets are simulated with a known truth, one per seed 0, 1, 2, ... A share p of D data sets has a
standard error of sqrt(p (1 - p) / D): 0.5 % for 95 % of 2000.
Run: OMP_NUM_THREADS=1 python benchmarks/simulations.py [--datasets 2000]
"""

import argparse
import math

import numpy as np
import pandas as pd
from scipy import stats

from vqa.evaluation import metrics
from vqa.evaluation.uncertainty import (
    bca_interval,
    corrected_resampled_t,
    f_test,
    fisher_z,
    on_counts,
    over_splits,
    percentile_interval,
    resample,
    significance_matrix,
)

COVERED = ("srocc", "krocc", "plcc_raw", "rmse")
RESAMPLES = 1000
ALPHA = 0.05


def gaussian(rng, videos, correlation=0.8):
    """MOS and scores of a bivariate normal distribution."""
    mos, noise = rng.standard_normal((2, videos))
    return mos, correlation * mos + math.sqrt(1 - correlation**2) * noise


def truths(correlation=0.8):
    """Values of the metrics on infinitely many videos of `gaussian`."""
    return {
        "srocc": 6 / math.pi * math.asin(correlation / 2),
        "krocc": 2 / math.pi * math.asin(correlation),
        "plcc_raw": correlation,
        "rmse": math.sqrt(1 - correlation**2),
    }


def coverage(videos, datasets, names=COVERED):
    """Share of intervals that cover the truth, `{"BCa": {metric: share}, "percentile": ...}`."""
    truth = np.array([truths()[name] for name in names])
    hits = {"BCa": np.zeros(len(names)), "percentile": np.zeros(len(names))}
    for seed in range(datasets):
        mos, score = gaussian(np.random.default_rng(seed), videos)
        drawn = resample(on_counts(mos, score, *names), videos, resamples=RESAMPLES, seed=seed)
        for kind, interval in (("BCa", bca_interval), ("percentile", percentile_interval)):
            low, high = interval(drawn).T
            hits[kind] += (low <= truth) & (truth <= high)
    return {
        kind: dict(zip(names, (found / datasets).tolist(), strict=True))
        for kind, found in hits.items()
    }


def rivals(rng, videos):
    """MOS and scores of two equally good models with correlated errors."""
    mos, shared, first, second = rng.standard_normal((4, videos))
    return mos, mos + 0.5 * shared + 0.5 * first, mos + 0.5 * shared + 0.5 * second


def matrix_p(tables, metric, seed):
    """The p of `significance_matrix` on two models."""
    models = dict(zip("ab", tables, strict=True))
    return significance_matrix(models, metric, resamples=RESAMPLES, seed=seed).p_alone[0, 1]


def paired_alarm(seed, metric="srocc", videos=117):
    """One p of `significance_matrix` on two equally good models and one set of videos."""
    mos, *scores = rivals(np.random.default_rng(seed), videos)
    rows = {"split": "all", "video": range(videos), "mos": mos}
    return matrix_p([pd.DataFrame({**rows, "score": score}) for score in scores], metric, seed)


def split_rivals(seed, videos=240, splits=10):
    """Two equally good models on random splits, each testing a fifth of the videos: two tables.

    The error of a model on a video has one part for all splits and one part for each retraining.
    """
    rng = np.random.default_rng(seed)
    mos, *scores = rivals(rng, videos)
    tables = [], []
    for split in range(splits):
        tested = rng.permutation(videos)[: videos // 5]
        for table, score in zip(tables, scores, strict=True):
            retrained = score[tested] + 0.3 * rng.standard_normal(len(tested))
            rows = {"split": split, "video": tested, "mos": mos[tested], "score": retrained}
            table.append(pd.DataFrame(rows))
    return [pd.concat(parts) for parts in tables]


def splits_alarm(seed):
    """One p of `significance_matrix` over splits."""
    return matrix_p(split_rivals(seed), "srocc", seed)


def splits_coverage(datasets, combine):
    """Share of intervals of the median (or mean) SROCC over splits that cover its expectation.

    The expectation is estimated on as many other data sets.
    """
    central = {"median": np.median, "mean": np.mean}[combine]
    expected = np.mean(
        [
            central([metrics.srocc(part["mos"], part["score"]) for _, part in parts])
            for parts in (split_rivals(datasets + k)[0].groupby("split") for k in range(datasets))
        ]
    )
    hits = {"BCa": 0, "percentile": 0}
    for seed in range(datasets):
        members = [
            (part["video"], on_counts(part["mos"], part["score"], "srocc"))
            for _, part in split_rivals(seed)[0].groupby("split")
        ]
        drawn = resample(over_splits(members, combine), 240, resamples=RESAMPLES, seed=seed)
        for name, interval in (("BCa", bca_interval), ("percentile", percentile_interval)):
            low, high = interval(drawn)[0]
            hits[name] += low <= expected <= high
    return {name: found / datasets for name, found in hits.items()}


def ridge_differences(seed, videos=240, splits=10, features=15):
    """SROCC differences of two ridge regressors, trained and tested on overlapping 80/20 splits.

    Each uses its own half of the features; the halves are exchangeable, so neither is better.
    """
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((2, videos, features))
    mos = values.sum(axis=(0, 2)) / math.sqrt(2 * features) + 0.5 * rng.standard_normal(videos)
    train = 4 * videos // 5
    found = []
    for _ in range(splits):
        order = rng.permutation(videos)
        fitted, tested = order[:train], order[train:]
        level = mos[fitted].mean()
        scores = []
        for half in values:
            gram = half[fitted].T @ half[fitted] + np.eye(features)
            weights = np.linalg.solve(gram, half[fitted].T @ (mos[fitted] - level))
            scores.append(metrics.srocc(mos[tested], half[tested] @ weights))
        found.append(scores[0] - scores[1])
    return np.array(found), train, videos - train


def corrected_t_alarm(seed):
    """One p of `corrected_resampled_t`."""
    return corrected_resampled_t(*ridge_differences(seed)).p


def plain_t_alarm(seed):
    """One p of the ordinary t test on the same splits."""
    return stats.ttest_1samp(ridge_differences(seed)[0], 0).pvalue


def fisher_alarm(seed, kind="pearson", videos=(117, 240)):
    """One p of `fisher_z` on two independent sets with the same true correlation."""
    rng = np.random.default_rng(seed)
    metric = metrics.plcc_raw if kind == "pearson" else metrics.srocc
    first, second = (metric(*gaussian(rng, n)) for n in videos)
    return fisher_z(first, videos[0], second, videos[1], kind=kind).p


def f_alarm(seed, videos=(117, 240)):
    """One p of `f_test` on two independent sets with the same true error."""
    rng = np.random.default_rng(seed)
    first, second = (metrics.rmse(*gaussian(rng, n)) for n in videos)
    return f_test(first, videos[0], second, videos[1]).p


def f_alarm_same_videos(seed, videos=117):
    """One p of `f_test` on two models and the same videos, for which it is not meant."""
    mos, first, second = rivals(np.random.default_rng(seed), videos)
    return f_test(metrics.rmse(mos, first), videos, metrics.rmse(mos, second), videos).p


def false_alarms(alarm, datasets, **options):
    """Share of data sets without a difference on which a test reports one."""
    return float(np.mean([alarm(seed, **options) < ALPHA for seed in range(datasets)]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=2000)
    datasets = parser.parse_args().datasets
    print(f"seeds 0..{datasets - 1}, {RESAMPLES} resamples; coverage of 95 % intervals, in %")
    print(f"{'videos':>6s}  {'interval':10s}" + "".join(f"{name:>10s}" for name in COVERED))
    for videos in (30, 60, 117, 240):
        for name, shares in coverage(videos, datasets).items():
            cells = "".join(f"{100 * share:10.1f}" for share in shares.values())
            print(f"{videos:6d}  {name:10s}{cells}", flush=True)
    print("\nSROCC over 10 splits of 48 of 240 videos: coverage of 95 % intervals, in %")
    for combine in ("median", "mean"):
        for name, share in splits_coverage(datasets // 2, combine).items():
            print(f"{combine:6s}  {name:10s}{100 * share:10.1f}", flush=True)
    print("\nfalse alarms at 5 %, in %")
    for name, alarm, options in (
        ("paired bootstrap, srocc, 117 videos", paired_alarm, {}),
        ("paired bootstrap, rmse, 117 videos", paired_alarm, {"metric": "rmse"}),
        ("paired bootstrap, srocc, mean of 10 splits of 48 of 240", splits_alarm, {}),
        ("corrected_resampled_t, ridge, 10 splits of 240", corrected_t_alarm, {}),
        ("   ordinary t test on the same", plain_t_alarm, {}),
        ("fisher_z, pearson, 117 against 240", fisher_alarm, {}),
        ("fisher_z, spearman, 117 against 240", fisher_alarm, {"kind": "spearman"}),
        ("f_test, 117 against 240 videos", f_alarm, {}),
        ("   f_test on the same 117 videos", f_alarm_same_videos, {}),
    ):
        share = false_alarms(alarm, datasets, **options)
        print(f"{100 * share:6.1f}  {name}", flush=True)


if __name__ == "__main__":
    main()
