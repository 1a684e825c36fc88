"""Find, copy and score the same short files: on disk, in tars, in a store, on a web server.

Run: python -m benchmarks.remote [--files 200] [--rounds 3] [--frames 8] [--size 64x48]

The store is moto's S3 server in a process of its own on this machine, so its figures are those of
the work around a file, not of a network. The web server waits 0.1 s before each answer. Scores must
be equal; the status is 1 if they are not.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import vqa
from tests.clips import write_clip
from tests.stores import WebServer, tar_of
from vqa.databases.unrated import Search
from vqa.remote.fetching import LocalFiles
from vqa.remote.scratch import release

TARS, WAIT_S = 4, 0.1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--size", default="64x48")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        port = 5600 + os.getpid() % 300
        words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        server = subprocess.Popen(words, **quiet)
        try:
            os.environ |= {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "key",
                "AWS_SECRET_ACCESS_KEY": "word", "AWS_DEFAULT_REGION": "us-east-1",
            }  # fmt: skip
            return measure(make(Path(folder), options), options)
        finally:
            server.terminate()
            server.wait()


def make(folder, options):
    """Write the files everywhere; return the places by name."""
    import s3fs

    size = tuple(map(int, options.size.split("x")))
    rng = np.random.default_rng(0)

    def noise(index, width, height):
        return rng.integers(0, 256, (height, width, 3), np.uint8)

    files = {}
    (folder / "videos").mkdir()
    for number in range(options.files):
        path = folder / "videos" / f"{number:05}.mp4"
        write_clip(path, options.frames, size=size, picture=noise)
        files[path.name] = path.read_bytes()
    (folder / "tars").mkdir()
    names = list(files)
    for number in range(TARS):
        part = {name: files[name] for name in names[number::TARS]}
        (folder / "tars" / f"x-{number}.tar").write_bytes(tar_of(part))
    store = s3fs.S3FileSystem()
    for _ in range(100):
        try:
            store.mkdir("bench")
            break
        except OSError:
            time.sleep(0.2)
    for kind in ("videos", "tars"):
        store.put(str(folder / kind), f"bench/{kind}", recursive=True)
    return {
        "on disk": str(folder / "videos"),
        "tars on disk": str(folder / "tars"),
        "in the store": "s3://bench/videos/",
        "tars in the store": f"s3://bench/tars/x-{{0..{TARS - 1}}}.tar",
        "slow web server": str(slow_list(folder, files)),
    }


def slow_list(folder, files):
    """Put the files on a web server that answers late; return a list of their addresses."""
    web = WebServer()
    web.wait_s, web.files = WAIT_S, {f"/{name}": content for name, content in files.items()}
    path = folder / "slow.txt"
    path.write_text("\n".join(map(web.address, web.files)), encoding="utf-8")
    return path


def measure(places, options):
    """Time each place in turn, several times; print medians."""
    scorer = vqa.load("ugc", device="cpu")
    seconds = {name: ([], [], []) for name in places}
    expected = None
    for number in range(options.rounds + 1):
        for name, place in places.items():
            start = time.perf_counter()
            named = [str(one.path) for one in Search().named([place])]
            found = time.perf_counter()
            for one in LocalFiles(named):
                release(one.path)
            copied = time.perf_counter()
            scores = {Path(one.video).name: one.value for one in scorer.score(named)}
            end = time.perf_counter()
            expected = expected or scores
            if scores != expected:
                print(f"other scores {name}")
                return 1
            if number:  # the first round warms up
                seconds[name][0].append(found - start)
                seconds[name][1].append(copied - found)
                seconds[name][2].append(end - copied)
    base = statistics.median(seconds["on disk"][2])
    print(f"{options.files} files of {options.frames} frames, {options.size}; medians of")
    heads = f"{'found in s':>10} {'copied in s':>11} {'scored in s':>12} {'ratio':>6}"
    print(f"{options.rounds} rounds\n{'':18} {heads}")
    for name, steps in seconds.items():
        finding, copying, scoring = map(statistics.median, steps)
        print(f"{name:18} {finding:10.2f} {copying:11.2f} {scoring:12.2f} {scoring / base:6.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
