"""Compare the time of the SVR protocol with that of a plain scikit-learn loop, split by split.

Both follow the published protocol: MinMaxScaler on the inner training part, 10 x 10 candidates of C
and gamma, each judged by the error after a logistic fit, and a fit to the whole training part.

- `plain` fits a new SVR(kernel="rbf") and calls scipy's curve_fit for each candidate.
- `ours` is `vqa.models.svr.fit_svr`, with one thread and with several.

Features and MOS are synthetic: skewed features that are noisy mixtures of a few hidden factors, and
MOS with the mean and spread of KoNViD-1k. The load of the machine changes during a run, so the
median ratio over the splits is reported too, and CPU seconds alongside wall-clock seconds.

Run: OMP_NUM_THREADS=1 python benchmarks/svr.py [--splits 5] [--features 60] [--workers 2]
"""

import argparse
import statistics
import time
import warnings

import numpy as np
from scipy.optimize import OptimizeWarning, curve_fit
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVR

from vqa.evaluation.metrics import logistic4, score_all
from vqa.evaluation.metrics.cards import table
from vqa.models.svr import GRID_C, GRID_GAMMA, fit_svr
from vqa.protocols.row_splits import videval_splits


def planted(videos, features, factors=12, seed=0):
    """Return synthetic features (videos, features) and MOS."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(videos, factors))
    mixed = hidden @ rng.normal(size=(factors, features)) / np.sqrt(factors)
    noisy = mixed + 0.4 * rng.normal(size=mixed.shape)
    skewed = np.where(np.arange(features) % 2, np.exp(0.5 * noisy), noisy)
    quality = hidden[:, :4].sum(axis=1) / 2 + np.tanh(hidden[:, 4] * hidden[:, 5])
    mos = quality + 0.7 * rng.normal(size=videos)
    return skewed, 3 + 0.64 * mos / mos.std()


def plain(features, mos, split):
    """Score the test part with scikit-learn and scipy only."""
    scaler = MinMaxScaler().fit(features[split.train])
    train, val = scaler.transform(features[split.train]), scaler.transform(features[split.val])
    target = mos[split.val]
    best = (np.inf, None, None)
    for c in GRID_C:
        for gamma in GRID_GAMMA:
            score = SVR(C=c, gamma=gamma).fit(train, mos[split.train]).predict(val)
            start = [target.max(), target.min(), score.mean(), 0.5]
            with warnings.catch_warnings():
                # Warns about the covariance, which is not used.
                warnings.simplefilter("ignore", OptimizeWarning)
                betas, _ = curve_fit(logistic4, score, target, p0=start, maxfev=10**8)
            error = np.sqrt(np.mean((target - logistic4(score, *betas)) ** 2))
            if error < best[0]:
                best = (error, c, gamma)
    scaler = MinMaxScaler().fit(features[split.whole])
    model = SVR(C=best[1], gamma=best[2])
    model.fit(scaler.transform(features[split.whole]), mos[split.whole])
    return model.predict(scaler.transform(features[split.test]))


def ours(features, mos, split, workers):
    """Score the test part with `fit_svr`."""
    place = {row: number for number, row in enumerate(split.whole)}
    train, val = ([place[row] for row in rows] for rows in (split.train, split.val))
    fitted = fit_svr(features[split.whole], mos[split.whole], train, val, workers=workers)
    return fitted.predict(features[split.test])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=1200)
    parser.add_argument("--features", type=int, default=60)
    parser.add_argument("--splits", type=int, default=100)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    features, mos = planted(options.videos, options.features)
    actions = {"plain": lambda split: plain(features, mos, split)}
    for workers in options.workers:
        actions[f"ours {workers}"] = lambda split, w=workers: ours(features, mos, split, w)
    clock, processor, values = ({name: [] for name in actions} for _ in range(3))
    for number, split in enumerate(videval_splits(options.videos, options.splits), start=1):
        for name, action in actions.items():
            begin, began = time.perf_counter(), time.process_time()
            score = action(split)
            clock[name].append(time.perf_counter() - begin)
            processor[name].append(time.process_time() - began)
            result = score_all(mos[split.test], score, names=table())
            values[name].append([result[metric] for metric in table()])
        times = [f"{name} {clock[name][-1]:6.2f} s" for name in actions]
        print(f"split {number:3d}", *times, sep="   ", flush=True)
    print(f"{options.videos} x {options.features}, {options.splits} splits; medians of", *table())
    for name in actions:
        medians = " ".join(f"{value:.6f}" for value in np.median(values[name], axis=0))
        print(f"{name:8s} {medians}")
    for name in actions:
        by_split = [a / b for a, b in zip(clock["plain"], clock[name], strict=True)]
        print(
            f"{name:8s} {sum(clock[name]):8.1f} s, {sum(processor[name]):8.1f} CPU s; plain takes "
            f"{sum(clock['plain']) / sum(clock[name]):5.1f} times as long "
            f"({sum(processor['plain']) / sum(processor[name]):.1f} times the CPU time), "
            f"median over splits {statistics.median(by_split):.1f}"
        )


if __name__ == "__main__":
    main()
