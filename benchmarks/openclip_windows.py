"""CLIP on windows against the network only: the extractor, and open_clip on prepared batches.

The extractor's windows per second include cutting, normalisation, the softmax and the pooling. The
network's rate is that of `encode_image` on a batch of the same size, already on the device. Both
are measured in turn in one run.
Run: python benchmarks/openclip_windows.py [--windows 9] [--frames 16]
Weights are random, because speed does not depend on them.
"""

import argparse
import statistics
import time

import numpy as np
import open_clip
import torch

from vqa.features.openclip import OpenClipWindows


def timed(action, device):
    """Return the seconds that an action takes; waits for the device before and after it."""
    synchronise = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    synchronise()
    start = time.perf_counter()
    action()
    synchronise()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", default="ViT-B-32-quickgelu")
    parser.add_argument("--windows", type=int, default=9)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--size", default="960x540")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="float32")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    extractor = OpenClipWindows(
        options.architecture,
        "random",
        options.windows,
        device=options.device,
        precision=options.precision,
        batch_windows=options.batch,
    )
    device, batch = extractor.device, extractor.batch_windows
    width, height = map(int, options.size.split("x"))
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (options.frames, height, width, 3)).astype(np.uint8)
    network = open_clip.create_model(options.architecture).eval().to(device, extractor.dtype)
    side = extractor.side
    ready = torch.randn(batch, 3, side, side, device=device, dtype=extractor.dtype)
    total = options.frames * options.windows
    batches = -(-total // batch)

    @torch.inference_mode()
    def bare():
        for _ in range(batches):
            network.encode_image(ready)

    seconds = {"bare": [], "extractor": []}
    for round_ in range(options.rounds + 1):
        for name, action in (("bare", bare), ("extractor", lambda: extractor(frames))):
            spent = timed(action, device)
            if round_:
                seconds[name].append(spent)
    counts = {"bare": batches * batch, "extractor": total}
    rates = {name: counts[name] / statistics.median(spent) for name, spent in seconds.items()}
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(
        f"{options.architecture}, {options.precision}, {where}, torch threads {options.threads}, "
        f"{options.frames} frames of {options.size}, {options.windows} windows each, batch {batch}"
    )
    for name, rate in rates.items():
        print(f"{name:9s} {rate:9.2f} windows/s")
    print(f"extractor over bare: {rates['extractor'] / rates['bare']:.3f}")


if __name__ == "__main__":
    main()
