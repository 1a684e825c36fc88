"""Training steps on a GPU: precisions, the place of the features, and the CPU as a reference.

Parts: `gstvqa`, `vsfa` and `fastvqa` time optimiser steps on one batch; `swin3d` compares the gated
Video Swin-T with torchvision's; `lightning` times the steps of a whole training, with the critic of
GSTVQA and the running average of FAST-VQA. Weights and inputs are random, because speed does not
depend on them. `gpu_timing.py` explains the precisions.
Run: python benchmarks/gpu_training.py [--parts gstvqa vsfa] [--tiny --device cpu]
"""

import logging
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial

import pytorch_lightning as pl
import torch
from gpu_timing import MIB, PRECISIONS, Bench, Side, run_parts
from torch import Tensor, nn
from torch.nn.functional import l1_loss
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader
from torchvision.models.video import swin3d_t

from vqa.models.fastvqa import FastVQA
from vqa.models.gstvqa import GSTVQA
from vqa.models.losses import plcc_rank_loss
from vqa.models.swin3d import FragmentSwin
from vqa.models.vsfa import VSFA
from vqa.training.learners.adversarial import AdversarialModule
from vqa.training.learners.module import ScoreModule
from vqa.training.learners.optimisation import parameter_groups, warmup_cosine

BACKBONE_RATE = {"backbone": 1e-4}
fastvqa_adamw = partial(torch.optim.AdamW, lr=1e-3, weight_decay=0.05)


def sequences(bench: Bench, videos: int, dim: int) -> dict[str, Tensor]:
    """Return features (B, T, D) and lengths (B,) on the CPU."""
    frames = bench.size(240, 40)
    lengths = torch.full((videos,), frames)
    return {"features": torch.rand(videos, frames, dim), "lengths": lengths}


def fragments(bench: Bench) -> Tensor:
    """Return a training batch of FAST-VQA on the CPU, uint8 (B, 1, T, S, S, 3)."""
    clips, frames, side = bench.size((16, 32, 224), (2, 4, 64))
    return torch.randint(0, 256, (clips, 1, frames, side, side, 3), dtype=torch.uint8)


def optimiser_step(
    bench: Bench, optimizer: torch.optim.Optimizer, loss: Callable[..., Tensor], precision: str
) -> Callable[..., None]:
    """Return a function that takes one optimiser step on the inputs of `loss`."""

    def step(*inputs: Tensor) -> None:
        with bench.autocast(precision):
            value = loss(*inputs)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()

    return step


def gstvqa_step(bench: Bench, device: torch.device, precision: str) -> Callable[..., None]:
    torch.manual_seed(0)
    model = GSTVQA().to(device)

    def loss(features: Tensor, lengths: Tensor, target: Tensor) -> Tensor:
        output = model.assess(features, lengths)
        frame_loss = l1_loss(output.frame.float(), target)
        return l1_loss(output.video.float(), target) + 0.5 * frame_loss

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-6)
    return optimiser_step(bench, optimizer, loss, precision)


def gstvqa(bench: Bench) -> None:
    """Time a step of GSTVQA without its critic; compare its scores with the CPU's."""
    videos = bench.size(128, 4)
    batch = *sequences(bench, videos, 2944).values(), torch.rand(videos)
    features, *rest = (x.to(bench.device) for x in batch)
    steps = {precision: gstvqa_step(bench, bench.device, precision) for precision in PRECISIONS}
    pinned = batch[0].pin_memory() if bench.cuda else batch[0]
    on_device, in_main = list(features), list(batch[0])
    step = steps["default"]

    def padded_on_device() -> None:
        step(pad_sequence(on_device, batch_first=True), *rest)

    def from_pinned() -> None:
        step(pinned.to(bench.device, non_blocking=True), *rest)

    def padded_in_main() -> None:
        step(pad_sequence(in_main, batch_first=True).to(bench.device), *rest)

    sides = [
        Side(f"step, {precision}", partial(step, features, *rest), videos, precision)
        for precision, step in steps.items()
    ]
    sides += [
        Side("default, videos on the device, padded there", padded_on_device, videos),
        Side("default, batch in pinned memory", from_pinned, videos),
        Side("default, videos in main memory, padded there", padded_in_main, videos),
    ]
    bench.compare("videos", sides)
    cpu = partial(gstvqa_step(bench, torch.device("cpu"), "strict"), *batch)
    sides = [Side("step, default", partial(step, features, *rest), videos)]
    bench.compare("videos", sides + bench.on_cpu(cpu, videos), rounds=3)

    model = GSTVQA().eval()
    with torch.no_grad():
        expected = model(*(x[:16] for x in batch[:2]))
        model.to(bench.device)
        for precision in PRECISIONS:
            with bench.settings(precision), bench.autocast(precision):
                scores = model(features[:16], rest[0][:16])
            bench.distance(f"scores, {precision}, from the CPU's", scores, expected)


def vsfa(bench: Bench) -> None:
    """Time a step of VSFA."""
    videos = bench.size(16, 2)
    batch = *sequences(bench, videos, 4096).values(), torch.rand(videos)

    def on(device: torch.device, precision: str) -> Callable[[], None]:
        model = VSFA().to(device)

        def loss(features: Tensor, lengths: Tensor, target: Tensor) -> Tensor:
            return l1_loss(model(features, lengths).float(), target)

        optimizer = torch.optim.Adam(model.parameters(), lr=1e-5)
        step = optimiser_step(bench, optimizer, loss, precision)
        return partial(step, *(x.to(device) for x in batch))

    sides = [Side(f"step, {p}", on(bench.device, p), videos, p) for p in PRECISIONS]
    bench.compare("videos", sides)
    cpu = on(torch.device("cpu"), "strict")
    bench.compare("videos", [sides[1], *bench.on_cpu(cpu, videos)], rounds=5)


def fastvqa(bench: Bench) -> None:
    """Time a step of FAST-VQA; compile it (GPU only); check that its gradients repeat."""
    batch = fragments(bench).to(bench.device)
    clips = len(batch)
    target = torch.rand(clips, device=bench.device)
    plain = FastVQA().to(bench.device)
    frugal = FastVQA(partial(FragmentSwin, checkpointing=True)).to(bench.device)

    def on(model: nn.Module, precision: str) -> Callable[[], None]:
        optimizer = fastvqa_adamw(parameter_groups(model, BACKBONE_RATE))

        def loss(source: Tensor) -> Tensor:
            return plcc_rank_loss(model(source), target)

        return partial(optimiser_step(bench, optimizer, loss, precision), batch)

    steps = {precision: on(plain, precision) for precision in PRECISIONS}
    sides = [Side(f"step, {p}", step, clips, p) for p, step in steps.items()]
    sides += [
        Side("step, bf16, checkpointing", on(frugal, "bf16"), clips, "bf16"),
        Side("step, bf16, deterministic=warn", steps["bf16"], clips, "bf16", deterministic=True),
    ]
    bench.compare("clips", sides)
    if bench.cuda:
        compiled = FastVQA().to(bench.device)
        compiled.compile()
        side = Side("step, bf16, compiled", on(compiled, "bf16"), clips, "bf16")
        start = time.perf_counter()
        side.run()
        bench.synchronise()
        print(f"  the first compiled step took {time.perf_counter() - start:.0f} s", flush=True)
        bench.compare("clips", [Side("step, bf16", steps["bf16"], clips, "bf16"), side])
    for deterministic in (False, "warn", True):
        passes = gradients(plain, batch, target, deterministic)
        pairs = zip(*passes, strict=True)
        differ = sum(not torch.equal(first, second) for first, second in pairs)
        print(f"  deterministic={deterministic}: {differ} of {len(passes[0])} gradients differ")


def gradients(
    model: nn.Module, batch: Tensor, target: Tensor, deterministic: bool | str
) -> list[list[Tensor]]:
    """Return the gradients of two passes of FAST-VQA over one batch, with equal seeds."""
    passes = []
    torch.use_deterministic_algorithms(bool(deterministic), warn_only=deterministic == "warn")
    try:
        for _ in range(2):
            torch.manual_seed(1)
            model.zero_grad()
            plcc_rank_loss(model(batch), target).backward()
            passes.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    finally:
        torch.use_deterministic_algorithms(False)
    return passes


def swin3d(bench: Bench) -> None:
    """Compare the gated Video Swin-T with torchvision's: batch 1 and 8, with equal weights."""
    theirs = swin3d_t().eval().to(bench.device)
    ours = FragmentSwin.from_published(theirs.state_dict(), tie_tables=True).to(bench.device)

    def forward(model: nn.Module, clip: Tensor, precision: str) -> None:
        with torch.inference_mode(), bench.autocast(precision):
            model(clip)

    def forward_backward(model: nn.Module, clip: Tensor, precision: str) -> None:
        model.zero_grad(set_to_none=True)
        with bench.autocast(precision):
            loss = model(clip).float().square().mean()
        loss.backward()

    frames, side = bench.size((32, 224), (4, 64))
    for batch in bench.size((1, 8), (1,)):
        clip = torch.randn(batch, 3, frames, side, side, device=bench.device)
        for task in (forward, forward_backward):
            for precision in ("strict", "tf32", "bf16"):
                what = f"{task.__name__}, batch {batch}, {precision}"
                sides = [
                    Side(f"{name}, {what}", partial(task, model, clip, precision), batch, precision)
                    for name, model in (("torchvision", theirs), ("ours", ours))
                ]
                bench.compare("clips", sides)
                for model in (theirs, ours):
                    model.zero_grad(set_to_none=True)


class Stopwatch(pl.Callback):
    """Records the seconds of each training batch, including the device's work."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.seconds, self.start = bench, [], 0.0

    def on_train_batch_start(self, *_: object) -> None:
        self.bench.synchronise()
        self.start = time.perf_counter()

    def on_train_batch_end(self, *_: object) -> None:
        self.bench.synchronise()
        self.seconds.append(time.perf_counter() - self.start)


def recipes(bench: Bench) -> Iterator[tuple[str, pl.LightningModule, dict[str, Tensor], list]]:
    """Yield name, module, inputs and callbacks of each model's training."""
    shared = {"mos_scale": 1.0, "seed": 0}
    adam = partial(torch.optim.Adam, lr=1e-4)
    module = AdversarialModule(GSTVQA(), adam, l1_loss, input_dim=2944, **shared)
    yield "GSTVQA with its critic", module, sequences(bench, bench.size(128, 3), 2944), []
    module = ScoreModule(VSFA(), adam, l1_loss, input_dim=4096, **shared)
    yield "VSFA", module, sequences(bench, bench.size(16, 2), 4096), []
    shared |= {"schedule": warmup_cosine, "learning_rates": BACKBONE_RATE}
    module = ScoreModule(FastVQA(), fastvqa_adamw, plcc_rank_loss, input_dim=None, **shared)
    average = pl.callbacks.EMAWeightAveraging(use_buffers=False, decay=0.999)
    yield "FAST-VQA", module, {"fragments": fragments(bench)}, [average]


def lightning(bench: Bench) -> None:
    """Time whole training steps under `trainer=gpu`, with the batch already on the device."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    steps, warm_up = bench.size((14, 4), (2, 0))
    for precision in ("32-true", "bf16-mixed"):
        for deterministic in bench.size((True, "warn", False), (True,)):
            for name, module, inputs, callbacks in recipes(bench):
                count = len(next(iter(inputs.values())))
                batch = {
                    "inputs": {key: value.to(bench.device) for key, value in inputs.items()},
                    "mos": torch.rand(count, device=bench.device),
                    "ids": [str(k) for k in range(count)],
                }
                if bench.cuda:
                    torch.cuda.reset_peak_memory_stats()
                watch = Stopwatch(bench)
                pl.Trainer(
                    accelerator="gpu" if bench.cuda else "cpu",
                    devices=1,
                    precision=precision,
                    deterministic=deterministic,
                    max_epochs=1,
                    callbacks=[*callbacks, watch],
                    logger=False,
                    enable_checkpointing=False,
                    enable_progress_bar=False,
                    enable_model_summary=False,
                ).fit(module, DataLoader([batch] * steps, batch_size=None))
                torch.use_deterministic_algorithms(False)
                ms = 1e3 * statistics.median(watch.seconds[warm_up:])
                text = f"  {name}, {precision}, deterministic={deterministic}: {ms:.1f} ms"
                if bench.cuda:
                    text += f", peak {torch.cuda.max_memory_allocated() / MIB:.0f} MiB"
                print(text, flush=True)
                bench.release()


PARTS = {part.__name__: part for part in (gstvqa, vsfa, fastvqa, swin3d, lightning)}

if __name__ == "__main__":
    run_parts(PARTS, __doc__)
