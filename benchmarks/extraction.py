"""Speed of extraction against its two halves: decoding only, and the extractor on frames in memory.

Prints frames per second of each, measured in turn in one run, and the ratio of the whole to the
slower half. With `--decoders N`, extraction has N lanes, and each half N processes or threads. Both
halves share the cores of a CPU, so the ratio to what these allow is printed, too.
Run: python benchmarks/extraction.py multiscale|vgg16|resnet50 [--size 960x540] [--decoders 2]
Weights are random, because speed does not depend on them.
"""

import argparse
import resource
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from extraction_parts import made_clip
from loky import cpu_count

from vqa.databases.records import VideoRecord
from vqa.features.convnet import ConvnetStatistics
from vqa.features.extraction.pipeline import extract_videos
from vqa.features.multiscale import Multiscale
from vqa.video import read_frames
from vqa.video.decoder import FrameDecoder


def timed(action):
    """Return the seconds that an action takes, and its processor time with ended processes."""
    start, before = time.perf_counter(), processor_s()
    action()
    return time.perf_counter() - start, processor_s() - before


def processor_s():
    """Return the processor time of this process and its ended children."""
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(who)[:2]) for who in whose)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extractor", choices=["multiscale", "vgg16", "resnet50"])
    parser.add_argument("--size", default="960x540")
    parser.add_argument("--frames", type=int)
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--decoders", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    slow = options.extractor != "multiscale"
    frames = options.frames or (4 if slow else 60)
    extractor = ConvnetStatistics(options.extractor, "random") if slow else Multiscale()
    width, height = map(int, options.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        path = made_clip(Path(folder) / "clip.mp4", width, height, frames)
        videos = [VideoRecord(f"v{k}", path, 0.0) for k in range(options.clips)]
        held = read_frames(path, range(frames))

        def decode(share):
            with FrameDecoder() as decoder:
                for video in share:
                    for _ in decoder.stream(video.path):
                        pass

        def forward(share):
            torch.set_num_threads(options.threads)
            for _ in share:
                extractor.describe((held[k : k + 16] for k in range(0, frames, 16)), None)

        def in_threads(action):
            shares = [videos[k :: options.decoders] for k in range(options.decoders)]
            with ThreadPoolExecutor(options.decoders) as pool:
                list(pool.map(action, shares))

        def extract():
            for _, result in extract_videos(videos, extractor, decoders=options.decoders):
                assert len(result.features) == frames

        actions = {
            "decode": lambda: in_threads(decode),
            "forward": lambda: in_threads(forward),
            "extract": extract,
        }
        seconds = {name: [] for name in actions}
        for round_ in range(options.rounds + 1):
            for name, action in actions.items():
                spent = timed(action)
                if round_:
                    seconds[name].append(spent)
    total = frames * options.clips
    wall, processor = (
        {name: statistics.median(spent[k] for spent in each) for name, each in seconds.items()}
        for k in (0, 1)
    )
    print(f"{options.extractor}, {options.size}, torch threads {options.threads}, {total} frames")
    for name in actions:
        spent = f"{processor[name]:.2f} s of processors"
        print(f"{name:8s} {total / wall[name]:8.2f} frames/s, {spent}")
    slower = max(wall["decode"], wall["forward"])
    print(f"extract over the slower half: {slower / wall['extract']:.2f}")
    both = processor["decode"] + processor["forward"]
    possible = max(slower, both / cpu_count())
    print(f"extract over what the cores allow: {possible / wall['extract']:.2f}")
    print(f"processor time of both halves over that of extract: {both / processor['extract']:.2f}")


if __name__ == "__main__":
    main()
