"""CPU time of RAPIQUE's statistics on real clips, decoding included, against the bare decoder.

Each round decodes every frame of each clip with PyAV, then runs the pipeline that scoring uses
(decoding process, workers, statistics). All times are CPU seconds of this process and those that it
started, the smallest of all rounds; wall times depend on what else runs. With --height, each clip
is also encoded at that height first (H.264, CRF 20, in a temporary folder).

Run: OMP_NUM_THREADS=1 python benchmarks/nss_clips.py CLIP... [--height 1080] [--workers 1 2]
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import av

from vqa.databases.records import VideoRecord
from vqa.features.extraction.pipeline import extract_videos
from vqa.features.nss import NSS
from vqa.features.nss.worker_processes import in_order
from vqa.video import probe


def cpu_s():
    """Return the CPU time of this process, its running children, and those that have ended."""
    ticks = os.sysconf("SC_CLK_TCK")
    own = os.times()
    total = own.user + own.system + own.children_user + own.children_system
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            total += (int(fields[11]) + int(fields[12])) / ticks
    return total


def enlarged(clip, height, folder):
    """Encode a clip at another height, and return the file."""
    target = folder / f"{clip.stem}-{height}.mp4"
    with av.open(str(clip)) as source, av.open(str(target), "w") as out:
        video = source.streams.video[0]
        stream = out.add_stream("libx264", rate=video.average_rate)
        stream.height, stream.width = height, round(video.width * height / video.height / 2) * 2
        stream.pix_fmt, stream.options = "yuv420p", {"preset": "veryfast", "crf": "20"}
        for frame in source.decode(video):
            larger = frame.reformat(stream.width, height, "yuv420p", interpolation="BICUBIC")
            larger.pts, larger.time_base = frame.pts, frame.time_base
            out.mux(stream.encode(larger))
        out.mux(stream.encode(None))
    return target


def decode(clip):
    """Decode all frames in this process, with one thread and no conversion."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        for _ in container.decode(stream):
            pass


def describe(clip, extractor):
    """Run the pipeline on one clip."""
    for _, result in extract_videos([VideoRecord(clip.stem, clip, mos=0.0)], extractor):
        if isinstance(result, Exception):
            raise result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--height", type=int)
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clips = list(options.clips)
        if options.height:
            clips += [enlarged(clip, options.height, Path(folder)) for clip in options.clips]
        for clip in clips:
            jobs = {"decoder": lambda c=clip: decode(c)}
            for workers in options.workers:
                extractor = NSS(device="cpu", workers=workers)
                jobs[f"nss, {workers}"] = lambda c=clip, e=extractor: describe(c, e)
                list(in_order(abs, [(1,)] * workers, workers))  # starts its processes
            spent = {name: [] for name in jobs}
            for _ in range(options.rounds):
                for name, job in jobs.items():
                    cpu, wall = cpu_s(), time.perf_counter()
                    job()
                    spent[name].append((cpu_s() - cpu, time.perf_counter() - wall))
            info = probe(clip)
            print(f"{clip.name}: {info.width}x{info.height}, {info.duration_s:.1f} s")
            for name, times in spent.items():
                cpu, wall = (min(column) for column in zip(*times, strict=True))
                print(f"  {name:10s} {cpu:6.2f} s CPU, {wall:6.2f} s wall", flush=True)


if __name__ == "__main__":
    main()
