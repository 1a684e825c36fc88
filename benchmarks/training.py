"""Training on features, whole epochs with their loading: this project against the releases' loop.

Both train GSTVQA or VSFA on the same made features. `release_loops.py` says what the releases do;
`--release FOLDER` (a checkout of the authors' repository) first compares a step of that loop with a
step of the authors' own network. Each side's epochs take turns; the ratio is of the medians.
`--memory` runs each side in a process of its own instead and prints its peak. On a CPU with one
thread the seconds are the processor's, which other processes disturb less.
Run: python benchmarks/training.py [--kind vsfa] [--threads 1] [--device cuda] [--release FOLDER]
"""

import argparse
import functools
import logging
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from release_loops import BATCHES, DIMS, KINDS, Released, ReleasedData, authors_network
from torch import Tensor

from vqa.commands.building import build
from vqa.commands.configuration import compose, resolved
from vqa.databases.records import Database, VideoRecord
from vqa.protocols.splits import Split
from vqa.training.datamodule import VQADataModule
from vqa.training.views import FeatureSequence, Views

clock = time.perf_counter


class Made(FeatureSequence):
    """Random features of videos, by id."""

    def __init__(self, features: dict[str, Tensor], memory_gb: float = 64.0) -> None:
        super().__init__([], memory_gb)
        self.features = features

    def read(self, video: VideoRecord) -> Tensor:
        return self.features[video.id]


class Clock(pl.Callback):
    """Seconds of each epoch of a training."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.started = clock()

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if module.device.type == "cuda":
            torch.cuda.synchronize()
        self.seconds.append(clock() - self.started)


class Ours:
    """This project's training, as `vqa train` composes it.

    Args:
        kind: `gstvqa` or `vsfa`.
        features: Of each video, (T, D).
        targets: Labels.
        device: `cpu` or `cuda`.
        overrides: More settings of `vqa train`.
    """

    def __init__(
        self, kind: str, features: list[Tensor], targets: np.ndarray, device: str, *overrides: str
    ) -> None:
        ids = [f"v{place}" for place in range(len(features))]
        videos = [
            VideoRecord(name, Path("absent"), 1 + 4 * float(mos))
            for name, mos in zip(ids, targets, strict=True)
        ]
        split = Split("split0", ids, [], [], group_by="video", seed=0)
        views = Views({"features": Made(dict(zip(ids, features, strict=True)))})
        self.data = VQADataModule(
            Database("made", (1.0, 5.0), tuple(videos)), split, views, batch_size=BATCHES[kind]
        )
        accelerator = "gpu" if device == "cuda" else "cpu"
        settings = [
            f"model={kind}", f"trainer.accelerator={accelerator}", "model.selection=last",
            "protocol.val_fraction=0", "model.checkpoint_every=1000", "model.standardise=false",
            *overrides,
        ]  # fmt: skip
        self.config = resolved(compose("train", settings))["model"]

    def epochs(self, count: int) -> list[float]:
        """Train anew for some epochs; return the seconds of each."""
        watch = Clock()
        learner = build(self.config)
        learner.trainer = functools.partial(_trainer, learner.trainer, watch, count)
        with tempfile.TemporaryDirectory() as folder:
            learner.fit(self.data, Path(folder))
        self.learner = learner
        return watch.seconds

    def scores(self) -> list[float]:
        """Score all videos."""
        return [row.score for row in self.learner.predict(self.data, self.data.train)]


def _trainer(make, watch: Clock, epochs: int, callbacks: list, **options) -> pl.Trainer:
    return make(callbacks=[*callbacks, watch], **(options | {"max_epochs": epochs}))


def made(kind: str, videos: int, frames: int) -> tuple[list[Tensor], np.ndarray]:
    """Make features of videos of like length, which differ by up to a tenth, and their labels."""
    drawn = np.random.default_rng(0)
    features = [
        torch.from_numpy(drawn.random((frames - place % (frames // 10), DIMS[kind]), np.float32))
        for place in range(videos)
    ]
    return features, drawn.random(videos)


def same_step(kind: str, folder: Path, data: ReleasedData, device: torch.device) -> None:
    """Print the time of a step of the authors' network over that of the loop written anew."""
    sides = {
        "authors": Released(kind, device, authors_network(kind, folder)),
        "anew": Released(kind, device),
    }
    batch = next(iter(torch.utils.data.DataLoader(data, batch_size=BATCHES[kind])))
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(6):
        for name, side in sides.items():
            started = clock()
            side.step(batch)
            if turn:
                spent[name].append(clock() - started)
    seconds = {name: statistics.median(one) for name, one in spent.items()}
    print(
        f"  a step: the authors' network {seconds['authors']:.3f} s, the loop written anew "
        f"{seconds['anew']:.3f} s, ratio {seconds['authors'] / seconds['anew']:.2f}",
        flush=True,
    )


def compare(
    kind: str,
    device: str = "cpu",
    videos: int = 256,
    frames: int = 240,
    rounds: int = 5,
    overrides: tuple[str, ...] = (),
    release: Path | None = None,
) -> None:
    """Print epochs of both sides, and predictions, in videos per second."""
    features, targets = made(kind, videos, frames)
    data = ReleasedData(features, targets, kind == "gstvqa")
    if release is not None:
        same_step(kind, release, data, torch.device(device))
    released = Released(kind, torch.device(device))
    ours = Ours(kind, features, targets, device, *overrides)
    theirs_s, ours_s, predicted = [], [], {"release": [], "vqa": []}
    for turn in range(rounds + 1):
        torch.use_deterministic_algorithms(False)  # the releases do not; ours sets it
        started = clock()
        released.epoch(data)
        spent = clock() - started
        own = ours.epochs(2)[1:]  # the first of a training reads and gathers
        if turn:
            theirs_s.append(spent)
            ours_s += own
    for _ in range(3):
        torch.use_deterministic_algorithms(False)
        for name, run in (("release", lambda: list(released.scores(data))), ("vqa", ours.scores)):
            started = clock()
            run()
            predicted[name].append(clock() - started)
    for what, theirs, own in (
        ("an epoch", theirs_s, ours_s),
        ("prediction", predicted["release"], predicted["vqa"]),
    ):
        first, second = statistics.median(theirs), statistics.median(own)
        print(
            f"  {kind}, {what}: release {videos / first:.1f} videos/s, vqa "
            f"{videos / second:.1f} videos/s, {first / second:.2f} times as fast "
            f"({first:.3f} s, {second:.3f} s; {min(own):.3f} to {max(own):.3f})",
            flush=True,
        )


def peak(kind: str, side: str, device: str, videos: int, frames: int) -> None:
    """Print what a training of one side adds to the process's memory, without the features' file.

    The features come from a file, as they would from a cache.
    """
    features, targets = made(kind, videos, frames)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "features.pt"
        torch.save(features, path)
        del features
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        loaded = torch.load(path, mmap=True)
        if side == "release":
            Released(kind, torch.device(device)).epoch(
                ReleasedData(loaded, targets, kind == "gstvqa")
            )
        else:
            Ours(kind, loaded, targets, device).epochs(2)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{max(after - before, 0) / 1024:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=KINDS, nargs="+", default=KINDS)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--videos", type=int, default=256)
    parser.add_argument("--frames", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--release", type=Path)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--peak", choices=("release", "vqa"), help=argparse.SUPPRESS)
    parser.add_argument("overrides", nargs="*", help="settings of vqa train for our side")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    torch.set_num_threads(options.threads)
    if options.device == "cpu" and options.threads == 1:
        global clock
        clock = time.process_time
    size = options.videos, options.frames
    if options.peak:
        peak(options.kind[0], options.peak, options.device, *size)
        return
    print(f"{options.device}, threads {options.threads}, torch {torch.__version__}")
    for kind in options.kind:
        if not options.memory:
            compare(
                kind, options.device, *size, options.rounds, tuple(options.overrides),
                options.release,
            )  # fmt: skip
            continue
        for side in ("release", "vqa"):
            command = [
                sys.executable, __file__, "--kind", kind, "--peak", side,
                "--device", options.device, "--videos", str(size[0]), "--frames", str(size[1]),
            ]  # fmt: skip
            done = subprocess.run(
                command, capture_output=True, text=True, encoding="utf-8", check=True
            )
            print(f"  {kind}, {side}: {done.stdout.split()[-1]} MiB above the start", flush=True)


if __name__ == "__main__":
    main()
