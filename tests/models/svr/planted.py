"""Features with a planted relation to MOS, shared by the tests of this folder."""

import numpy as np


def planted(rows=60, dim=8, seed=0):
    """Features (rows, dim), columns of very different scale, and MOS on a scale of 1 to 5."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(rows, dim))
    mos = 3 + 0.5 * hidden[:, 0] + 0.3 * np.sin(2 * hidden[:, 1]) + rng.normal(0, 0.2, rows)
    return hidden * 10.0 ** (np.arange(dim) % 4 - 1) + 2, mos


def inner_split(rows, seed=1):
    """Shuffled row numbers: three quarters to fit on, a quarter to judge on."""
    order = np.random.default_rng(seed).permutation(rows)
    return order[rows // 4 :], order[: rows // 4]
