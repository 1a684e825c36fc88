"""Score-CAM with masks in batches against one mask at a time, as in the published code.

All versions use the same weights, frames and masks, in turn, in one run, with the same number of
threads. The plain version enlarges, masks, classifies and weights one map after another in float32,
without gradients. Ratios are medians over the rounds, each within its round, of wall time and of
processor time, which other load disturbs less. A frame of VGG-16 has 512 masks; `--masks` limits
their number. Prints frames/s extrapolated to all masks, and the largest difference of the maps.
Run: python benchmarks/score_cam.py [--masks 32] [--precisions float32 bfloat16]
"""

import argparse
import time
from functools import partial

import numpy as np
import torch
from torch.nn import functional

from vqa.features.score_cam import score_cam
from vqa.models.pretrained.classifier import Classifier
from vqa.models.pretrained.imagenet import SIDE, load_classifier
from vqa.models.pretrained.normalisation import normalise


@torch.no_grad()
def one_at_a_time(model, image, maps, logits):
    """Compute the map (H, W) of one image (3, H, W)."""
    chosen = int(logits.argmax())
    total = torch.zeros(image.shape[1:], device=image.device)
    for k in range(len(maps)):
        u = functional.interpolate(maps[None, k : k + 1], image.shape[1:], mode="bilinear")
        if u.max() == u.min():
            continue
        n = (u - u.min()) / (u.max() - u.min())
        total += model(n * image[None]).softmax(1)[0, chosen] * u[0, 0]
    total = total.relu()
    return (total - total.min()) / (total.max() - total.min())


def moving_gradients(count):
    """Return frames uint8 (count, 224, 224, 3) of smooth waves and noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    frames = []
    for k in range(count):
        waves = [np.sin(9 * (x * c + y) + k + c) for c in (1, 2, 3)]
        frames.append(128 + 90 * np.stack(waves, -1) + rng.normal(0, 8, (SIDE, SIDE, 3)))
    return np.clip(frames, 0, 255).astype(np.uint8)


def timed(action, device):
    """Return wall and processor time of an action in seconds, and its result."""
    wall, processor = time.perf_counter(), time.process_time()
    outcome = action()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - wall, time.process_time() - processor, outcome


@torch.inference_mode()
def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", default="vgg16")
    parser.add_argument("--weights", default="random")
    parser.add_argument("--frames", type=int, default=1)
    parser.add_argument("--masks", type=int, default=32, help="masks per frame; 0: all")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8, 16, 32])
    parser.add_argument("--precisions", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    classifier = Classifier(options.architecture, options.weights, options.device)
    device = classifier.device
    model = load_classifier(options.architecture, options.weights).to(device)
    images = normalise(moving_gradients(options.frames), device)
    maps, logits = classifier(images)
    maps = maps[:, : options.masks or None]
    share = maps.shape[1] / classifier.channels

    def plain():
        return torch.stack(
            [one_at_a_time(model, *part) for part in zip(images, maps, logits, strict=True)]
        )

    actions = {"one at a time": plain}
    for precision in options.precisions:
        classify = classifier.logits_in(precision)
        for batch in options.batches:
            actions[f"{precision} in batches of {batch}"] = partial(
                score_cam, images, maps, logits, classify, batch=batch
            )
    print(f"{options.architecture}, {maps.shape[1]} of {classifier.channels} masks, {device}")
    for threads in options.threads:
        torch.set_num_threads(threads)
        spent = {name: [] for name in actions}
        outcomes = {}
        for action in actions.values() if device.type == "cuda" else ():
            action()  # the first kernels on a GPU are slow
        for _ in range(options.rounds):
            for name, action in actions.items():
                wall, processor, outcomes[name] = timed(action, device)
                spent[name].append((wall, processor))
        base = np.array(spent["one at a time"])
        for name, rows in spent.items():
            wall = np.median(rows, 0)[0]
            by_clock, by_processor = np.median(base / rows, 0)
            apart = (outcomes[name] - outcomes["one at a time"]).abs().max().item()
            print(
                f"  {threads} threads, {name:25s} {share * options.frames / wall:8.4f} frames/s: "
                f"{by_clock:5.2f}x in wall time, {by_processor:5.2f}x in processor time; "
                f"largest difference {apart:.1e}",
                flush=True,
            )


if __name__ == "__main__":
    main()
