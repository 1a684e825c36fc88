"""The commands on a GPU, on videos that are made here: extract, train, score.

Each command runs as users run it, with its own defaults, in a process of its own. The network of
the features has random weights, because speed does not depend on them. Printed are its own words,
with seconds from start to end, start of Python included.
Run: python benchmarks/gpu_scoring.py [--videos 64] [--tiny]
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from extraction_parts import made_clip

RANDOM = "features.vgg16.extractor.weights=random"


def made_videos(folder: Path, size: tuple[int, int], count: int, frames: int) -> None:
    """Make videos that differ in a box which no decoder reads, and their label table."""
    clip = made_clip(folder.parent / "clip.mp4", *size, frames).read_bytes()
    folder.mkdir()
    rows = ["video,mos"]
    for place in range(count):
        box = place.to_bytes(8, "big")
        name = f"v{place:04}.mp4"
        (folder / name).write_bytes(clip + (16).to_bytes(4, "big") + b"free" + box)
        rows.append(f"{name},{1 + 4 * (place * 7 % count) / count:.3f}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=24)
    parser.add_argument("--frames", type=int, default=240)
    parser.add_argument("--tiny", action="store_true", help="a check that everything runs")
    options = parser.parse_args()
    videos, frames = (8, 32) if options.tiny else (options.videos, options.frames)
    size = (96, 64) if options.tiny else (960, 540)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made_videos(folder / "videos", size, videos, frames)
        data = [
            "data=csv", "data.labels=videos/labels.csv", "data.root=videos", "data.mos_range=[1,5]",
            "features=vgg16", RANDOM,
        ]  # fmt: skip
        small = ["recipe=demo"] if options.tiny else ["loader.batch_size=8"]
        epochs = "trainer.max_epochs=2" if options.tiny else "trainer.max_epochs=50"
        for what, arguments in {
            "extract": ["extract", *data],
            "train": ["train", "model=gstvqa", *data, epochs, "folder=run"],
            "train end to end": [
                "train",
                "model=fastvqa",
                *data[:-2],
                "model.start.weights=random",
                "trainer.max_epochs=2",
                "folder=fragments",
                *small,
            ],
            "score": ["score", "run", "videos", "--output", "scores.csv"],
        }.items():
            started = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "vqa", *arguments],
                cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False,
            )  # fmt: skip
            spent = time.perf_counter() - started
            frames_s = f", {videos * frames / spent:.0f} frames/s" if "train" not in what else ""
            print(f"  vqa {what}: {spent:.1f} s for {videos} videos{frames_s}", flush=True)
            told = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            for line in told[-3:] if done.returncode == 0 else told[-12:]:
                print(f"    {line[:150]}", flush=True)


if __name__ == "__main__":
    main()
