"""The random draws of a training: each depends on the seed, the epoch and the video alone."""

import hashlib

import numpy as np


def rng_of(seed: int, epoch: int, video_id: str) -> np.random.Generator:
    """Return the generator of one view of a video in an epoch, whichever process makes it."""
    return np.random.default_rng((seed, epoch, number_of(video_id)))


def number_of(video_id: str) -> int:
    """Return a number of 64 bits that stands for a video in seeds."""
    return int.from_bytes(
        hashlib.sha256(video_id.encode("utf-8", "surrogateescape")).digest()[:8], "little"
    )
