"""The releases' way to train GSTVQA and VSFA, written anew as the baseline of `training.py`.

The same operations in the same order as the released scripts: features of a database as float64,
padded to the longest video, default collation, a cast to float32 in the step; one forward pass of
the linear layer and the GRU for the batch, then a loop over the videos that pools each at once.
With `--release` the benchmarks hold these networks against the authors' own.
"""

import importlib.util
import os
import sys
import tempfile
import types
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

KINDS = ("gstvqa", "vsfa")
DIMS = {"gstvqa": 2944, "vsfa": 4096}
BATCHES = {"gstvqa": 128, "vsfa": 16}


class ReleasedData(Dataset):
    """All features of a database as the releases hold them: float64, padded.

    Args:
        features: Of each video, (T, D).
        targets: Labels of the videos.
        spread: Also hold the temporal deviation of the first half of the features.
    """

    def __init__(self, features: list[Tensor], targets: np.ndarray, spread: bool) -> None:
        longest, dim = max(map(len, features)), features[0].shape[1]
        self.features = np.zeros((len(features), longest, dim))
        self.lengths = np.zeros((len(features), 1))
        self.spread = np.zeros((len(features), dim // 2))
        for place, rows in enumerate(features):
            self.features[place, : len(rows)] = rows.numpy()
            self.lengths[place] = len(rows)
            if spread:
                self.spread[place] = self.features[place, : len(rows), : dim // 2].std(0)
        self.targets = targets[:, None]

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, place: int) -> tuple[np.ndarray, ...]:
        return (
            self.features[place], self.lengths[place], self.targets[place], self.spread[place]
        )  # fmt: skip


class ReleasedGSTVQA(nn.Module):
    """GSTVQA as released: attention for the batch, pooling video by video."""

    def __init__(self, channels: int = 1472) -> None:
        super().__init__()
        self.bottleneck = nn.Sequential(
            nn.Linear(channels, 320), nn.ReLU(), nn.Linear(320, channels)
        )
        self.reduce = nn.Linear(channels, 256)
        self.rnn = nn.GRU(256, 32, batch_first=True)
        self.attention = nn.Sequential(nn.Conv1d(32, 1, 15), nn.ReLU(), nn.Conv1d(1, 1, 15))
        self.bin_head, self.video_head = nn.Linear(32, 1), nn.Linear(127, 1)
        self.precision = nn.Parameter(torch.ones(32))
        self.mean = nn.Parameter(torch.zeros(32))

    def forward(
        self, features: Tensor, lengths: Tensor, spread: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        steps = features.shape[1]
        weights = self.bottleneck(spread).sigmoid()
        scaled = features[:, :, spread.shape[1] :] * weights.unsqueeze(1).repeat(1, steps, 1)
        start = torch.zeros(1, len(features), 32, device=features.device)
        hidden, _ = self.rnn(self.reduce(scaled), start)
        rows, frame = [], torch.zeros_like(lengths, device=hidden.device)
        for place in range(len(lengths)):
            own = hidden[place, : int(lengths[place].item())]
            attention = self.attention(own.T[None]).tanh().squeeze().repeat(32, 1).T
            weighted = attention * own[14:-14]
            pooled = weighted.mean(0, keepdim=True)
            for level in range(1, 7):
                bins = nn.AdaptiveAvgPool1d(2**level)
                mean = bins(weighted.T[None]).squeeze(0).T / bins(attention.T[None]).squeeze(0).T
                pooled = torch.cat((pooled, mean), 0)
            scores = self.bin_head(pooled).T
            rows = scores if place == 0 else torch.cat((rows, scores), 0)
            last = own.mean(0)
            frame[place] = (-(self.precision**2) * (last - self.mean) ** 2).exp().mean()
        return self.video_head(rows), frame, last


class ReleasedVSFA(nn.Module):
    """VSFA as released: pooling video by video."""

    def __init__(self, dim: int = 4096) -> None:
        super().__init__()
        self.reduce = nn.Linear(dim, 128)
        self.rnn = nn.GRU(128, 32, batch_first=True)
        self.head = nn.Linear(32, 1)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        start = torch.zeros(1, len(features), 32, device=features.device)
        hidden, _ = self.rnn(self.reduce(features), start)
        quality = self.head(hidden)
        score = torch.zeros_like(lengths, device=quality.device)
        for place in range(len(lengths)):
            score[place] = self._pooled(quality[place, : int(lengths[place].item())]).mean()
        return score

    def _pooled(self, quality: Tensor) -> Tensor:
        row = quality.T[None]
        before = torch.full((1, 1, 11), -torch.inf, device=row.device)
        after = torch.full((1, 1, 11), 1e4, device=row.device)
        memory = -functional.max_pool1d(torch.cat((before, -row), 2), 12, stride=1)
        weighted = torch.cat((row * (-row).exp(), after * (-after).exp()), 2)
        weights = torch.cat(((-row).exp(), (-after).exp()), 2)
        ahead = functional.avg_pool1d(weighted, 12, 1) / functional.avg_pool1d(weights, 12, 1)
        return 0.5 * ahead + 0.5 * memory


class Released:
    """A network of the releases in its training loop.

    Args:
        kind: `gstvqa` or `vsfa`.
        device: To train on.
        network: The authors' own network; None builds the one above.
    """

    def __init__(self, kind: str, device: torch.device, network: nn.Module | None = None) -> None:
        self.kind, self.device = kind, device
        own = ReleasedGSTVQA() if kind == "gstvqa" else ReleasedVSFA()
        self.is_own, self.network = network is None, (network or own).to(device)
        rate = 1e-4 if kind == "gstvqa" else 1e-5
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=rate)
        self.critic = nn.Sequential(
            nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1), nn.Sigmoid()
        ).to(device)  # fmt: skip
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), lr=1e-4)

    def step(self, batch: tuple[Tensor, ...]) -> float:
        """Train on a batch of the default collation; return the loss."""
        features, lengths, target, spread = batch
        features, target, spread = (
            one.to(self.device).float() for one in (features, target, spread)
        )
        lengths = lengths.float()
        self.optimizer.zero_grad()
        if self.kind == "vsfa":
            loss = functional.l1_loss(self.network(features, lengths), target)
            loss.backward()
            self.optimizer.step()
            return loss.item()
        self.critic_optimizer.zero_grad()
        given = (spread,) if self.is_own else (spread,) * 4
        video, frame, last, *_ = self.network(features, lengths, *given)
        drawn = torch.normal(0, torch.ones(len(target), 32))[None]
        for _ in range(len(target) - 1):
            drawn = torch.cat((drawn, torch.normal(0, torch.ones(len(target), 32))[None]), 0)
        losses = (
            functional.l1_loss(video, target),
            0.05 * ((1 - self.critic(last)) ** 2).mean(),
            0.5 * functional.l1_loss(frame, target),
        )
        self.network.zero_grad()
        sum(losses).backward()
        self.optimizer.step()
        told = -(self.critic(drawn.to(self.device)) ** 2).mean()
        told = told - ((1 - self.critic(last.detach())) ** 2).mean()
        (0.05 * told).backward()
        self.critic_optimizer.step()
        return sum(loss.item() for loss in losses)

    def epoch(self, data: ReleasedData) -> float:
        """Train on all videos once; return the last loss."""
        loader = DataLoader(data, batch_size=BATCHES[self.kind], shuffle=True)
        return [self.step(batch) for batch in loader][-1]

    @torch.no_grad()
    def scores(self, data: ReleasedData) -> Iterator[float]:
        """Yield the score of each video, one at a time."""
        for features, lengths, _, spread in DataLoader(data):
            given = [features.to(self.device).float(), lengths.float()]
            if self.kind == "gstvqa":
                given += [spread.to(self.device).float()] * (1 if self.is_own else 4)
                yield self.network(*given)[0].item()
            else:
                yield self.network(*given).item()


def authors_network(kind: str, folder: Path) -> nn.Module:
    """Build the network of a checkout of the authors' repository.

    Args:
        kind: `gstvqa` or `vsfa`.
        folder: Of the checkout.
    """
    name, script = {"gstvqa": ("GSTVQA", "GVQA_Cross/main.py"), "vsfa": ("VSFA", "VSFA.py")}[kind]
    path = next(folder.resolve().rglob(script))
    if not hasattr(np, "int"):  # the scripts were written for an older NumPy
        setattr(np, "int", lambda value: int(value.item()))  # noqa: B010
    boards = types.ModuleType("tensorboardX")
    boards.SummaryWriter = object
    sys.modules.setdefault("tensorboardX", boards)
    sys.path.insert(0, str(path.parent))
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)  # one of them writes a log when it is imported
        try:
            spec = importlib.util.spec_from_file_location(f"release_{kind}", path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        finally:
            os.chdir(before)
            sys.path.pop(0)
    return getattr(module, name)()
