"""Measure GSTVQA training in videos per second, with masked batches and with a loop over videos.

The loop computes the same per video and bin, like the pooling of the released code. Both take whole
optimiser steps on the same batch. Run: python benchmarks/gstvqa_training.py [--device cuda]
"""

import argparse
import math
import statistics
import time

import torch
from torch import nn
from torch.nn import functional

from vqa.models.gstvqa import GSTVQA


def loop_forward(model, features, lengths):
    """Compute GSTVQA video by video and bin by bin. Returns Q_vid (B,), Q_reg (B,)."""
    videos, frames = [], []
    first, _, second, _ = model.temporal_attention
    for x, length in zip(features, lengths.tolist(), strict=True):
        means, deviations = x[:length, : model.channels], x[:length, model.channels :]
        weights = model.channel_attention(means.std(0, correction=0))
        hidden, _ = model.rnn(model.reduce(weights * deviations)[None])
        u = functional.conv1d(hidden.mT, first.weight, first.bias).relu()
        u = functional.conv1d(u, second.weight, second.bias).tanh()[0, 0]
        g = u[:, None] * hidden[0, 14:-14]
        rows = []
        for level in range(model.levels):
            bins = 2**level
            for k in range(bins):
                start, end = math.floor(k * len(g) / bins), math.ceil((k + 1) * len(g) / bins)
                row = g[start:end].mean(0)
                rows.append(row / u[start:end].mean() if level else row)
        videos.append(model.video_head(model.bin_head(torch.stack(rows))[:, 0])[0])
        frames.append(model.gaussian_quality(hidden[0].mean(0)))
    return torch.stack(videos), torch.stack(frames)


def masked_forward(model, features, lengths):
    """Run the forward pass of the project."""
    output = model.assess(features, lengths)
    return output.video, output.frame


def step(forward, model, optimizer, batch):
    """Take one optimiser step."""
    features, lengths, target = batch
    video, frame = forward(model, features, lengths)
    loss = functional.l1_loss(video, target) + 0.5 * functional.l1_loss(frame, target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if features.is_cuda:
        torch.cuda.synchronize()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--videos", type=int, default=128)
    parser.add_argument("--frames", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    features = torch.rand(options.videos, options.frames, 2944, device=options.device)
    lengths = torch.full((options.videos,), options.frames, device=options.device)
    batch = (features, lengths, torch.rand(options.videos, device=options.device))
    model = GSTVQA().to(options.device)
    # Keeps the attention away from zero, where the quotient of the pyramid is unbounded and the two
    # implementations cannot be compared.
    nn.init.constant_(model.temporal_attention[2].bias, 1.0)
    with torch.no_grad():
        pair = [f(model, features[:8], lengths[:8]) for f in (loop_forward, masked_forward)]
        for loop, masked in zip(*pair, strict=True):
            torch.testing.assert_close(loop, masked, rtol=1e-4, atol=1e-4)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-6)
    seconds = {loop_forward: [], masked_forward: []}
    for round_ in range(options.rounds + 1):
        for forward, times in seconds.items():
            start = time.perf_counter()
            step(forward, model, optimizer, batch)
            if round_:
                times.append(time.perf_counter() - start)
    loop, masked = (statistics.median(times) for times in seconds.values())
    print(f"device {options.device}, torch threads {torch.get_num_threads()}")
    print(f"loop    {options.videos / loop:8.1f} videos/s")
    print(f"masked  {options.videos / masked:8.1f} videos/s")
    print(f"masked is {loop / masked:.1f} times as fast as loop")


if __name__ == "__main__":
    main()
