"""Does the most harmful group of statistics name the planted damage?

Every scene is judged undamaged and with one damage of each kind; strengths and, where a kind has
several, its functions change from scene to scene. The scenes are the ten photographs that
`cause_table.py` does not use and the first seconds of any real clips. `ugc` scores them, and
`vqa.commands.scoring.causes` tells the causes. A confusion table counts what it names; another one
names the most harmful group even if the picture stands still. `none` is a clip in which no kind
pulls the score down by 0.02 or more.

Run: OMP_NUM_THREADS=1 python benchmarks/planted_causes.py [CLIP ...] [--keep FILE.npz]
"""

import argparse
from collections import Counter
from dataclasses import astuple
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from planted_clips import PLANTED, filmed, photographs, real, statistics

import vqa
from vqa.commands.scoring.causes import causes, named
from vqa.features.nss.damages import KINDS
from vqa.features.nss.names import FAMILIES
from vqa.training.learners.vectors import vector_scores
from vqa.video.plain_facts import PlainFacts

STRENGTHS = (0.4, 0.55, 0.7, 0.85, 1.0)
SOURCE = SimpleNamespace(name="nss", families=FAMILIES)


def plan(place):
    """Return one damage of each kind for the scene at this place."""
    for kind, functions in PLANTED.items():
        yield kind, functions[place % len(functions)], STRENGTHS[place % len(STRENGTHS)]


def gathered(clips, keep):
    """Return names, kinds, statistics and facts of all versions; `keep` stores them."""
    if not (keep and keep.is_file()):
        scenes = {
            name: lambda one=one: filmed(one, "judge") for name, one in photographs(1).items()
        }
        scenes |= {clip.stem: lambda clip=clip: real(clip) for clip in clips}
        names, kinds, features, facts = zip(*statistics(scenes, plan), strict=True)
        if keep is None:
            return names, kinds, np.array(features), facts
        np.savez(keep, names=names, kinds=kinds, feat=features, facts=[astuple(f) for f in facts])
    stored = np.load(keep)
    names, kinds = stored["names"].tolist(), stored["kinds"].tolist()
    return names, kinds, stored["feat"], [PlainFacts(*pair) for pair in stored["facts"].tolist()]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--keep", type=Path, help="store the statistics, or read them if it exists")
    parser.add_argument("--texts", action="store_true", help="print what is told of each clip")
    options = parser.parse_args()
    models = vqa.load("ugc", device="cpu")._models
    ((learner, curve),) = models
    rules = {"named": Counter(), "most harmful group": Counter()}
    changes, apart, clean = {}, [], None
    for name, kind, row, facts in zip(*gathered(options.clips, options.keep), strict=True):
        vector = torch.from_numpy(row).float()[None]
        score = float(curve(vector_scores(learner, vector))[0])
        clean = score if kind == "none" else clean
        told, main, remarks = causes(models, vector, [SOURCE], facts)
        rules["named"][kind, main["kind"] or "none"] += 1
        rules["most harmful group"][kind, named(told) or "none"] += 1
        changes.setdefault(kind, []).append(score - clean)
        apart += [score - one["removed"] - one["effect"] for one in told]
        if options.texts:
            print(f"{name}: {score:.2f} ({score - clean:+.2f}), {main['text']}")
            print(*(f"  {text}" for text in [*remarks, *(one["text"] for one in told)]), sep="\n")
    columns = (*KINDS[:4], "none")
    for rule, counts in rules.items():
        print(f"{rule}\n{'planted':10s}", *(f"{column:>10s}" for column in columns), "  change")
        for kind in ("none", *PLANTED):
            cells = (f"{counts[kind, column]:10d}" for column in columns)
            print(f"{kind:10s}", *cells, f"  {np.mean(changes[kind]):+.2f}")
    print(f"change on removal less effect: {np.abs(apart).mean():.3f} on average")


if __name__ == "__main__":
    main()
