"""Features of a whole database in one memory-mapped file, for those that memory does not hold.

`<cache>/packed/<key>.rows` has the rows of all videos one after another, and
`<key>.safetensors` where each begins, what is one vector per video, and the SHA-256 of the rows.
The key is a hash of the features in the cache and of what was made of them. The index is written
last, so a file without it is incomplete; both can be deleted at any time.
"""

import fcntl
import hashlib
import json
import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vqa import __version__
from vqa.databases.records import VideoRecord
from vqa.files import content_hash, write_atomically
from vqa.progress import progress_bar

if TYPE_CHECKING:
    from vqa.training.views.feature_views import FeatureSequence, FeatureVector

log = logging.getLogger(__name__)

Sample = dict[str, Tensor]
FOLDER = "packed"
STARTS = "starts"


def mapped_samples(
    view: "FeatureSequence | FeatureVector",
    videos: Sequence[VideoRecord],
    read: Callable[[VideoRecord], Sample],
    form: str,
) -> dict[str, Sample] | None:
    """Return the samples of all videos from a mapped file, which is made if it is absent.

    Processes that need the same file make it once: the others wait.

    Args:
        view: The view of features.
        videos: All videos of a database.
        read: Makes a sample of a video: `features` (T, D), and perhaps vectors beside them.
        form: What `read` does to the features of the view, in words that differ if it differs.

    Returns:
        Samples by id; None if the features are not from a cache, or the disk has no room.
    """
    folder = view.cache_root
    if folder is None:
        return None
    identities = [[source.identity(video) for source in view.sources] for video in videos]
    text = json.dumps([__version__, form, identities])
    path = folder / FOLDER / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.rows"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # ends with the process
            if (found := _opened(path, videos, read)) is None:
                _write(path, videos, read)
                found = _opened(path, videos, read)
    except OSError as error:
        log.warning("features stay in %s: %s", folder, error)
        return None
    return found


def _write(
    path: Path, videos: Sequence[VideoRecord], read: Callable[[VideoRecord], Sample]
) -> None:
    """Write the rows of all videos, then the index; in half precision if no video needs more."""
    for dtype in (torch.float16, torch.float32, torch.float64):
        if _write_as(dtype, path, videos, read):
            return


def _write_as(
    dtype: torch.dtype,
    path: Path,
    videos: Sequence[VideoRecord],
    read: Callable[[VideoRecord], Sample],
) -> bool:
    """Return whether the type holds the features of all videos; it ends at the first otherwise."""
    path.unlink(missing_ok=True)
    beside: dict[str, list[Tensor]] = {}
    lengths, digest, shape = [], hashlib.sha256(), torch.Size()
    bar = progress_bar(len(videos), "pack features", "video")
    with bar, path.open("wb") as file:
        for video in videos:
            sample = read(video)
            rows = sample.pop("features")
            if rows.dtype.itemsize > dtype.itemsize:
                return False
            data = rows.to(dtype).numpy().tobytes()
            file.write(data)
            digest.update(data)
            lengths.append(len(rows))
            shape = rows.shape[1:]
            for name, vector in sample.items():
                beside.setdefault(name, []).append(vector)
            bar.update()
    starts = torch.tensor([0, *lengths]).cumsum(0)
    tensors = {STARTS: starts} | {name: torch.stack(rows) for name, rows in beside.items()}
    facts = {
        "sha256": digest.hexdigest(),
        "dtype": str(dtype).removeprefix("torch."),
        "shape": json.dumps(list(shape)),
    }
    write_atomically(path.with_suffix(".safetensors"), save(tensors, metadata=facts))
    return True


def _opened(
    path: Path, videos: Sequence[VideoRecord], read: Callable[[VideoRecord], Sample]
) -> dict[str, Sample] | None:
    """Map a complete file that holds what was written, and what would be written today."""
    index = path.with_suffix(".safetensors")
    if not (index.is_file() and path.is_file()):
        return None
    try:
        with safe_open(index, framework="pt") as file:
            facts = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        starts = tensors.pop(STARTS)
        shape, dtype = json.loads(facts["shape"]), getattr(torch, facts["dtype"])
        if content_hash(path) != facts["sha256"] or len(starts) != len(videos) + 1:
            log.warning("%s is not what was written; it is made again", path)
            return None
        count = int(starts[-1]) * math.prod(shape)
        rows = torch.from_file(str(path), shared=False, size=count, dtype=dtype)
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        log.warning("%s cannot be used (%s); it is made again", index, error)
        return None
    runs = rows.view(-1, *shape).split(starts.diff().tolist())
    samples = {
        video.id: {"features": run, **{name: one[place] for name, one in tensors.items()}}
        for place, (video, run) in enumerate(zip(videos, runs, strict=True))
    }
    for video in (videos[0], videos[-1]):
        now, then = read(video), samples[video.id]
        if now.keys() != then.keys() or not all(
            torch.equal(then[name].to(now[name].dtype), now[name]) for name in now
        ):
            log.warning("%s holds other features than the cache; it is made again", path)
            return None
    return samples
