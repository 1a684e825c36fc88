"""Clips with one planted damage each, and their natural scene statistics.

A scene is a photograph that the demo's simulated camera films, or the first seconds of a real clip.
Damages are those of the demo (`vqa.databases.synthesis.distortions`), and `darken` and
`stop` below. All versions of a scene are encoded alike (x264, CRF 17).
"""

import random
import tempfile
import zlib
from itertools import islice
from pathlib import Path

import av
import numpy as np

from vqa.databases.records import VideoRecord
from vqa.databases.synthesis import distortions
from vqa.databases.synthesis.camera import draw_path, film
from vqa.databases.synthesis.encoding import write_h264
from vqa.databases.synthesis.photographs import PHOTOGRAPHS
from vqa.features.extraction.pipeline import extract_videos
from vqa.features.nss import NSS
from vqa.training.views import over_time
from vqa.video import probe
from vqa.video.plain_facts import plain_facts

SIZE, RATE_HZ, SECONDS = (640, 360), 30, 3
CRF = 17


def darken(video, severity, rng):
    """Halve the brightness up to three times."""
    return video * np.float32(2.0 ** (-3.0 * severity))


def stop(video, severity, rng):
    """Let the picture stand still for 30 to 90 % of the time, in one stretch."""
    frames = len(video)
    held = round((0.3 + 0.6 * severity) * frames)
    first = rng.integers(0, frames - held + 1)
    shown = np.arange(frames)
    shown[first : first + held] = first
    return video[shown]


PLANTED = {  # by kind: the functions that plant it
    "sharpness": (distortions.defocus, distortions.motion_blur),
    "noise": (distortions.noise,),
    "colour": (darken,),
    "motion": (distortions.freeze, stop),
}


def filmed(photograph, seed):
    """Film a photograph of the demo."""
    path = draw_path(random.Random(f"{seed}/{photograph.name}"))
    return film(photograph.open(), path, RATE_HZ * SECONDS, SIZE)


def photographs(part):
    """Return every second photograph by name, those from place 0 or from place 1."""
    return {one.name: one for one in PHOTOGRAPHS[part::2]}


def real(clip):
    """Read the first seconds of a real clip, with the size of the others."""
    with av.open(str(clip)) as container:
        frames = islice(container.decode(video=0), RATE_HZ * SECONDS)
        small = [frame.reformat(*SIZE, "rgb24", interpolation="AREA") for frame in frames]
    return np.stack([frame.to_ndarray() for frame in small])


def plant(scene, function, severity, name):
    """Return a scene (uint8 frames) with one damage; `name` seeds what is random."""
    video = scene.astype(np.float32) / np.float32(255)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    video = function(video, severity, rng)
    return np.rint(np.clip(video, 0, 1) * np.float32(255)).astype(np.uint8)


def statistics(scenes, plan):
    """Yield the name, kind, statistics (D,) and plain facts of each version of each scene.

    Args:
        scenes: Name -> function that returns the frames.
        plan: Function of the scene's place that yields kind, function and severity; the undamaged
            scene comes first, with the kind "none".
    """
    extractor = NSS(device="cpu", workers=1)
    with tempfile.TemporaryDirectory() as folder:
        for place, (scene, frames_of) in enumerate(scenes.items()):
            frames = frames_of()
            versions = [("none", None, 0.0), *plan(place)]
            records = {}
            for kind, function, severity in versions:
                name = f"{scene}-{function.__name__ if function else kind}-{severity:.2f}"
                damaged = frames if function is None else plant(frames, function, severity, name)
                path = Path(folder) / f"{name}.mp4"
                write_h264(path, damaged, RATE_HZ, CRF)
                records[name] = VideoRecord(name, path, mos=0.0), kind
            videos = [record for record, _ in records.values()]
            found = {record.id: result for record, result in extract_videos(videos, extractor)}
            for name, (record, kind) in records.items():
                result = found[name]
                if isinstance(result, Exception):
                    raise result
                facts = plain_facts(probe(record.path))
                yield name, kind, over_time(result.features), facts
                record.path.unlink()
