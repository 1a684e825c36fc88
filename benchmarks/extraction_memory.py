"""Peak memory of extraction beyond the imports, for 1080p clips of two lengths (with children).

Run: python benchmarks/extraction_memory.py vgg16|multiscale|nothing [--seconds 20 60] [--rate 0.2]
         [--decoders 15]
With several decoders, each describes the clip once. `nothing` only decodes.
`--rate` describes fewer frames per second, because VGG-16 takes many seconds per frame on a CPU;
every frame is decoded nevertheless.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from extraction_parts import made_clip, resident_bytes


def measure(extractor_name, clip, rate, decoders):
    """Extract one clip, once for each decoder, and print the peak beyond the imports, in MiB."""
    import torch

    from vqa.databases.records import VideoRecord
    from vqa.features.convnet import ConvnetStatistics
    from vqa.features.extraction.pipeline import extract_videos
    from vqa.features.multiscale import Multiscale
    from vqa.features.nothing import Nothing

    torch.set_num_threads(1)
    base = resident_bytes()
    peak = base
    stop = threading.Event()

    def watch():
        nonlocal peak
        while not stop.is_set():
            peak = max(peak, resident_bytes())
            time.sleep(0.02)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    weightless = {"multiscale": Multiscale, "nothing": Nothing}
    made = weightless.get(extractor_name, lambda: ConvnetStatistics(extractor_name, "random"))
    extractor, frames = made(), 0
    videos = [VideoRecord("clip", Path(clip), 0.0)] * decoders
    for _, result in extract_videos(videos, extractor, frame_rate_hz=rate, decoders=decoders):
        frames += len(result.features)
    stop.set()
    watcher.join()
    print(f"{(peak - base) / 2**20:.0f} MiB beyond the imports, {frames} frames described")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extractor", choices=["multiscale", "vgg16", "nothing"])
    parser.add_argument("--seconds", type=int, nargs="+", default=[20, 60])
    parser.add_argument("--decoders", type=int, default=1)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--rate", type=float, help="frames per second to describe; default: all")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        measure(options.extractor, options.child, options.rate, options.decoders)
        return
    with tempfile.TemporaryDirectory() as folder:
        for seconds in options.seconds:
            width, height = map(int, options.size.split("x"))
            clip = made_clip(Path(folder) / f"{seconds}.mp4", width, height, 30 * seconds)
            arguments = [sys.executable, __file__, options.extractor, "--child", str(clip)]
            arguments += ["--decoders", str(options.decoders)]
            if options.rate:
                arguments += ["--rate", str(options.rate)]
            print(f"{options.extractor}, {options.size}, {seconds} s: ", end="", flush=True)
            subprocess.run(arguments, check=True)


if __name__ == "__main__":
    main()
