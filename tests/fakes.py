"""Small stand-ins that tests share: a cheap extractor and databases of clips."""

from functools import partial

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from tests.clips import write_clip
from vqa.databases.records import Database, VideoRecord
from vqa.features.extractor import Extractor
from vqa.video import VideoInfo
from vqa.video.pixels import frame_shape


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


def rated_clips(folder, count, frames):
    """Videos `v0`, `v1`, ... of `frames`, `frames + 1`, ... frames, with MOS 1, 2, ..."""
    records = []
    for index in range(count):
        path = folder / f"v{index}.mp4"
        write_clip(path, frames + index, size=(160, 120))
        records.append(VideoRecord(f"v{index}", path, 1.0 + index))
    return records


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


class MadeDecoder:
    """In place of `FrameDecoder`: noise that depends on the name of the file, and no process."""

    size, frames, rate_hz, chunk = (72, 100), 6, 3.0, 2

    def __init__(self, *arguments, **options):
        self.chunk_frames = 16

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def probe(self, path, raw=None):
        height, width = self.size
        return VideoInfo(
            path=path, container="mov,mp4", codec="h264", pixel_format="yuv420p", width=width,
            height=height, frames=self.frames, frame_rate_hz=self.rate_hz,
            duration_s=self.frames / self.rate_hz, rotation_deg=0, edit_list=False, keyframes=(0,),
            times_s=np.arange(self.frames) / self.rate_hz,
        )  # fmt: skip

    def stream(self, path, indices, raw, info, pixels, leaps):
        rng = np.random.default_rng(list(path.name.encode()))
        clip = rng.integers(0, 256, (self.frames, *frame_shape(info, pixels))).astype(np.uint8)
        wanted = np.arange(self.frames) if indices is None else indices
        for start in range(0, len(wanted), self.chunk):
            yield clip[wanted[start : start + self.chunk]]


def named_videos(folder, count):
    """Records of small files for a `MadeDecoder`, which does not read them."""
    videos = [VideoRecord(f"v{n}.mp4", folder / f"v{n}.mp4", 3.0) for n in range(count)]
    for video in videos:
        video.path.write_text(video.id)
    return videos
