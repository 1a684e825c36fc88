"""Peak memory of extraction beyond the imports, for 1080p clips of two lengths (with children).

Run: python benchmarks/extraction_memory.py vgg16|multiscale [--seconds 20 60] [--rate 0.2]
`--rate` describes fewer frames per second, because VGG-16 takes many seconds per frame on a CPU;
every frame is decoded nevertheless.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from extraction import make_clip


def resident_bytes():
    """Return the resident memory of this process and its children in bytes."""
    own = os.getpid()
    pids = [
        own,
        *map(int, Path(f"/proc/{own}/task/{own}/children").read_text(encoding="utf-8").split()),
    ]
    total = 0
    for pid in pids:
        try:
            status = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
        except OSError:
            continue
        total += sum(int(row.split()[1]) for row in status.splitlines() if row.startswith("Pss:"))
    return total * 1024


def measure(extractor_name, clip, rate):
    """Extract one clip and print the peak beyond the imports, in MiB."""
    import torch

    from vqa.databases.records import VideoRecord
    from vqa.features.convnet import ConvnetStatistics
    from vqa.features.extraction.pipeline import extract_videos
    from vqa.features.multiscale import Multiscale

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
    bank = extractor_name == "multiscale"
    extractor = Multiscale() if bank else ConvnetStatistics(extractor_name, "random")
    video = VideoRecord("clip", Path(clip), 0.0)
    for _, result in extract_videos([video], extractor, frame_rate_hz=rate):
        frames = len(result.features)
    stop.set()
    watcher.join()
    print(f"{(peak - base) / 2**20:.0f} MiB beyond the imports, {frames} frames described")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extractor", choices=["multiscale", "vgg16"])
    parser.add_argument("--seconds", type=int, nargs="+", default=[20, 60])
    parser.add_argument("--rate", type=float, help="frames per second to describe; default: all")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        measure(options.extractor, options.child, options.rate)
        return
    with tempfile.TemporaryDirectory() as folder:
        for seconds in options.seconds:
            clip = make_clip(Path(folder) / f"{seconds}.mp4", 1920, 1080, 30 * seconds)
            arguments = [sys.executable, __file__, options.extractor, "--child", str(clip)]
            if options.rate:
                arguments += ["--rate", str(options.rate)]
            print(f"{options.extractor}, 1080p, {seconds} s: ", end="", flush=True)
            subprocess.run(arguments, check=True)


if __name__ == "__main__":
    main()
