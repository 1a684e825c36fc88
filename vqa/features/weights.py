"""Weights of frozen networks: what is wrong with them, and what tells them apart."""

import hashlib

from torch import nn


class WeightsError(RuntimeError):
    """Weights that are not there or do not fit; the text says where they were looked for."""


def state_hash(module: nn.Module) -> str:
    """SHA-256 of a network's parameters and buffers, by name."""
    digest = hashlib.sha256()
    for key, value in sorted(module.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()
