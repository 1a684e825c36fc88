"""How many videos an hour a cluster scores, and what limits it: simulated from measured rates.

First the simulation repeats small cases that were measured (`docs/benchmarks.md` says where and
when); then it predicts clusters that were not. Prices and the rates of links and file systems are
assumptions, and every one of them is an option.
Run: python benchmarks/scale.py [--cases | --plan] [--core-hour 0.04] [--gpu-hour 3]
[--storage-gbit 10] [--link-gbit 10] [--driver-ms 1.2] [--videos 20000]
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from queueing import Outcome, Route, simulate

HOUR_S, MILLION = 3600.0, 1e6
SPREAD = 0.4  # of the lengths of videos: standard deviation of their logarithm
CHUNK_FRAMES = 16


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of work on one video, from measured rates.

    Attributes:
        name: Model and video, for the table.
        megabytes: Size of a video; assumed.
        decode_s: Of one core.
        forward_s: Of one core, or of the GPU.
        gpu: Whether the network runs on a GPU.
        source: Where the rates come from.
    """

    name: str
    megabytes: float
    decode_s: float
    forward_s: float
    gpu: bool
    source: str


# Clips of KoNViD-1k: 8 s, 240 frames.
KINDS = (
    Kind("ugc, 540p", 2.0, 0.3, 3.5, False, "Natural scene statistics"),
    Kind("ugc, 1080p", 6.0, 0.9, 4.2, False, "Natural scene statistics"),
    Kind("GSTVQA (VGG-16), 540p", 2.0, 240 / 539, 240 / 523, True, "On a GPU, H200"),
    Kind("VSFA (ResNet-50), 540p", 2.0, 240 / 512, 240 / 802, True, "On a GPU, H200"),
)
CORES, GPU_CORES = 16, 4  # of a CPU node; of a node with one GPU, which has four decoders


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a cluster shares.

    Attributes:
        storage_gbit: Rate of the file system or object store, all readers together.
        link_gbit: Rate of the link of a node.
        driver_s: Of the driver, per row: it writes the rows and hands out the videos.
        core_hour: Price.
        gpu_hour: Price of a GPU with its cores.
    """

    storage_gbit: float
    link_gbit: float
    driver_s: float
    core_hour: float
    gpu_hour: float


def cluster(kind: Kind, nodes: int, around: Surroundings, videos: int, seed: int = 0) -> Outcome:
    """Simulate the scoring of many videos on nodes of one kind."""
    rng = np.random.default_rng(seed)
    factors = rng.lognormal(-(SPREAD**2) / 2, SPREAD, videos)
    bits = kind.megabytes * 8e6
    cores = GPU_CORES if kind.gpu else CORES
    resources = {"storage": 8, "driver": 1}
    for node in range(nodes):
        resources |= {f"link {node}": 1, f"cores {node}": cores}
        if kind.gpu:
            resources[f"GPU {node}"] = 1

    def route(number: int, worker: int) -> Route:
        factor = float(factors[number])
        network = f"GPU {worker}" if kind.gpu else f"cores {worker}"
        return (
            ("storage", 8 * factor * bits / (around.storage_gbit * 1e9)),
            (f"link {worker}", factor * bits / (around.link_gbit * 1e9)),
            (f"cores {worker}", factor * kind.decode_s),
            (network, factor * kind.forward_s),
            ("driver", around.driver_s),
        )

    return simulate(videos, route, resources, nodes, ahead=2 * cores)


def plan(around: Surroundings, videos: int) -> Iterator[list[str]]:
    """Yield the rows of the plan: rates and costs of 1, 10 and 100 nodes, and what limits them."""
    for kind in KINDS:
        for nodes in (1, 10, 100):
            found = cluster(kind, nodes, around, max(videos, 400 * nodes))
            hour = around.gpu_hour if kind.gpu else CORES * around.core_hour
            per_hour = found.rate * HOUR_S
            limit = found.limit.split()[0]
            yield [
                kind.name, str(nodes), f"{per_hour:,.0f}", f"{MILLION / per_hour:,.1f}",
                f"{nodes * hour * MILLION / per_hour:,.0f}", limit,
                f"{found.used['storage']:.0%}", f"{found.used['driver']:.0%}",
            ]  # fmt: skip


def balanced(decoders: int, chunk_s: float, device_s: float, *, chunks: int = 3000) -> float:
    """Frames per second of lanes that decode chunks and one device that describes them."""
    resources = {"device": 1} | {f"lane {lane}": 1 for lane in range(decoders)}

    def route(number: int, worker: int) -> Route:
        return (f"lane {worker}", chunk_s), ("device", device_s)

    return simulate(chunks, route, resources, decoders, ahead=2).rate * CHUNK_FRAMES


# Measured: (decoders, frames/s) of benchmarks/balance.py, 20 ms a chunk decoded and 2 ms described.
BALANCE = ((1, 751), (2, 1523), (4, 3065), (8, 6221), (15, 8099))
# Measured on an H200: network, decoders, decoding, forward, extraction; frames/s.
EXTRACTION = (
    ("vgg16", 1, 539, 523, 426), ("vgg16", 4, 1925, 523, 478), ("vgg16", 15, 6341, 523, 507),
    ("resnet50", 1, 512, 802, 385), ("resnet50", 4, 1733, 802, 824),
    ("openclip", 1, 224, 455, 180), ("openclip", 4, 875, 455, 459),
)  # fmt: skip


# Measured: files/s of benchmarks/ray_nodes.py on two cores, and the driver's cost of a row.
ONE_PROCESS, TWO_PROCESSES, ONE_WORKER, TWO_WORKERS = 138, 265, 154, 202
ROW_S = 0.0012


def short_clips(workers: int, row_s: float, *, files: int = 3000) -> float:
    """Files per second of workers of a cluster on two cores, which the driver shares."""
    work_s = 1 / ONE_PROCESS
    if workers == 1:  # the driver has the other core
        route = (("worker", work_s), ("driver", row_s))
        return simulate(files, lambda *_: route, {"worker": 1, "driver": 1}, 1, ahead=3).rate
    route = (("cores", work_s), ("cores", row_s))
    return simulate(files, lambda *_: route, {"cores": 2}, workers, ahead=3).rate


def cases() -> Iterator[list[str]]:
    """Yield the measured cases with what the simulation says of them."""
    for decoders, measured in BALANCE:
        found = balanced(decoders, 0.020, 0.002)
        yield [f"two sides that wait, {_decoders(decoders)}", *_beside(measured, found)]
    short = "clips of 2 frames"
    yield [f"{short}, --workers 2", *_beside(TWO_PROCESSES, short_clips(2, 0.0))]
    yield [f"{short}, Ray, 1 worker", *_beside(ONE_WORKER, short_clips(1, ROW_S))]
    yield [f"{short}, Ray, 2 workers", *_beside(TWO_WORKERS, short_clips(2, ROW_S))]
    for name, decoders, decoding, forward, measured in EXTRACTION:
        found = balanced(decoders, CHUNK_FRAMES * decoders / decoding, CHUNK_FRAMES / forward)
        yield [f"{name} on an H200, {_decoders(decoders)}", *_beside(measured, found)]


def _decoders(count: int) -> str:
    return f"{count} decoder{'s' * (count > 1)}"


def _beside(measured: float, found: float) -> list[str]:
    return [f"{measured:,.0f}", f"{found:,.0f}", f"{found / measured - 1:+.0%}"]


def table(head: Sequence[str], rows: Iterator[list[str]]) -> None:
    """Print rows as Markdown."""
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", action="store_true", help="only the measured cases")
    parser.add_argument("--plan", action="store_true", help="only the clusters")
    parser.add_argument("--core-hour", type=float, default=0.04, help="price of a core, per hour")
    parser.add_argument("--gpu-hour", type=float, default=3.0, help="price of a GPU with its cores")
    parser.add_argument("--storage-gbit", type=float, default=10.0)
    parser.add_argument("--link-gbit", type=float, default=10.0)
    parser.add_argument(
        "--driver-ms", type=float, default=1e3 * ROW_S, help="of the driver, per row"
    )
    parser.add_argument("--videos", type=int, default=20000)
    given = parser.parse_args()
    around = Surroundings(
        given.storage_gbit, given.link_gbit, given.driver_ms / 1e3, given.core_hour, given.gpu_hour
    )
    if not given.plan:
        table(["Case", "Measured", "Simulated", "Off by"], cases())
    if not given.cases:
        head = ["Work", "Nodes", "Videos/h", "Hours a million", "Cost a million", "Limit",
                "Storage", "Driver"]  # fmt: skip
        table(head, plan(around, given.videos))


if __name__ == "__main__":
    main()
