"""Speed of extraction against its two halves: decoding only, and the extractor on frames in memory.

Prints a row per extractor: frames per second of each, measured in turn in one run, and the ratio of
the whole to the slower half, medians over the rounds. With `--decoders N`, extraction has N lanes,
and each half N processes or threads. Both halves share the cores of a CPU, so the ratio to what
these allow is given, too. Frames are those that the extractor is given: every one, or those that it
samples; the decoder has to decode all before them.
Run: python benchmarks/extraction.py multiscale vgg16 [--size 960x540] [--decoders 2]
Weights are random, because speed does not depend on them.
"""

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from extraction_parts import made_clip
from gpu_extraction import SAMPLED, extractors
from loky import cpu_count

from vqa.commands.memory import keep_freed_memory
from vqa.databases.records import VideoRecord
from vqa.features.extraction.pipeline import extract_videos
from vqa.features.multiscale import Multiscale
from vqa.video import probe, stream_frames
from vqa.video.decoder import FrameDecoder
from vqa.video.sampling import uniform_indices

# Frames of a clip, so that none takes minutes on one core.
FRAMES = {"vgg16": 4, "resnet50": 12, "saliency": 30, "openclip": 60}
OTHERWISE = 120
HEADER = (
    "| Features | Decoding | Forward | Extraction | Of the slower half | Of the cores | Overhead |"
)


def timed(action: Callable[[], None]) -> tuple[float, float]:
    """Return the seconds that an action takes, and its processor time with ended processes."""
    start, before = time.perf_counter(), processor_s()
    action()
    return time.perf_counter() - start, processor_s() - before


def processor_s() -> float:
    """Return the processor time of this process and its ended children."""
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(who)[:2]) for who in whose)


def row(name: str, folder: Path, options: argparse.Namespace) -> str:
    """Measure one extractor."""
    made = {"multiscale": Multiscale, **extractors("cpu", options.precision, tiny=options.tiny)}
    extractor = made[name]()
    width, height = map(int, options.size.split("x"))
    frames = options.frames or FRAMES.get(name, OTHERWISE)
    path = made_clip(folder / f"{name}.mp4", width, height, frames)
    videos = [VideoRecord(f"v{k}", path, 0.0) for k in range(options.clips)]
    info = probe(path)
    sampled = SAMPLED.get(name)
    indices = extractor.indices(info) if sampled is None else uniform_indices(info.frames, sampled)
    held = list(stream_frames(path, indices, info=info, pixels=extractor.pixels))
    total = sum(map(len, held)) * options.clips

    def decode(share: list[VideoRecord]) -> None:
        with FrameDecoder() as decoder:
            for video in share:
                for _ in decoder.stream(video.path, indices, None, info, extractor.pixels):
                    pass

    def forward(share: list[VideoRecord]) -> None:
        torch.set_num_threads(options.threads)
        for _ in share:
            extractor.describe(iter(held), info)

    def in_threads(action: Callable[[list[VideoRecord]], None]) -> None:
        shares = [videos[k :: options.decoders] for k in range(options.decoders)]
        with ThreadPoolExecutor(options.decoders) as pool:
            list(pool.map(action, shares))

    def extract() -> None:
        described = extract_videos(videos, extractor, frames=sampled, decoders=options.decoders)
        for _, result in described:
            if isinstance(result, Exception):
                raise result

    actions = (lambda: in_threads(decode), lambda: in_threads(forward), extract)
    spent = [[timed(action) for action in actions] for _ in range(options.rounds + 1)][1:]
    (decoding, decoding_s), (alone, alone_s), (whole, whole_s) = (
        [statistics.median(each) for each in zip(*action, strict=True)]
        for action in zip(*spent, strict=True)
    )
    slower, both = max(decoding, alone), decoding_s + alone_s
    possible = max(slower, both / cpu_count())
    rates = " | ".join(f"{total / seconds:.3g}" for seconds in (decoding, alone, whole))
    shares = f"{slower / whole:.2f} | {possible / whole:.2f} | {whole_s / both:.2f}"
    return f"| `{name}` | {rates} | {shares} |"


def main() -> None:
    """Print a table."""
    names = ["multiscale", *extractors("cpu", "float32", tiny=True)]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extractors", choices=names, nargs="+")
    parser.add_argument("--size", default="960x540")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--frames", type=int, help="of each clip")
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--decoders", type=int, default=1)
    parser.add_argument("--tiny", action="store_true", help="small networks: a check that it runs")
    options = parser.parse_args()
    keep_freed_memory()  # as the commands do, for both halves
    torch.set_num_threads(options.threads)
    print(f"{options.size}, {options.precision}, {options.threads} threads of torch; frames/s")
    print(HEADER)
    print("|---" * (HEADER.count("|") - 1) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.extractors:
            print(row(name, Path(folder), options), flush=True)


if __name__ == "__main__":
    main()
