"""Speed of loading fragments from video files, compared with decoding only, and its peak memory.

Encodes H.264 files of a moving, grainy texture: 1080p at 30 Hz with a keyframe every 12 and every
250 frames, and a short file in 4K. For both 1080p files, it prints

- the number of frames that are decoded and the number that are wanted, for one training clip and
  for four evaluation clips, with leaps and in sequence;
- videos/s of a data loader that makes one training clip per video (probe, sampling, leaping,
  cutting, tensor), with one worker and with several, and their ratios to one process that only
  decodes the same frames: in sequence, and with leaps;
- the time for one training clip and for four evaluation clips, relative to decoding the whole file.

For the 4K file, it prints the peak memory of a fresh process that makes four evaluation clips,
above that of a process that only imports. Times are medians over rounds in which all candidates
take turns.

Run: python benchmarks/fragment_loading.py [--workers 2] [--videos 8] [--rounds 3] [--seconds 10]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import av
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from vqa.video import probe, readers, stream_frames
from vqa.video.fragments import gather, plan
from vqa.video.sampling import clip_indices

RATE_HZ = 30


class TrainingClips(Dataset):
    """Training clips of one file; the index is the seed of a clip's start."""

    def __init__(self, path, videos):
        self.path, self.videos = path, videos

    def __len__(self):
        return self.videos

    def __getitem__(self, number):
        return fragments(self.path, 1, np.random.default_rng(number))


def fragments(path, num_clips, rng=None):
    """Load fragments (num_clips, 32, 224, 224, 3) of a file."""
    info = probe(path)
    indices = clip_indices(info.frames, num_clips, rng=rng)
    corners = plan(info.height, info.width, *indices.shape, rng=rng)
    chunks = stream_frames(path, np.unique(indices), info=info, leaping=True)
    return torch.from_numpy(gather(chunks, indices, corners))


def decode(path, indices=None, leaping=False):
    """Only decode."""
    for _ in stream_frames(path, indices, leaping=leaping):
        pass


def make_clip(path, size, frames, group, preset):
    """Encode a texture that moves by four pixels per frame; a keyframe every `group` frames."""
    width, height = size
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 255, (height // 4, width // 4 + frames, 3), dtype=np.uint8)
    options = {"crf": "23", "preset": preset, "sc_threshold": "0"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE_HZ, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.gop_size = group
        for index in range(frames):
            seen = texture[:, index : index + width // 4].repeat(4, 0).repeat(4, 1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(seen, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def decoded_frames(path, indices, leaping):
    """Count the frames that the decoder outputs to yield the wanted ones."""
    count, decoded = 0, readers._decoded

    def counted(*arguments):
        nonlocal count
        for frame in decoded(*arguments):
            count += 1
            yield frame

    with mock.patch.object(readers, "_decoded", counted):
        decode(path, indices, leaping)
    return count


def medians_s(candidates, rounds):
    """Median seconds of each candidate; all take turns in each round, the first is discarded."""
    seconds = {name: [] for name in candidates}
    for round_ in range(rounds + 1):
        for name, action in candidates.items():
            start_s = time.perf_counter()
            action()
            if round_:
                seconds[name].append(time.perf_counter() - start_s)
    return {name: statistics.median(spent) for name, spent in seconds.items()}


def compare(path, workers, videos, rounds):
    """Print the results for one file."""
    info = probe(path)
    starts = [np.random.default_rng(number) for number in range(videos)]
    training = [np.unique(clip_indices(info.frames, 1, rng=rng)) for rng in starts]
    evaluation = np.unique(clip_indices(info.frames, 4))
    for name, clips in (("a training clip", training), ("four evaluation clips", [evaluation])):
        wanted = statistics.mean(map(len, clips))
        with_leaps = statistics.mean(decoded_frames(path, indices, True) for indices in clips)
        in_sequence = statistics.mean(decoded_frames(path, indices, False) for indices in clips)
        print(
            f"  {name}: {wanted:.0f} frames wanted; decoded with leaps {with_leaps:.1f}, "
            f"in sequence {in_sequence:.1f}"
        )
    loaders = {
        count: DataLoader(
            TrainingClips(path, videos),
            batch_size=None,
            num_workers=count,
            persistent_workers=True,
        )
        for count in sorted({1, workers})
    }
    candidates = {
        "bare": lambda: [decode(path, indices) for indices in training],
        "leaping": lambda: [decode(path, indices, leaping=True) for indices in training],
        **{count: lambda loader=loader: list(loader) for count, loader in loaders.items()},
        "whole": lambda: decode(path),
        "training": lambda: [fragments(path, 1, np.random.default_rng(k)) for k in range(videos)],
        "evaluation": lambda: fragments(path, 4),
    }
    times_s = medians_s(candidates, rounds)
    print(
        f"  only decoding, one process: {videos / times_s['bare']:.2f} videos/s in sequence, "
        f"{videos / times_s['leaping']:.2f} with leaps"
    )
    for count in loaders:
        print(
            f"  loader, {count} worker(s): {videos / times_s[count]:.2f} videos/s, "
            f"{times_s['bare'] / times_s[count]:.2f} of decoding in sequence, "
            f"{times_s['leaping'] / times_s[count]:.2f} of decoding with leaps"
        )
    whole = times_s["whole"]
    print(
        f"  relative to the time to decode the whole file ({whole:.2f} s): "
        f"a training clip {times_s['training'] / videos / whole:.2f}, "
        f"four evaluation clips {times_s['evaluation'] / whole:.2f}"
    )


def peak_mib():
    """Peak resident memory of this process; getrusage would include that of its parent."""
    rows = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    row = next(row for row in rows if "VmHWM" in row)
    return int(row.split()[1]) / 1024


def measured_child(*arguments):
    """Peak memory of a fresh process, in MiB."""
    command = [sys.executable, __file__, "--child", *map(str, arguments)]
    return float(subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count(), help="workers of the data loader"
    )
    parser.add_argument("--videos", type=int, default=8, help="training clips per round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10, help="duration of the 1080p files")
    parser.add_argument("--child", nargs="*", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.child is not None:
        for path in options.child:
            fragments(path, 4)
        print(peak_mib())
        return
    with tempfile.TemporaryDirectory() as folder:
        for group in (12, 250):
            path = Path(folder) / f"{group}.mp4"
            make_clip(path, (1920, 1080), RATE_HZ * options.seconds, group, "veryfast")
            size_mb = path.stat().st_size / 1e6
            print(f"1080p, {options.seconds} s, {size_mb:.0f} MB, a keyframe every {group} frames")
            compare(path, options.workers, options.videos, options.rounds)
        path = make_clip(Path(folder) / "4k.mp4", (3840, 2160), 2 * RATE_HZ, 250, "ultrafast")
        info = probe(path)
        wanted = len(np.unique(clip_indices(info.frames, 4)))
        above = measured_child(path) - measured_child()
        print(
            f"4K, four evaluation clips: peak {above:.0f} MiB above the imports; their {wanted} "
            f"distinct frames take {wanted * info.height * info.width * 3 / 2**20:.0f} MiB"
        )


if __name__ == "__main__":
    main()
