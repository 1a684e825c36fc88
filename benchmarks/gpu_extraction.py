"""Extraction with several decoders that feed one device, against its two halves.

For each extractor and number of decoders: frames described per second in the steady state, bare
decoding with as many processes, the bare extractor with its frames on the device already, the share
of the slower of both, the peak memory of the GPU, and the host's memory above the start (all
processes). The clip is made here; weights are random, because speed does not depend on them.
Frames are those that an extractor is given: every one, or those that it samples.
Run: python benchmarks/gpu_extraction.py [--extractors vgg16 saliency] [--decoders 1 4 15]
         [--precision bfloat16] [--cudnn-benchmark] [--chunk-mib 256] [--tiny --device cpu]
"""

import argparse
import gc
import math
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from extraction_parts import Count, decode_rate, made_clip, resident_bytes
from torch import Tensor

from vqa.databases.records import VideoRecord
from vqa.features import convnet, openclip, timm_stages
from vqa.features.extraction import lanes, pipeline
from vqa.features.extraction.coded_frames import pixels_for
from vqa.features.extraction.pipeline import extract_videos
from vqa.features.extractor import Extractor
from vqa.features.nss import NSS
from vqa.features.pooled import PooledFeatures
from vqa.features.saliency import Saliency
from vqa.models.pretrained.devices import uploaded
from vqa.video import VideoInfo, probe, stream_frames
from vqa.video.sampling import uniform_indices

MIB = 2**20
DECODERS = (1, 4, 15)
SAMPLED = {"openclip": 32}  # frames of each video, as in conf/features


@dataclass(frozen=True)
class Row:
    """Figures of one extractor with some decoders; rates in frames per second."""

    extractor: str
    decoders: int
    extraction: float
    decoding: float
    forward: float
    gpu_mib: float
    host_mib: float

    @property
    def share(self) -> float:
        """Extraction over the slower of its halves."""
        return self.extraction / min(self.decoding, self.forward)


def extractors(device: str, precision: str, tiny: bool) -> dict[str, Callable[[], Extractor]]:
    """Return what makes each extractor."""
    network = {"weights": "random", "device": device}
    chosen = network | {"precision": precision}
    clip = {"architecture": "toy"} if tiny else {}
    masked = {"architecture": "alexnet"} if tiny else {}
    return {
        "vgg16": partial(convnet.ConvnetStatistics, "vgg16", **chosen),
        "resnet50": partial(convnet.ConvnetStatistics, "resnet50", **chosen),
        "openclip": partial(openclip.OpenClipWindows, **chosen, **clip),
        "nss": partial(NSS, device=device),
        "nss_on_cpu": partial(NSS, device="cpu"),
        "saliency": partial(Saliency, **chosen, **masked),
        "cnn": partial(PooledFeatures, **network),
    }


def forward_rate(
    extractor: Extractor, path: Path, info: VideoInfo, indices: np.ndarray | None, seconds: float
) -> float:
    """Return the frames per second of the extractor alone; its frames are on the device already."""
    chunks = list(stream_frames(path, indices, info=info, pixels=extractor.pixels))
    held: dict[tuple, Tensor] = {}

    def there(frames: np.ndarray, device: torch.device) -> Tensor:
        key = (frames.__array_interface__["data"][0], frames.shape)
        if key not in held:
            held[key] = uploaded(frames, device)
        return held[key]

    def once() -> None:
        extractor.describe(iter(chunks), info)

    with ExitStack() as stack:
        # Frames that an extractor first works on on the CPU have new addresses: not these.
        for module in (convnet, timm_stages, openclip):
            stack.enter_context(mock.patch.object(module, "uploaded", there))
        once()
        started, rounds = time.perf_counter(), 0
        while time.perf_counter() - started < seconds or not rounds:
            once()
            rounds += 1
        spent = time.perf_counter() - started
    return rounds * sum(map(len, chunks)) / spent


def extraction_rate(
    extractor: Extractor, path: Path, decoders: int, frames: int | None, seconds: float
) -> tuple[float, float]:
    """Return frames per second in the steady state, and the host's peak memory above the start."""
    count = Count()
    own = type(extractor).describe
    extractor.describe = lambda chunks, info: own(extractor, count.passing(chunks), info)
    videos = (VideoRecord("v", path, 0.0) for _ in iter(int, 1))
    base, peak, done = resident_bytes(), 0, threading.Event()
    rates: list[float] = []

    def watch() -> None:
        nonlocal peak
        while not count.frames:
            time.sleep(0.01)
        time.sleep(lanes.RAMP_S * math.ceil(math.log2(decoders)) + seconds / 5)
        before, started = count.frames, time.perf_counter()
        while time.perf_counter() - started < seconds or count.frames == before:
            time.sleep(seconds / 5)
            peak = max(peak, resident_bytes())
        rates.append((count.frames - before) / (time.perf_counter() - started))
        done.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    with closing(extract_videos(videos, extractor, frames=frames, decoders=decoders)) as results:
        for _, result in results:
            if isinstance(result, Exception):
                raise result
            if done.is_set():
                break
    watcher.join()
    del extractor.describe
    return rates[0], (peak - base) / MIB


def measure(
    name: str,
    make: Callable[[], Extractor],
    path: Path,
    decoders: Iterable[int] = DECODERS,
    seconds: float = 5.0,
) -> Iterator[Row]:
    """Measure one extractor with each number of decoders."""
    extractor = make()
    info = probe(path)
    count = SAMPLED.get(name)
    indices = extractor.indices(info) if count is None else uniform_indices(info.frames, count)
    forward = forward_rate(extractor, path, info, indices, seconds / 2)
    for number in decoders:
        pixels = pixels_for(extractor, info, "pyav")
        decoding = decode_rate(path, number, seconds / 2, pixels, indices)
        gc.collect()
        if extractor.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        extraction, host = extraction_rate(extractor, path, number, count, seconds)
        on_gpu = extractor.device.type == "cuda"
        gpu = torch.cuda.max_memory_allocated() / MIB if on_gpu else 0.0
        yield Row(name, number, extraction, decoding, forward, gpu, host)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = list(extractors("cpu", "float32", tiny=True))
    parser.add_argument("--extractors", nargs="+", choices=names, default=names)
    parser.add_argument("--decoders", type=int, nargs="+", default=list(DECODERS))
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--cudnn-benchmark", action="store_true")
    parser.add_argument("--chunk-mib", type=int, help="of all lanes together")
    parser.add_argument("--tiny", action="store_true", help="a check that everything runs")
    options = parser.parse_args()
    torch.backends.cudnn.benchmark = options.cudnn_benchmark
    if options.chunk_mib:
        pipeline.LANES_CHUNK_BYTES = options.chunk_mib * MIB
    if options.tiny:
        torch.set_num_threads(1)
    width, height, frames = (96, 64, 30) if options.tiny else (960, 540, 120)
    seconds = 0.3 if options.tiny else options.seconds
    made = extractors(options.device, options.precision, options.tiny)
    print(f"{options.precision}, {width}x{height}, {frames} frames a video; frames/s")
    print("| Features | Decoders | Extraction | Decoding | Forward | Share | GPU | Host |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        path = made_clip(Path(folder) / "clip.mp4", width, height, frames)
        for name in options.extractors:
            started = time.perf_counter()
            for row in measure(name, made[name], path, options.decoders, seconds):
                print(
                    f"| {name} | {row.decoders} | {row.extraction:.1f} | {row.decoding:.1f} | "
                    f"{row.forward:.1f} | {row.share:.2f} | {row.gpu_mib:.0f} MiB | "
                    f"{row.host_mib:.0f} MiB |",
                    flush=True,
                )
            print(f"<!-- {name} took {time.perf_counter() - started:.0f} s -->", flush=True)


if __name__ == "__main__":
    main()
