"""The balance of decoders and one device, simulated: both only wait, as for another processor.

A reader waits a little for each chunk of frames, and an extractor, one lane at a time like a GPU,
for each chunk that it describes. N decoders should reach N times one decoder's rate, up to the
extractor's own. Each row is printed with the share of that. With `--real`, the reader is the real
decoder on a made 540p clip, and its own rate with N processes is measured beside it.
Run: python benchmarks/balance.py [--decoders 1 2 4 8 15] [--decode-ms 20] [--describe-ms 2]
"""

import argparse
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from extraction_parts import decode_rate, made_clip
from torch import Tensor

from vqa.databases.records import VideoRecord
from vqa.features.extraction.pipeline import extract_videos
from vqa.features.extractor import Extractor
from vqa.video import VideoInfo

CHUNK_FRAMES, CHUNKS = 16, 15  # 240 frames a video


class WaitingExtractor(Extractor):
    """Waits for each chunk, one lane at a time, without Python's lock."""

    name, dim, fingerprint, weights, parallel = "waiting", 1, "", "none", True

    def __init__(self, chunk_s: float) -> None:
        self._chunk_s, self._turn = chunk_s, threading.Lock()

    def __call__(self, frames: np.ndarray, context: int = 0) -> Tensor:
        with self._turn:
            time.sleep(self._chunk_s * len(frames) / CHUNK_FRAMES)
        return torch.zeros(len(frames), 1)


class WaitingReader:
    """Stands in for `FrameDecoder`: waits for each chunk."""

    chunk_s = 0.0

    def __init__(self, *arguments: object, **options: object) -> None:
        self.chunk_frames = CHUNK_FRAMES

    def __enter__(self) -> "WaitingReader":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def probe(self, path: Path, raw: None = None) -> VideoInfo:
        count = CHUNK_FRAMES * CHUNKS
        return VideoInfo(
            path=path, container="mp4", codec="h264", pixel_format="yuv420p", width=64, height=64,
            frames=count, frame_rate_hz=30.0, duration_s=count / 30, rotation_deg=0,
            edit_list=False, keyframes=(0,), times_s=np.arange(count) / 30,
        )  # fmt: skip

    def stream(self, *arguments: object):
        for _ in range(CHUNKS):
            time.sleep(self.chunk_s)
            yield np.zeros((CHUNK_FRAMES, 64, 64, 3), np.uint8)


def rate(path: Path, extractor: Extractor, decoders: int, seconds: float) -> float:
    """Return the frames per second that are described, between the first result and the end."""
    videos = (VideoRecord("v", path, 0.0) for _ in iter(int, 1))
    frames, started = 0, None
    with closing(extract_videos(videos, extractor, decoders=decoders)) as results:
        for number, (_, result) in enumerate(results):
            now = time.perf_counter()
            if started is None and number >= 2 * decoders:  # all lanes work
                started = now
            elif started is not None:
                frames += len(result.features)
                if now - started > seconds and not number % decoders:
                    return frames / (now - started)
    raise AssertionError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decoders", type=int, nargs="+", default=[1, 2, 4, 8, 15])
    parser.add_argument("--decode-ms", type=float, default=20.0, help="of a chunk of 16 frames")
    parser.add_argument("--describe-ms", type=float, default=2.0)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--real", action="store_true", help="the real decoder")
    options = parser.parse_args()
    torch.set_num_threads(1)
    limit = CHUNK_FRAMES / options.describe_ms * 1e3
    print("| Decoders | Frames/s | Possible | Share |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        if options.real:
            made_clip(path, 960, 540, CHUNK_FRAMES * CHUNKS)
        else:
            path.write_bytes(b"never read")
        for decoders in options.decoders:
            extractor = WaitingExtractor(options.describe_ms / 1e3)
            if options.real:
                possible = decode_rate(path, decoders, options.seconds)
                found = rate(path, extractor, decoders, options.seconds)
            else:
                WaitingReader.chunk_s = options.decode_ms / 1e3
                possible = decoders * CHUNK_FRAMES / WaitingReader.chunk_s
                place = "vqa.features.extraction.decoding_thread.FrameDecoder"
                with mock.patch(place, WaitingReader):
                    found = rate(path, extractor, decoders, options.seconds)
            possible = min(possible, limit)
            print(f"| {decoders} | {found:.0f} | {possible:.0f} | {found / possible:.2f} |")


if __name__ == "__main__":
    main()
