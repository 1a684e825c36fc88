"""Reading the frames of models that sample, for a score: every frame checked, or only their own.

    python benchmarks/sampled_reading.py                   60 s of 1080p, made here
    python benchmarks/sampled_reading.py a.mp4 b.mp4       your own files

Before, each file was decoded whole, and then the frames of the view again. Times are processor time
of this process and its children, the best of `--rounds`.
"""

import argparse
import resource
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from unittest import mock

import av
import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from vqa.databases.records import VideoRecord
from vqa.features.extraction.feature_source import FeatureSource
from vqa.features.nothing import Nothing
from vqa.training.views import CentreImage, FileView, FragmentClips, ReadAhead
from vqa.video import probe, readers

VIEWS = {"fastvqa": FragmentClips, "inception_iqa": CentreImage}
WIDTH, HEIGHT, RATE, SECONDS = 1920, 1080, 30, 60


def main() -> None:
    """Print frames decoded and seconds of each file and view."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--keyframe-interval", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "long.mp4"
        files = options.files or [write_long(made, options.keyframe_interval)]
        for path in files:
            video, info = VideoRecord(str(path), path, 3.0), probe(path)
            for name, view in VIEWS.items():
                sides = [fastest(side, view(), video, options.rounds) for side in (whole, ahead)]
                (before_s, before), (after_s, after) = sides
                assert torch.equal(before, after)
                count = frames_decoded(view(), video)
                print(
                    f"{path.name} {name}: {info.frames + count} frames decoded before, {count} "
                    f"now; {before_s:.2f} s before, {after_s:.2f} s now"
                )


def whole(view: FileView, video: VideoRecord) -> torch.Tensor:
    """Check every frame of a file, then read the view."""
    with tempfile.TemporaryDirectory() as cache:
        source = FeatureSource.in_cache(Nothing(), cache, "auto")
        ((_, failure),) = source.stream([video])
        assert failure is None, failure
        view.times_s(video)
        return view(video)


def ahead(view: FileView, video: VideoRecord) -> torch.Tensor:
    """Read only the view."""
    reading = ReadAhead("view", view)
    ((_, failure),) = reading.source.stream([video])
    assert failure is None, failure
    reading.times_s(video)
    return reading(video)


def fastest(side, view: FileView, video: VideoRecord, rounds: int) -> tuple[float, torch.Tensor]:
    """Return the least processor time of several rounds, in seconds, and the view."""
    times_s = []
    for _ in range(rounds):
        start_s = processor_s()
        found = side(view, video)
        times_s.append(processor_s() - start_s)
    return min(times_s), found


def processor_s() -> float:
    """Return the processor time of this process and its ended children."""
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(who).ru_utime for who in whose)


def frames_decoded(view: FileView, video: VideoRecord) -> int:
    """Count the frames that the view's own frames cost."""
    decoded, count = readers._decoded, 0

    def counted(*arguments):
        nonlocal count
        for frame in decoded(*arguments):
            count += 1
            yield frame

    with mock.patch.object(readers, "_decoded", counted):
        view(video)
    return count


def write_long(path: Path, keyframe_interval: int) -> Path:
    """Encode a minute of moving texture with x264 and B-frames."""
    rng = np.random.default_rng(0)
    size = (HEIGHT + 200, WIDTH + 200)
    texture = np.stack([gaussian_filter(rng.uniform(0, 255, size), s) for s in (1.5, 2, 3)], -1)
    texture = (texture - texture.mean()) / texture.std() * 45 + 128
    texture = texture.clip(0, 255).astype(np.uint8)
    started_s = time.monotonic()
    with av.open(str(path), "w") as container:
        options = {"preset": "veryfast", "threads": "1", "crf": "26"}
        stream = container.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.gop_size = keyframe_interval
        for index in range(SECONDS * RATE):
            x, y = int(100 + 90 * np.sin(index / 40)), int(100 + 90 * np.cos(index / 31))
            picture = np.ascontiguousarray(texture[y : y + HEIGHT, x : x + WIDTH])
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    print(f"encoded {SECONDS} s in {time.monotonic() - started_s:.0f} s")
    return path


if __name__ == "__main__":
    main()
