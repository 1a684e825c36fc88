"""Training rates of the networks that train end to end: FAST-VQA and CLiF-VQA.

Each row is a training as the recipe has it: the module's own step with its loss, stochastic depth
and dropout, AdamW in two groups, deterministic algorithms. Random clips come from a DataLoader with
processes and pinned memory. A row gives samples per second, the share of the time in which the step
waits for the loader, and the share of two rates of multiplication: the card's dense bfloat16 peak,
and products of large matrices in the row's precision as measured here. The operations of a step are
counted by `torch.utils.flop_counter`. With COMPILE=1 in the environment the smaller batch is also
compiled, on a GPU; that takes 90 s and is timed apart. Weights are random, because speed does not
depend on them. A batch that does not fit the device is named.
Run: python benchmarks/gpu_networks.py [--parts fastvqa clifvqa] [--tiny --device cpu]
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from gpu_timing import MIB, Bench, run_parts
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode

from vqa.models.clifvqa import CLiFVQA
from vqa.models.fastvqa import FastVQA
from vqa.models.losses import monotone_linear_loss, plcc_rank_loss
from vqa.models.swin3d import FragmentSwin
from vqa.training.learners.module import ScoreModule

DENSE_BFLOAT16 = {"H100": 989e12, "H200": 989e12, "A100": 312e12}  # operations per second
STEPS = 8  # timed ones of each row, after two others
SEMANTIC = (32, 106)  # steps and features of CLiF-VQA's semantic sequence
TINY_SWIN = {
    "embed_dim": 8, "depths": (1, 1), "num_heads": (1, 2), "window_size": (2, 4, 4),
    "gated_stages": 1,
}  # fmt: skip
TINY_CHANNELS = 16  # of the map of the tiny Swin
KINDS = (("float32", False), ("bf16", False), ("bf16", True))


@dataclass(frozen=True)
class Rate:
    """A row of the table.

    Attributes:
        name: Network, batch, precision.
        samples_s: Samples per second.
        waiting: Share of the time in which the step waits for a batch.
        flops: Operations per second.
        of_peak: Share of the card's dense bfloat16 peak; None for another card.
        of_products: Share of the measured rate of large matrix products.
        peak_mib: Peak memory of the device; None on the CPU.
        first_s: Seconds of the first step, which compiles; None without compiling.
    """

    name: str
    samples_s: float
    waiting: float
    flops: float
    of_peak: float | None
    of_products: float
    peak_mib: float | None
    first_s: float | None

    def __str__(self) -> str:
        text = f"{self.name:36} {self.samples_s:8.1f} samples/s, waiting {self.waiting:.0%}"
        text += f", {self.flops / 1e12:.2f} TFLOP/s, {self.of_products:.0%} of matrix products"
        text += "" if self.of_peak is None else f", {self.of_peak:.1%} of the bf16 peak"
        text += "" if self.peak_mib is None else f", peak {self.peak_mib:.0f} MiB"
        return text + ("" if self.first_s is None else f"; first step {self.first_s:.0f} s")


class RandomClips(Dataset):
    """Samples of random pixels; a few are made and returned again, as a decoder would hand them."""

    def __init__(self, shape: tuple[int, ...], semantic: bool) -> None:
        self.clips = torch.randint(0, 256, (4, 1, *shape, 3), dtype=torch.uint8)
        self.semantic = semantic

    def __len__(self) -> int:
        return 1 << 20

    def __getitem__(self, index: int) -> dict:
        inputs = {"fragments": self.clips[index % len(self.clips)].clone()}
        if self.semantic:
            inputs |= {"features": torch.rand(SEMANTIC), "lengths": torch.tensor(SEMANTIC[0])}
        return {"inputs": inputs, "mos": torch.tensor(float(index % 97)), "ids": str(index)}


@dataclass(frozen=True)
class Recipe:
    """A network with its loss, learning rate and inputs."""

    name: str
    network: Callable[[], nn.Module]
    loss: Callable[[Tensor, Tensor], Tensor]
    lr: float
    semantic: bool


def fastvqa(bench: Bench) -> list[Rate]:
    """Time trainings of FAST-VQA."""
    options = {"channels": TINY_CHANNELS} if bench.tiny else {}
    network = partial(FastVQA, swin(bench), **options)
    return rates(bench, Recipe("FAST-VQA", network, plcc_rank_loss, 1e-3, semantic=False))


def clifvqa(bench: Bench) -> list[Rate]:
    """Time trainings of CLiF-VQA; CLIP's features would come from the cache."""
    options = {"backbone_channels": TINY_CHANNELS, "map_size": (2, 4, 4)} if bench.tiny else {}
    network = partial(CLiFVQA, SEMANTIC[1], swin(bench), steps=SEMANTIC[0], **options)
    loss = partial(monotone_linear_loss, monotonicity_weight=0.3, linearity_weight=1.0)
    return rates(bench, Recipe("CLiF-VQA", network, loss, 7.5e-4, semantic=True))


def swin(bench: Bench) -> Callable[[], nn.Module]:
    return partial(FragmentSwin, **(TINY_SWIN if bench.tiny else {}))


def rates(bench: Bench, recipe: Recipe) -> list[Rate]:
    """Time the trainings of one network; print and return their rates."""
    products = {precision: product_rate(bench, precision) for precision in ("float32", "bf16")}
    for precision, rate in products.items():
        print(f"  matrix products, {precision}: {rate / 1e12:.2f} TFLOP/s", flush=True)
    clips = RandomClips(bench.size((32, 224, 224), (4, 32, 32)), recipe.semantic)
    operations = operations_of(bench, recipe, clips)
    print(f"  {operations / 1e9:.1f} GFLOP in a step, per sample", flush=True)
    rows = []
    for batch in bench.size((12, 48), (2,)):
        batches = iter(loader(bench, clips, batch))
        # Compiling takes 90 s for each size.
        is_compiled = os.environ.get("COMPILE") == "1" and bench.cuda and batch == 12
        for precision, compiled in KINDS if is_compiled else KINDS[:-1]:
            name = f"{recipe.name}, batch {batch}, {precision}{', compiled' * compiled}"
            try:
                seconds, waited, first = timed(bench, recipe, batches, precision, compiled)
            except torch.cuda.OutOfMemoryError:
                print(f"  {name}: does not fit the memory of the device", flush=True)
                continue
            finally:
                bench.release()
            rows.append(
                Rate(
                    name,
                    samples_s=batch / seconds,
                    waiting=waited / seconds,
                    flops=(flops := operations * batch / seconds),
                    of_peak=flops / peak if (peak := dense_peak(bench)) else None,
                    of_products=flops / products[precision],
                    peak_mib=torch.cuda.max_memory_allocated() / MIB if bench.cuda else None,
                    first_s=first if compiled else None,
                )
            )
            print(f"  {rows[-1]}", flush=True)
    return rows


def timed(
    bench: Bench, recipe: Recipe, batches: Iterator[dict], precision: str, compiled: bool
) -> tuple[float, float, float]:
    """Return seconds per step, seconds per step that waited for a batch, and of the first step."""
    if bench.cuda:
        torch.cuda.reset_peak_memory_stats()
    module = module_of(bench, recipe)
    optimizer = module.configure_optimizers()
    if compiled:
        module.network.compile()
    steps, waited, began = bench.size(STEPS, 1), 0.0, time.perf_counter()
    for index in range(2 + steps):
        if index == 2:
            bench.synchronise()
            start, waited = time.perf_counter(), 0.0
        asked = time.perf_counter()
        batch = next(batches)
        waited += time.perf_counter() - asked
        optimizer.zero_grad()
        with deterministic():
            loss_of(bench, module, batch, precision).backward()
        optimizer.step()
        if index == 0:
            bench.synchronise()
            first = time.perf_counter() - began
    bench.synchronise()
    torch.compiler.reset()
    return (time.perf_counter() - start) / steps, waited / steps, first


def module_of(bench: Bench, recipe: Recipe) -> ScoreModule:
    """Return an untrained module on the device."""
    torch.manual_seed(0)
    module = ScoreModule(
        recipe.network(),
        partial(torch.optim.AdamW, lr=recipe.lr, weight_decay=0.05),
        recipe.loss,
        input_dim=SEMANTIC[1] if recipe.semantic else None,
        mos_scale=100.0,
        seed=0,
        learning_rates={"backbone": recipe.lr / 10},
    )
    return module.to(bench.device).train()


def loss_of(bench: Bench, module: ScoreModule, batch: dict, precision: str) -> Tensor:
    """Move a batch to the device and return the loss of a training step on it."""
    module.on_train_batch_start(batch, 0)
    moved = {name: x.to(bench.device, non_blocking=True) for name, x in batch["inputs"].items()}
    mos = batch["mos"].to(bench.device, non_blocking=True)
    with bench.autocast(precision):
        return module.training_step({**batch, "inputs": moved, "mos": mos}, 0)


def loader(bench: Bench, clips: RandomClips, batch: int) -> DataLoader:
    """Return a loader of batches: processes that fill pinned memory."""
    workers = 0 if bench.tiny else min(12, len(os.sched_getaffinity(0)))
    return DataLoader(clips, batch, num_workers=workers, pin_memory=bench.cuda)


def operations_of(bench: Bench, recipe: Recipe, clips: RandomClips) -> float:
    """Count the floating-point operations of a step, forward and backward, per sample."""
    module, batch = module_of(bench, recipe), next(iter(DataLoader(clips, 2)))
    with FlopCounterMode(display=False) as counter:
        loss_of(bench, module, batch, "float32").backward()
    return counter.get_total_flops() / 2


def product_rate(bench: Bench, precision: str) -> float:
    """Measure the operations per second of products of large square matrices."""
    side, rounds = bench.size(8192 if bench.cuda else 1024, 128), bench.size(10, 1)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = (torch.rand(side, side, device=bench.device, dtype=dtype) for _ in range(2))
    for index in range(2 + rounds):
        if index == 2:
            bench.synchronise()
            start = time.perf_counter()
        left @ right
    bench.synchronise()
    return rounds * 2 * side**3 / (time.perf_counter() - start)


def dense_peak(bench: Bench) -> float | None:
    """Return the peak of the card in the table of peaks."""
    name = torch.cuda.get_device_name(bench.device) if bench.cuda else ""
    return next((peak for card, peak in DENSE_BFLOAT16.items() if card in name), None)


@contextlib.contextmanager
def deterministic() -> Iterator[None]:
    """Use deterministic algorithms, as trainings do by default."""
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


PARTS: dict[str, Callable[[Bench], Any]] = {part.__name__: part for part in (fastvqa, clifvqa)}

if __name__ == "__main__":
    run_parts(PARTS, __doc__)
