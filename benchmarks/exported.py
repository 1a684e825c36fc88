"""Exported models beside their learners: differences, sizes, and milliseconds on one core.

    python -m benchmarks.exported [--fastvqa] [--repeats 15]

Weights are random where none are embedded: neither size nor time depends on them. Times are
medians; the three programs take turns in one process, on one thread.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from vqa.commands.experiment import Experiment
from vqa.commands.exporting import checking, formats
from vqa.models.fastvqa import FastVQA
from vqa.models.gstvqa import GSTVQA
from vqa.models.mdtvsfa import MDTVSFA
from vqa.models.svr import fit_svr
from vqa.models.vsfa import VSFA
from vqa.runs.opening import load_run
from vqa.training.exported.networks import Exported, OfVector, member_of
from vqa.training.learners.neural import NeuralLearner
from vqa.training.learners.scoring import ScoringNetwork
from vqa.training.learners.svr import SVRLearner

LENGTHS = (29, 240, 1000)
OUTPUTS = ("score", "raw", "quality")


def neural(network, dim):
    learner = NeuralLearner(None, None, None, None)
    learner.module = ScoringNetwork(network, input_dim=dim, mos_scale=1.0).eval()
    return learner


def regression(dim=2048, videos=1000):
    rng = np.random.default_rng(0)
    learner = SVRLearner()
    learner.fitted = fit_svr(
        rng.normal(size=(videos, dim)).astype(np.float32), rng.uniform(1, 5, videos),
        np.arange(videos - 200), np.arange(videos - 200, videos), C=[1.0], gamma=[1e-3],
    )  # fmt: skip
    return learner


def embedded():
    run = load_run("ugc")
    experiment = Experiment.of_run(run, data={"name": "files"}, paths={}, device="cpu")
    return experiment.learned(run, run.parts()[0])


def cases():
    torch.manual_seed(0)
    yield "gstvqa", neural(GSTVQA(2944), 2944), 2944
    yield "vsfa", neural(VSFA(4096), 4096), 4096
    yield "vsfa, lstm", neural(VSFA(4096, rnn="lstm"), 4096), 4096
    yield "mdtvsfa", neural(MDTVSFA(4096, databases=["konvid"]), 4096), 4096
    yield "svr, 1000 x 2048", regression(), 2048
    yield "ugc", embedded(), 1836


def milliseconds(programs, repeats):
    taken = {name: [] for name in programs}
    for _ in range(repeats):
        for name, program in programs.items():
            start = time.perf_counter()
            program()
            taken[name].append(1000 * (time.perf_counter() - start))
    return {name: float(np.median(times)) for name, times in taken.items()}


def written(module, kind, folder, example, axis, name):
    path = folder / f"model{formats.SUFFIXES[kind]}"
    formats.write(module, path, kind, example, {0: (axis, 1)}, (name, OUTPUTS))
    return path, formats.opened(path, kind)


def measure(name, learner, inputs, example, axis, source, repeats):
    module = Exported([member_of(learner, name)], [None]).eval()
    with tempfile.TemporaryDirectory() as place:
        files = {
            kind: written(module, kind, Path(place), example, axis, source)
            for kind in (formats.ONNX, formats.TORCH)
        }
        sizes = {kind: path.stat().st_size / 1e6 for kind, (path, _) in files.items()}
        for x in inputs:
            apart = {
                kind: max(checking.check_model(run, [(learner, None)], iter([x]), axis).values())
                for kind, (_, run) in files.items()
            }
            programs = {"learner": lambda x=x: checking._by_learner(learner, x, axis)}
            for kind, (_, run) in files.items():
                programs[kind] = lambda x=x, run=run: run(x)
            took = milliseconds(programs, repeats)
            print(
                f"| {name} | {len(x):,} {axis} | {apart['onnx']:.1e} | {apart['torch']:.1e} "
                f"| {sizes['onnx']:.1f} | {sizes['torch']:.1f} "
                f"| {took['learner']:.1f} | {took['onnx']:.1f} | {took['torch']:.1f} |",
                flush=True,
            )


def main():
    given = argparse.ArgumentParser()
    given.add_argument("--repeats", type=int, default=15)
    given.add_argument("--fastvqa", action="store_true")
    given = given.parse_args()
    torch.set_num_threads(1)
    print(
        "| Model | Input | ONNX differs | torch.export differs | ONNX, MB | torch.export, MB ",
        end="",
    )
    print("| vqa, ms | ONNX Runtime, ms | torch.export, ms |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    rng = np.random.default_rng(0)
    for name, learner, dim in cases():
        axis = "moments" if isinstance(member_of(learner, name), OfVector) else "frames"
        inputs = [rng.random((length, dim), dtype=np.float32) for length in LENGTHS]
        measure(name, learner, inputs, torch.rand(50, dim), axis, "features", given.repeats)
    if given.fastvqa:
        shape = (32, 224, 224, 3)
        inputs = list(checking.fragments(shape))
        example = torch.zeros(2, *shape, dtype=torch.uint8)
        learner = neural(FastVQA(), None)
        measure("fastvqa", learner, inputs, example, "clips", "fragments", 3)


if __name__ == "__main__":
    main()
