"""Synthetic features with a known relation to MOS, shared by the tests of this folder."""

import numpy as np


def planted(rows=60, dim=8, seed=0):
    """Return features (rows, dim), whose columns differ in scale, and MOS between 1 and 5."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(rows, dim))
    mos = 3 + 0.5 * hidden[:, 0] + 0.3 * np.sin(2 * hidden[:, 1]) + rng.normal(0, 0.2, rows)
    return hidden * 10.0 ** (np.arange(dim) % 4 - 1) + 2, mos


def inner_split(rows, seed=1):
    """Return shuffled row numbers: three quarters to fit to, a quarter to judge on."""
    order = np.random.default_rng(seed).permutation(rows)
    return order[rows // 4 :], order[: rows // 4]
