"""Timing for the GPU benchmarks: comparisons whose sides take turns, precisions, the command line.

Precisions: `strict` is float32 without TF32; `default` is torch's own setting, TF32 in convolutions
and RNNs only; `tf32` is TF32 everywhere; `bf16` is autocast to bfloat16, or an extractor's
`precision=bfloat16`.
"""

import argparse
import contextlib
import gc
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torchvision
from torch import Tensor

MIB = 2**20
PRECISIONS = ("strict", "default", "tf32", "bf16")


@dataclass
class Side:
    """One side of a comparison.

    Attributes:
        name: Printed with its figures.
        run: The function to time; it may return before the GPU has finished.
        count: Number of units (videos, clips, frames) that one call processes.
        precision: One of `PRECISIONS`; sets TF32.
        threads: CPU threads of a side that runs on the CPU; None for a side on the device.
        deterministic: Use deterministic algorithms, as `trainer.deterministic=warn` does.
    """

    name: str
    run: Callable[[], object]
    count: int
    precision: str = "default"
    threads: int | None = None
    deterministic: bool = False


@dataclass
class Bench:
    """Times sides and prints their figures.

    Attributes:
        device: Device of the measurements.
        rounds: Timed calls of each side.
        threads: CPU threads, also for the parts of a GPU side that run on the CPU.
        tiny: Use small sizes, to check that everything runs.
    """

    device: torch.device
    rounds: int
    threads: int
    tiny: bool

    @property
    def cuda(self) -> bool:
        return self.device.type == "cuda"

    def size(self, full, tiny):
        """Return the first value, or the second with `--tiny`."""
        return tiny if self.tiny else full

    def synchronise(self) -> None:
        if self.cuda:
            torch.cuda.synchronize()

    def autocast(self, precision: str) -> contextlib.AbstractContextManager:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=precision == "bf16")

    @contextlib.contextmanager
    def settings(self, precision: str, threads: int | None = None) -> Iterator[None]:
        """Set TF32 and CPU threads; restore torch's own setting of TF32 afterwards."""
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        torch.backends.cudnn.allow_tf32 = precision != "strict"
        torch.set_num_threads(threads or self.threads)
        try:
            yield
        finally:
            torch.backends.cuda.matmul.allow_tf32 = False
            torch.backends.cudnn.allow_tf32 = True

    def on_cpu(self, run: Callable[[], object], count: int) -> list[Side]:
        """Return sides that run on the CPU, with one thread and with all."""
        return [
            Side(f"CPU, threads: {threads}", run, count, "strict", threads)
            for threads in dict.fromkeys((1, self.threads))
        ]

    def compare(self, unit: str, sides: list[Side], rounds: int | None = None) -> None:
        """Time the sides in turn and print their medians; ratios refer to the first side.

        The printed host share is the part of the time before `run` returns: near 100 %, the CPU
        that queues the work is the limit. The peak memory includes what other sides hold.
        """
        rounds = 1 if self.tiny else rounds or self.rounds
        peaks = [self._warm_up(side) for side in sides]
        whole, queued = ([[] for _ in sides] for _ in range(2))
        for _ in range(rounds):
            for index, side in enumerate(sides):
                total, host = self._timed(side)
                whole[index].append(total)
                queued[index].append(host)
        rates = [side.count / statistics.median(s) for side, s in zip(sides, whole, strict=True)]
        for side, rate, spent, host, peak in zip(sides, rates, whole, queued, peaks, strict=True):
            low, middle, high = (1e3 * f(spent) for f in (min, statistics.median, max))
            text = f"  {side.name:44} {middle:10.2f} ms ({low:.2f} to {high:.2f})"
            text += f", {rate:10.1f} {unit}/s, {_ratio(rate / rates[0])}"
            if peak is not None:
                share = 1e3 * statistics.median(host) / middle
                text += f", host {share:.0%}, peak {peak:.0f} MiB"
            print(text, flush=True)
        self.release()

    def _warm_up(self, side: Side) -> float | None:
        """Run a side; return its peak memory in MiB, or None on the CPU."""
        for _ in range(1 if side.threads or self.tiny else 3):
            if self.cuda:
                torch.cuda.reset_peak_memory_stats()
            self._timed(side)
        return torch.cuda.max_memory_allocated() / MIB if self.cuda and not side.threads else None

    def _timed(self, side: Side) -> tuple[float, float]:
        """Return the seconds of one call: until the device has finished, and until it returned."""
        torch.use_deterministic_algorithms(side.deterministic, warn_only=True)
        try:
            with self.settings(side.precision, side.threads):
                self.synchronise()
                start = time.perf_counter()
                side.run()
                host = time.perf_counter() - start
                self.synchronise()
                return time.perf_counter() - start, host
        finally:
            torch.use_deterministic_algorithms(False)

    def distance(self, name: str, value: Tensor, reference: Tensor) -> None:
        """Print the distance of a result from a reference, relative to the reference's norm."""
        value, reference = value.double().cpu(), reference.double().cpu()
        relative = float((value - reference).norm() / reference.norm())
        print(f"  {name}: relative distance {relative:.1e}", flush=True)

    def release(self) -> None:
        """Release unused memory between comparisons."""
        gc.collect()
        if self.cuda:
            torch.cuda.empty_cache()


def run_parts(parts: dict[str, Callable[[Bench], None]], description: str) -> None:
    """Parse the command line and run the chosen parts."""
    cores = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--parts", nargs="+", choices=parts, default=list(parts))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=cores, help="on the CPU; default: cores")
    parser.add_argument("--tiny", action="store_true", help="a check: small, 1 round, 1 thread")
    options = parser.parse_args()
    device = torch.device(options.device)
    # Deterministic matrix products need it; Lightning sets it too.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    rounds, threads = (1, 1) if options.tiny else (options.rounds, options.threads)
    bench = Bench(device, rounds, threads, options.tiny)
    card = torch.cuda.get_device_name(device) if bench.cuda else str(device)
    print(f"{card}, torch {torch.__version__}, torchvision {torchvision.__version__}, ", end="")
    print(f"CPU threads {threads}, rounds {rounds}")
    for name in options.parts:
        start = time.perf_counter()
        print(name, flush=True)
        torch.manual_seed(0)
        parts[name](bench)
        bench.release()
        print(f"  {name} took {time.perf_counter() - start:.0f} s", flush=True)


def _ratio(value: float) -> str:
    return f"{value:.2f}x" if value >= 0.1 else f"1/{1 / value:.0f}x"
