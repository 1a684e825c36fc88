"""Main causes of real clips with one plain damage each, at their own size, by `vqa.load`.

    OMP_NUM_THREADS=1 python benchmarks/plain_damages.py CLIP...

Unlike `planted_causes.py`, the damages are not those of the table of causes: Gaussian blur and
noise, a factor on RGB values, one frame that is shown for a part of the time. The first 3 s of each
clip are encoded again (x264, CRF 20).
"""

import argparse
import tempfile
from collections import Counter
from itertools import islice
from pathlib import Path

import av
import numpy as np
from scipy.ndimage import gaussian_filter

import vqa
from vqa.databases.synthesis.encoding import write_h264

RATE_HZ, FRAMES, CRF = 24, 72, 20


def blur(frames, sigma):
    """Blur by a deviation in pixels."""
    return np.stack([gaussian_filter(frame, (sigma, sigma, 0)) for frame in frames])


def noise(frames, sigma):
    """Add noise with a deviation in grey levels of 255."""
    return frames + np.random.default_rng(7).normal(0, sigma, frames.shape)


def darken(frames, share):
    """Multiply by a share."""
    return frames * share


def freeze(frames, share):
    """Show one frame for a share of the time, in the middle."""
    shown, held = np.arange(len(frames)), int(share * len(frames))
    first = (len(frames) - held) // 2
    shown[first : first + held] = first
    return frames[shown]


DAMAGES = [
    ("none", "none", lambda frames, strength: frames, (0,)),
    ("sharpness", "blur", blur, (1.5, 3, 5)),
    ("noise", "noise", noise, (10, 20, 35)),
    ("colour", "darkening", darken, (0.5, 0.3, 0.15)),
    ("motion", "freeze", freeze, (0.3, 0.5, 0.8)),
]


def read(clip):
    """Read the first frames, with even sides."""
    with av.open(str(clip)) as container:
        frames = [
            frame.to_ndarray(format="rgb24") for frame in islice(container.decode(video=0), FRAMES)
        ]
    height, width = frames[0].shape[:2]
    return np.stack(frames)[:, : height // 2 * 2, : width // 2 * 2].astype(np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="+", type=Path)
    clips = parser.parse_args().clips
    scorer = vqa.load("ugc", device="cpu", explain=True)
    found: dict[tuple[str, str, float], list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.mp4"
        for clip in clips:
            frames = read(clip)
            for kind, name, damage, strengths in DAMAGES:
                for strength in strengths:
                    damaged = np.rint(np.clip(damage(frames, strength), 0, 255)).astype(np.uint8)
                    write_h264(path, damaged, RATE_HZ, CRF)
                    score = scorer(path)
                    main_cause = score.explanation["main_cause"]["kind"] or "none"
                    found.setdefault((kind, name, strength), []).append(main_cause)
    print("| Damage | Strength | Right | Main causes |\n|---|---:|---:|---|")
    for (kind, name, strength), causes in found.items():
        counts = ", ".join(f"{cause} {count}" for cause, count in Counter(causes).most_common())
        print(f"| {name} | {strength:g} | {causes.count(kind)} of {len(causes)} | {counts} |")


if __name__ == "__main__":
    main()
