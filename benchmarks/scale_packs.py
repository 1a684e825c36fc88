"""A packed cache of many videos: seconds and memory to open it and to find a video.

    python -m benchmarks.scale_packs --videos 1000000

The archives are as long as packs of so many videos would be, but sparse: nothing is written to them
except the features that are then read.
"""

import argparse
import hashlib
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from vqa.features.extraction.cache import FeatureCache
from vqa.features.extraction.packs import ENTRY, PACK_BYTES


def main() -> None:
    """Print the figures of one size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=1_000_000)
    parser.add_argument("--kilobytes", type=int, default=181, help="of the features of a video")
    given = parser.parse_args()
    size = 1000 * given.kilobytes
    with TemporaryDirectory() as folder:
        cache = FeatureCache(folder, "made", "f" * 64)
        keys = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(100)]
        for key in keys:
            cache.store(key, torch.zeros(size // 8, 2), torch.zeros(2).double(), {"source": key})
        cache.pack(keys)
        packs = _add_empty(cache.packs.folder, given.videos - len(keys), size)
        del cache
        time.sleep(1.1)  # a folder that is younger is read at each look
        before = _peak_mb()
        started = time.perf_counter()
        cache = FeatureCache(folder, "made", "f" * 64)
        entries = len(cache.packs)
        opened = time.perf_counter() - started
        started = time.perf_counter()
        assert all(len(next(cache.packs.find(key))) for key in keys)
        found = (time.perf_counter() - started) / len(keys)
        print(
            f"{entries:,} videos in {packs + 1} packs: opened in {opened:.2f} s with "
            f"{_peak_mb() - before:.0f} MB more at the peak; {1000 * found:.2f} ms to read one of "
            f"{given.kilobytes} kB"
        )


def _add_empty(folder: Path, videos: int, size: int) -> int:
    """Add packs of made keys; return their number."""
    generator, each = np.random.default_rng(0), PACK_BYTES // size
    starts = range(0, videos, each)
    for number, start in enumerate(starts):
        table = np.zeros(min(each, videos - start), ENTRY)
        table["key"] = generator.integers(0, 256, (len(table), 32), np.uint8)
        table["place"], table["size"] = size * np.arange(len(table)), size
        path = folder / f"{number:032x}.tar"
        with path.open("wb") as file:
            file.truncate(size * len(table))
        np.save(path.with_suffix(".npy"), table)
    return len(starts)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
