"""Bootstrap resamples of all metrics at once, against loops over SciPy, side by side in one run.

All compute every metric with intervals on each resample. The loops draw indices, index MOS and
scores, and call spearmanr, kendalltau and pearsonr of scipy.stats one resample after the other:

- `fixed` keeps the logistic curve of all videos;
- `refit` calls `vqa.evaluation.metrics.score_all` on each resample, which fits the curve again.

`vqa.evaluation.uncertainty` lies between them: it refits the linearised curve
(`vqa.evaluation.metrics.on_counts.refit`).

The loops run fewer resamples and are scaled. Ours runs all of them, including the jackknife and the
BCa intervals. Run: OMP_NUM_THREADS=1 python benchmarks/bootstrap.py [--videos 7400] [--workers 1 2]
"""

import argparse
import statistics
import time

import numpy as np
from scipy import stats

from vqa.evaluation.metrics import cards, fit_logistic, score_all
from vqa.evaluation.uncertainty import bca_interval, on_counts, resample


def fixed_loop(mos, score, resamples):
    """Seconds per resample of SciPy's functions with a fixed curve."""
    rng = np.random.default_rng(0)
    mapped = fit_logistic(score, mos)(score)
    begin = time.perf_counter()
    for _ in range(resamples):
        some = rng.integers(0, len(mos), len(mos))
        y, x, z = mos[some], score[some], mapped[some]
        stats.spearmanr(y, x), stats.kendalltau(y, x), stats.pearsonr(y, x), stats.pearsonr(y, z)
        np.sqrt(np.mean((y - x) ** 2)), np.sqrt(np.mean((y - z) ** 2))
    return (time.perf_counter() - begin) / resamples


def refit_loop(mos, score, resamples):
    """Seconds per resample of `score_all`."""
    rng = np.random.default_rng(0)
    begin = time.perf_counter()
    for _ in range(resamples):
        some = rng.integers(0, len(mos), len(mos))
        score_all(mos[some], score[some], names=cards.rankable())
    return (time.perf_counter() - begin) / resamples


def ours(mos, score, resamples, workers):
    """Seconds per resample, including its share of everything else that an interval needs."""
    begin = time.perf_counter()
    statistic = on_counts(mos, score, *cards.rankable())
    bca_interval(resample(statistic, len(mos), resamples=resamples, workers=workers))
    return (time.perf_counter() - begin) / resamples


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, nargs="+", default=[240, 1200, 7400])
    parser.add_argument("--resamples", type=int, default=10_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for videos in options.videos:
        rng = np.random.default_rng(0)
        mos = np.round(rng.normal(3, 0.6, videos), 2)
        score = np.float64(np.float32(mos + rng.normal(0, 0.4, videos)))
        actions = {
            "loop, fixed": lambda m=mos, s=score: fixed_loop(m, s, 200),
            "loop, refit": lambda m=mos, s=score: refit_loop(m, s, 10),
        }
        for workers in options.workers:
            actions[f"ours, {workers} threads"] = lambda m=mos, s=score, w=workers: ours(
                m, s, options.resamples, w
            )
        times = {name: [] for name in actions}
        for _ in range(options.rounds):
            for name, action in actions.items():
                times[name].append(action())
        medians = {name: statistics.median(spent) for name, spent in times.items()}
        print(f"{videos} videos, {options.resamples} resamples, median of {options.rounds} rounds")
        for name, spent in medians.items():
            line = f"  {name:16s} {options.resamples * spent:9.2f} s"
            if name.startswith("ours"):
                fixed, refit = (medians[f"loop, {kind}"] / spent for kind in ("fixed", "refit"))
                line += f"   {fixed:6.1f} x fixed, {refit:7.1f} x refit"
            print(line, flush=True)


if __name__ == "__main__":
    main()
