"""Parts of the benchmarks of extraction: a made clip, bare decoding, counted frames, memory.

Run: python benchmarks/extraction_parts.py [CLIP ...] [--size 960x540]

Compares RGB with coded planes, which become RGB on a GPU: frames per second of processor time of
the decoder's process and of this one, which takes the frames out of the shared memory. The clips
are read in turn, by default a made one; best of several rounds.
"""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import numpy as np

from vqa.video.decoder import FrameDecoder

REPEATS = 4  # of a clip, because the clock of another process ticks slowly


class Count:
    """Frames that have passed, counted by several threads."""

    def __init__(self) -> None:
        self.frames, self._lock = 0, threading.Lock()

    def passing(self, chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for chunk in chunks:
            with self._lock:
                self.frames += len(chunk)
            yield chunk


def made_clip(path: Path, width: int, height: int, frames: int) -> Path:
    """Encode moving texture with x264, B-frames included."""
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 255, (height // 4, width // 4 + frames, 3)).astype(np.uint8)
    texture = texture.repeat(4, 0).repeat(4, 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "fast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(frames):
            frame = np.ascontiguousarray(texture[:height, index : index + width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def decode_rate(
    path: Path,
    processes: int,
    seconds: float,
    pixels: str = "rgb24",
    indices: np.ndarray | None = None,
) -> float:
    """Return the frames per second that decoding processes deliver, without an extractor."""
    count, ready, stop = Count(), threading.Barrier(processes + 1), threading.Event()

    def work() -> None:
        with FrameDecoder() as decoder:
            info = decoder.probe(path)
            ready.wait()
            while not stop.is_set():
                for _ in count.passing(decoder.stream(path, indices, None, info, pixels)):
                    if stop.is_set():
                        break

    threads = [threading.Thread(target=work) for _ in range(processes)]
    for thread in threads:
        thread.start()
    ready.wait()
    time.sleep(seconds / 5)
    before, started = count.frames, time.perf_counter()
    time.sleep(seconds)
    found = (count.frames - before) / (time.perf_counter() - started)
    stop.set()
    for thread in threads:
        thread.join()
    return found


def processor_rates(path: Path, pixels: str) -> tuple[int, float, float]:
    """Return bytes per frame, and frames per second of processor time: of the decoder, and here."""
    with FrameDecoder() as decoder:
        info = decoder.probe(path)
        before, here = processor_s(decoder.pid), time.process_time()
        for _ in range(REPEATS):
            for chunk in decoder.stream(path, None, None, info, pixels):
                size = chunk[0].nbytes
        there, frames = processor_s(decoder.pid) - before, REPEATS * info.frames
        return size, frames / there, frames / (time.process_time() - here)


def processor_s(pid):
    """Return the processor time of a process."""
    fields = _text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def resident_bytes():
    """Return the resident memory of this process and its children in bytes, shared parts once."""
    lists = Path("/proc/self/task").glob("*/children")  # of each thread
    pids = [os.getpid(), *(pid for text in map(_text, lists) for pid in text.split())]
    rows = [row for pid in pids for row in _text(Path(f"/proc/{pid}/smaps_rollup")).splitlines()]
    return 1024 * sum(int(row.split()[1]) for row in rows if row.startswith("Pss:"))


def _text(path):
    """Return the text of a file of a process or thread; empty if that has ended."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--size", default="960x540")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        width, height = map(int, options.size.split("x"))
        made = Path(folder) / "clip.mp4"
        for path in options.clips or [made_clip(made, width, height, 300)]:
            found = {"rgb24": [], "coded": []}
            for _ in range(options.rounds):
                for pixels, rates in found.items():
                    rates.append(processor_rates(path, pixels))
            for pixels, rates in found.items():
                size, there, here = map(max, zip(*rates, strict=True))
                print(
                    f"{path.stem} {pixels}: {size / 1e6:.2f} MB a frame, decoder {there:.0f}/s, "
                    f"here {here:.0f}/s"
                )


if __name__ == "__main__":
    main()
