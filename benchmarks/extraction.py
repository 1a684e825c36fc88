"""Speed of extraction against its two halves: decoding only, and the extractor on frames in memory.

Prints frames per second of each, measured in turn in one run, and the ratio of the whole to the
slower half. Run: python benchmarks/extraction.py multiscale|vgg16|resnet50 [--size 960x540]
Weights are random, because speed does not depend on them.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import av
import numpy as np
import torch

from vqa.databases.records import VideoRecord
from vqa.features.convnet import ConvnetStatistics
from vqa.features.extraction.pipeline import extract_videos
from vqa.features.multiscale import Multiscale
from vqa.video import read_frames, stream_frames


def make_clip(path, width, height, frames):
    """Write an H.264 clip of a moving, noisy texture."""
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 255, (height // 4, width // 4 + frames, 3)).astype(np.uint8)
    texture = texture.repeat(4, 0).repeat(4, 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "23", "preset": "fast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(frames):
            frame = np.ascontiguousarray(texture[:height, index : index + width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def timed(action):
    """Return the seconds that an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extractor", choices=["multiscale", "vgg16", "resnet50"])
    parser.add_argument("--size", default="960x540")
    parser.add_argument("--frames", type=int)
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    slow = options.extractor != "multiscale"
    frames = options.frames or (4 if slow else 60)
    extractor = ConvnetStatistics(options.extractor, "random") if slow else Multiscale()
    width, height = map(int, options.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        path = make_clip(Path(folder) / "clip.mp4", width, height, frames)
        videos = [VideoRecord(f"v{k}", path, 0.0) for k in range(options.clips)]
        held = read_frames(path, range(frames))

        def decode():
            for video in videos:
                for _ in stream_frames(video.path):
                    pass

        def forward():
            for _ in videos:
                for start in range(0, frames, 16):
                    extractor(held[start : start + 16])

        def extract():
            for _, result in extract_videos(videos, extractor):
                assert len(result.features) == frames

        seconds = {"decode": [], "forward": [], "extract": []}
        for round_ in range(options.rounds + 1):
            for name, action in (("decode", decode), ("forward", forward), ("extract", extract)):
                spent = timed(action)
                if round_:
                    seconds[name].append(spent)
    total = frames * options.clips
    rates = {name: total / statistics.median(times) for name, times in seconds.items()}
    print(f"{options.extractor}, {options.size}, torch threads {options.threads}, {total} frames")
    for name, rate in rates.items():
        print(f"{name:8s} {rate:8.2f} frames/s")
    print(f"extract over the slower half: {rates['extract'] / min(list(rates.values())[:2]):.2f}")


if __name__ == "__main__":
    main()
