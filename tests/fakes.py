"""Small stand-ins that tests share: a cheap extractor and databases of clips."""

from functools import partial

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from tests.clips import write_clip
from vqa.databases.records import Database, VideoRecord
from vqa.features.extractor import Extractor


class MeanColour(Extractor):
    """Mean colour of each frame and its change from the previous frame, which is its context."""

    name, dim, context = "mean-colour", 6, 1
    fingerprint, weights, threads = "f" * 64, "none", 1

    def __call__(self, frames, context=0):
        colours = torch.from_numpy(frames.mean((1, 2))).float()
        changes = torch.diff(colours, dim=0, prepend=colours[:1])
        if context == 0 and len(changes) > 1:
            changes[0] = changes[1]
        return torch.cat([colours, changes], 1)[context:]


def clip_database(folder, count=6, frames=34):
    """A database of real H.264 clips of different lengths with invented MOS."""
    folder.mkdir(parents=True, exist_ok=True)
    videos = []
    for index in range(count):
        path = folder / f"clip{index}.mp4"
        write_clip(path, frames + index)
        videos.append(VideoRecord(path.name, path, 1 + 4 * index / max(1, count - 1)))
    return Database("clips", (1.0, 5.0), tuple(videos))


def graded_clips(folder, count=9, seed=0):
    """Write data like a user's: clips with increasing blur in `videos/`, and `labels.csv`."""
    (folder / "videos").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    rows = ["video,mos,content"]
    for index in range(count):
        texture = rng.uniform(0, 255, (96, 192, 3))
        texture = gaussian_filter(texture, (0.4 + 0.5 * index, 0.4 + 0.5 * index, 0))
        path = folder / "videos" / f"clip{index}.mp4"
        write_clip(path, 33 + index, picture=partial(_window, texture))
        rows.append(f"videos/clip{index}.mp4,{5 - 4 * index / (count - 1):.3f},scene{index}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def _window(texture, index, width, height):
    """Return a window of the given size that moves over the texture."""
    return np.ascontiguousarray(texture[:height, index : index + width].astype(np.uint8))
