"""Compare the time of the gated Video Swin-T with torchvision's, which has a single bias table.

Both have the same weights and take turns on the same clip: the forward pass, then forward and
backward pass.
Run: OMP_NUM_THREADS=1 python benchmarks/swin3d.py [--device cuda --autocast --batch 4 --rounds 20]
"""

import argparse
import contextlib
import statistics
import time

import torch
from torchvision.models.video import swin3d_t

from vqa.models.swin3d import FragmentSwin


def forward(model, clip):
    """Run the forward pass without gradients."""
    with torch.inference_mode():
        model(clip)


def forward_backward(model, clip):
    """Run the forward and the backward pass."""
    model.zero_grad(set_to_none=True)
    model(clip).square().mean().backward()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--autocast", action="store_true", help="use bfloat16 autocast")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    theirs = swin3d_t().eval().to(options.device)
    ours = FragmentSwin.from_published(theirs.state_dict(), tie_tables=True).to(options.device)
    clip = torch.randn(options.batch, 3, 32, 224, 224, device=options.device)
    with torch.inference_mode():
        pooled = theirs.head(ours(clip).mean((2, 3, 4)))
        torch.testing.assert_close(pooled, theirs(clip), rtol=1e-3, atol=1e-3)
    precision = contextlib.nullcontext()
    if options.autocast:
        precision = torch.autocast(options.device, torch.bfloat16)
    name = torch.cuda.get_device_name() if options.device == "cuda" else options.device
    print(f"device {name}, batch {options.batch}, autocast {options.autocast}, ", end="")
    print(f"torch threads {torch.get_num_threads()}, {options.rounds} rounds, medians")
    for task in (forward, forward_backward):
        seconds = {theirs: [], ours: []}
        for round_ in range(options.rounds + 1):
            for model, times in seconds.items():
                start = time.perf_counter()
                with precision:
                    task(model, clip)
                if options.device == "cuda":
                    torch.cuda.synchronize()
                if round_:
                    times.append(time.perf_counter() - start)
        single, gated = (statistics.median(times) for times in seconds.values())
        print(f"{task.__name__:17} torchvision {single:8.4f} s   ours {gated:8.4f} s   ", end="")
        print(f"ours / torchvision {gated / single:.2f}")


if __name__ == "__main__":
    main()
