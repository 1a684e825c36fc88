"""Temporal pooling of padded batches, with masks instead of loops over the videos.

Shapes: B videos, T padded steps, C channels, K bins. `lengths` (B,) holds the number of valid steps
of each video; padding never influences a result.
"""

from functools import cache, lru_cache

import torch
from torch import Tensor
from torch.nn import functional


def time_mask(lengths: Tensor, steps: int) -> Tensor:
    """Mark the valid steps of each video. (B,) -> bool (B, steps)."""
    return torch.arange(steps, device=lengths.device) < lengths[:, None]


def masked_mean(x: Tensor, lengths: Tensor) -> Tensor:
    """Average the valid steps. (B, T) or (B, T, C) -> (B,) or (B, C)."""
    mask = time_mask(lengths, x.shape[1])
    if x.ndim == 3:
        mask, lengths = mask[..., None], lengths[:, None]
    return x.masked_fill(~mask, 0).sum(1) / lengths.to(x.dtype)


def masked_std(x: Tensor, lengths: Tensor) -> Tensor:
    """Return the population standard deviation (ddof 0) of the valid steps. (B, T, C) -> (B, C).

    The gradient of a constant channel is taken as zero.
    """
    # Products with the mask take half the passes over memory of two `masked_mean`.
    share = time_mask(lengths, x.shape[1]).to(x.dtype) / lengths[:, None]
    centred = x - share[:, None] @ x
    variance = (share[:, None] @ centred.square()).squeeze(1)
    constant = variance <= 0  # not NaN, which has to stay one
    return torch.where(~constant, variance.clamp_min(torch.finfo(x.dtype).tiny).sqrt(), 0.0)


def subjective_quality(
    frame_quality: Tensor, lengths: Tensor, tau: int = 12, beta: float = 0.5
) -> Tensor:
    """Return frame quality as perceived by a viewer with memory. (B, T) -> (B, T).

    The memory term is the worst quality of the last `tau` frames, the current one included. The
    current term is the mean of the current and the next `tau - 1` frames, weighted by
    exp(-quality), which emphasises drops in quality. `beta` multiplies the current term and
    `1 - beta` the memory term. Both windows are cut at the ends of the video. Values of padded
    steps are meaningless.

    Source: Li, Jiang and Jiang, "Quality assessment of in-the-wild videos", ACM MM 2019, after
    Seshadrinathan and Bovik's temporal hysteresis.
    """
    steps = frame_quality.shape[1]
    behind = functional.pad(frame_quality, (tau - 1, 0), value=torch.inf)
    memory = _windows(behind, tau).min(-1).values
    mask = time_mask(lengths, steps)
    ahead = _windows(functional.pad(frame_quality.masked_fill(~mask, 0), (0, tau - 1)), tau)
    valid = _windows(functional.pad(mask, (0, tau - 1)), tau)
    # A window in the padding would be empty and its softmax NaN.
    valid = valid | (torch.arange(tau, device=mask.device) == 0)
    weight = (-ahead).masked_fill(~valid, -torch.inf).softmax(-1)
    current = (weight * ahead).sum(-1)
    return beta * current + (1 - beta) * memory


def _windows(x: Tensor, size: int) -> Tensor:
    """Return all windows of `size` steps. (B, T + size - 1) -> (B, T, size).

    As slices: a pooling layer, or views by `unfold`, would fix the length of an exported model.
    """
    steps = x.shape[1] - size + 1
    return torch.stack([x[:, start : start + steps] for start in range(size)], -1)


def subjective_pooling(
    frame_quality: Tensor, lengths: Tensor, tau: int = 12, beta: float = 0.5
) -> Tensor:
    """Average `subjective_quality` over time. (B, T) -> (B,).

    Examples:
        >>> import torch
        >>> from vqa.models.pooling import masked_mean, subjective_pooling
        >>> frame_quality, lengths = torch.full((1, 60), 4.0), torch.tensor([60])
        >>> frame_quality[0, 30:36] = 2.0  # a short drop lowers the score more than the mean
        >>> round(masked_mean(frame_quality, lengths).item(), 1)
        3.8
        >>> round(subjective_pooling(frame_quality, lengths).item(), 1)
        3.5
    """
    return masked_mean(subjective_quality(frame_quality, lengths, tau, beta), lengths)


@cache
def _pyramid_bins(levels: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return number k and count n of each bin of a temporal pyramid, (K,) both."""
    bins = [(k, 2**level) for level in range(levels) for k in range(2**level)]
    with torch.inference_mode(False):  # what is kept may take part in a training later
        k, n = torch.tensor(bins, device=device).T
    return k, n


def pyramid_weights(
    lengths: Tensor, steps: int, levels: int = 7, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Return the averaging matrix of a temporal pyramid, (B, K, steps) with K = 2**levels - 1.

    Level m has 2**m bins. Bin k of n over L valid steps is [floor(kL/n), ceil((k+1)L/n)), as in
    adaptive average pooling: bins overlap if n does not divide L, and repeat steps if L < n.
    """
    # What is traced must not stay in the cache.
    bins = _pyramid_bins.__wrapped__ if torch.compiler.is_compiling() else _pyramid_bins
    k, n = bins(levels, lengths.device)
    length = lengths[:, None]
    start = (k * length).div(n, rounding_mode="floor")
    end = -((-(k + 1) * length).div(n, rounding_mode="floor"))
    step = torch.arange(steps, device=lengths.device)
    inside = (step >= start[..., None]) & (step < end[..., None])
    return inside.to(dtype) / (end - start)[..., None]


@lru_cache(maxsize=256)
def _weights_of_length(length: int, levels: int, dtype: torch.dtype) -> Tensor:
    """Return the averaging matrix of videos of one length, (K, length), on the CPU."""
    with torch.inference_mode(False):
        return pyramid_weights(torch.tensor([length]), length, levels, dtype)[0]


def pyramid_pooling(x: Tensor, lengths: Tensor, levels: int = 7) -> Tensor:
    """Average every bin of a temporal pyramid. (B, T, C) -> (B, 2**levels - 1, C).

    Examples:
        >>> import torch
        >>> from vqa.models.pooling import pyramid_pooling
        >>> x, lengths = torch.arange(8.0).reshape(1, 8, 1), torch.tensor([8])
        >>> pyramid_pooling(x, lengths, levels=3).flatten().tolist()
        [3.5, 1.5, 5.5, 0.5, 2.5, 4.5, 6.5]
    """
    if x.device.type == "cpu" and not torch.compiler.is_compiling():
        # The matrices of the few lengths of a database are made once; on a GPU, that would need
        # the lengths on the host.
        pooled = [
            _weights_of_length(length, levels, x.dtype) @ video[:length]
            for length, video in zip(lengths.tolist(), x, strict=True)
        ]
        return torch.stack(pooled)
    weights = pyramid_weights(lengths, x.shape[1], levels, x.dtype)
    return weights @ x.masked_fill(~time_mask(lengths, x.shape[1])[..., None], 0)


def reflect_to(x: Tensor, lengths: Tensor, least: int) -> tuple[Tensor, Tensor]:
    """Extend videos shorter than `least` steps by reflection at both ends.

    Args:
        x: Padded steps (B, T, C).
        lengths: Valid steps of each video (B,).
        least: Minimum length.

    Returns:
        Steps (B, max(T, least + 1), C) and new lengths (B,). Longer videos are unchanged.
    """
    # One more than the shortest video has: what is left of it after convolutions of `least` steps
    # would otherwise be an axis of length 1, which an exported model would keep for good.
    steps = max(x.shape[1], least + 1)
    extended = lengths.clamp_min(least)
    offset = (extended - lengths).div(2, rounding_mode="floor")
    period = (2 * (lengths - 1)).clamp_min(1)
    position = torch.arange(steps, device=x.device) - offset[:, None]
    position = position.remainder(period[:, None])
    position = torch.minimum(position, period[:, None] - position)
    plain = torch.arange(steps, device=x.device).clamp_max(x.shape[1] - 1).expand_as(position)
    index = torch.where((lengths < least)[:, None], position, plain)
    return x.gather(1, index[..., None].expand(-1, -1, x.shape[2])), extended
