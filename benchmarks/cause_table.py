"""Make `vqa/features/nss/damages.safetensors`: what planted damages do to the statistics.

Ten photographs of the demo are filmed and damaged at two strengths. The change of each statistic
from its undamaged scene is taken on the rank-Gaussian scale of the training videos of `ugc`, whose
deviation is 1, and averaged over the scenes. The covariance is that of the training videos on the
same scale, from the matrices that `benchmarks/ugc.py` reads, with RIDGE on its diagonal.

Run: OMP_NUM_THREADS=1 python benchmarks/cause_table.py MATRICES [--keep FILE.npz]
"""

import argparse
from pathlib import Path

import numpy as np
from planted_clips import PLANTED, filmed, photographs, statistics

import vqa
from vqa.features.nss.damages import FILE, LIMIT, Damages
from vqa.models.scalings import mapped
from vqa.training.learners.vectors import training_quantiles

STRENGTHS = (0.35, 0.75)
RIDGE = 0.3
MATRICES = ("youtube_ugc_nss.npy", "konvid_nss.npy")


def plan(place):
    """Return all kinds of damage at all strengths."""
    for kind, functions in PLANTED.items():
        for function in functions:
            for strength in STRENGTHS:
                yield kind, function, strength


def scaled(features):
    """Map statistics (N, D) by the quantiles of the training videos of `ugc`."""
    (learner,) = vqa.load("ugc", device="cpu")._learners
    known = np.where(np.abs(features) <= LIMIT, features, np.nan)
    return mapped(known, training_quantiles(learner))


def damages_of(kinds, features, covariance):
    """Return the damages; versions of a scene follow the undamaged one, always in the same order.

    Args:
        kinds: Of the versions (N).
        features: (N, D) scaled statistics.
        covariance: (D, D) of rated videos.
    """
    each = next(place for place, kind in enumerate(kinds[1:], 1) if kind == "none")
    scenes = features.reshape(-1, each, features.shape[1])
    changes = (scenes[:, 1:] - scenes[:, :1]).mean(0)
    filters = np.linalg.solve(covariance + RIDGE * np.eye(len(covariance)), changes.T).T
    return Damages(tuple(kinds[1:each]), changes, filters)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("matrices", type=Path, help="folder of the training videos' statistics")
    parser.add_argument("--keep", type=Path, help="store the statistics, or read them if it exists")
    options = parser.parse_args()
    if options.keep and options.keep.is_file():
        stored = np.load(options.keep)
        kinds, features = stored["kinds"].tolist(), stored["feat"]
    else:
        scenes = {
            name: lambda one=one: filmed(one, "table") for name, one in photographs(0).items()
        }
        found = list(statistics(scenes, plan))
        kinds = [kind for _, kind, *_ in found]
        features = np.array([row for _, _, row, _ in found])
        if options.keep:
            np.savez(options.keep, kinds=kinds, feat=features)
    rated = scaled(np.concatenate([np.load(options.matrices / name) for name in MATRICES]))
    found = damages_of(kinds, scaled(features), np.cov(rated.T))
    found.save(FILE)
    print(f"{FILE.name}: {len(found.kinds)} damages of {features.shape[1]} statistics")


if __name__ == "__main__":
    main()
