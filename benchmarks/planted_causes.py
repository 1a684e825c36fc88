"""Does the most harmful group of statistics name the planted damage?

Every scene is judged undamaged and with one damage of each kind; strengths and, where a kind has
several, its functions change from scene to scene. The scenes are the ten photographs that
`cause_table.py` does not use and the first seconds of any real clips. `ugc` scores them, and
`vqa.commands.scoring.causes` tells the causes. The confusion table counts the most harmful kind;
`none` is a clip in which no kind pulls the score down by 0.05 or more.

Run: OMP_NUM_THREADS=1 python benchmarks/planted_causes.py [CLIP ...] [--keep FILE.npz]
"""

import argparse
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from planted_clips import PLANTED, filmed, photographs, real, statistics

import vqa
from vqa.commands.scoring.causes import causes
from vqa.features.nss.damages import KINDS
from vqa.features.nss.names import FAMILIES
from vqa.training.learners.vectors import vector_scores

STRENGTHS = (0.4, 0.55, 0.7, 0.85, 1.0)
HARMFUL = 0.05
SOURCE = SimpleNamespace(name="nss", families=FAMILIES)


def plan(place):
    """Return one damage of each kind for the scene at this place."""
    for kind, functions in PLANTED.items():
        yield kind, functions[place % len(functions)], STRENGTHS[place % len(STRENGTHS)]


def gathered(clips, keep):
    """Return names, kinds and statistics of all versions; `keep` stores them."""
    if keep and keep.is_file():
        stored = np.load(keep)
        return stored["names"].tolist(), stored["kinds"].tolist(), stored["feat"]
    scenes = {name: lambda one=one: filmed(one, "judge") for name, one in photographs(1).items()}
    scenes |= {clip.stem: lambda clip=clip: real(clip) for clip in clips}
    found = list(statistics(scenes, plan))
    names, kinds = [name for name, *_ in found], [kind for _, kind, *_ in found]
    features = np.array([row for *_, row in found])
    if keep:
        np.savez(keep, names=names, kinds=kinds, feat=features)
    return names, kinds, features


def named(told):
    """Return the most harmful kind, or `none`."""
    worst = min((one for one in told if one["kind"] in PLANTED), key=lambda one: one["effect"])
    return worst["kind"] if worst["effect"] <= -HARMFUL else "none"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--keep", type=Path, help="store the statistics, or read them if it exists")
    parser.add_argument("--texts", action="store_true", help="print what is told of each clip")
    options = parser.parse_args()
    names, kinds, features = gathered(options.clips, options.keep)
    models = vqa.load("ugc", device="cpu")._models
    ((learner, curve),) = models
    counts, changes, apart = Counter(), {}, []
    clean = None
    for name, kind, row in zip(names, kinds, features, strict=True):
        vector = torch.from_numpy(row).float()[None]
        score = float(curve(vector_scores(learner, vector))[0])
        clean = score if kind == "none" else clean
        told, _ = causes(models, vector, [SOURCE])
        counts[kind, named(told)] += 1
        changes.setdefault(kind, []).append(score - clean)
        apart += [score - one["removed"] - one["effect"] for one in told]
        if options.texts:
            print(f"{name}: {score:.2f} ({score - clean:+.2f})")
            print(*(f"  {one['text']}" for one in told), sep="\n")
    columns = (*KINDS[:4], "none")
    print(f"{'planted':10s}", *(f"{column:>10s}" for column in columns), "  mean change")
    for kind in ("none", *PLANTED):
        cells = (f"{counts[kind, column]:10d}" for column in columns)
        print(f"{kind:10s}", *cells, f"  {np.mean(changes[kind]):+.2f}")
    print(f"change on removal less effect: {np.abs(apart).mean():.3f} on average")


if __name__ == "__main__":
    main()
