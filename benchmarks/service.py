"""Load `vqa serve` on loopback: clients, videos per second, memory, kills, hostile uploads.

    python benchmarks/service.py [--videos 1000] [--clients 1 4 16]

The server is a process of its own with the model `ugc`. A worker is killed (kill -9) in the middle
of the last load, and the server in mid-queue after it; every job must end. A further load has
clients beside it that are silent, trickle their upload, or cancel what they sent.
"""

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from tests.clips import write_clip
from vqa.commands.serving.measures import resident_bytes, with_helpers

ENDED = ("done", "failed", "cancelled")


class Server:
    def __init__(self, folder, *flags):
        self.log = folder / "log.txt"
        self.log.write_text("", encoding="utf-8")
        with self.log.open("ab") as log:
            words = ["serve", "--port", "0", "--device", "cpu", "--folder", folder / "jobs", *flags]
            self.process = subprocess.Popen(
                [sys.executable, "-m", "vqa", *map(str, words)], stdout=log, stderr=log
            )
        found = None
        while found is None:
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
            time.sleep(0.1)
            found = re.search(r"on (http://\S+);", self.log.read_text(encoding="utf-8"))
        self.address = found[1]
        host, port = found[1].removeprefix("http://").split(":")
        self.place = host, int(port)

    def workers(self):
        """Process ids of the workers: spawned children of the server."""
        found = []
        for pid in with_helpers([self.process.pid]):
            with suppress(OSError):
                if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(pid)
        return found

    def memory(self):
        """Megabytes of the server, and of workers with their helpers."""
        server = resident_bytes(self.process.pid) / 1e6
        return server, sum(map(resident_bytes, with_helpers(self.workers()))) / 1e6


def posted(client, name, content, refusals):
    """Post a video, waiting as a full queue says; returns the id."""
    while True:
        answer = client.post("/v1/jobs", files={"file": (name, content)})
        if answer.status_code not in (429, 503):
            answer.raise_for_status()
            return answer.json()["id"]
        refusals.append(answer.status_code)
        time.sleep(float(answer.headers["Retry-After"]))


def ended(client, id_):
    while True:
        job = client.get(f"/v1/jobs/{id_}?wait=30").json()
        if job["state"] in ENDED:
            return job


def load(server, contents, clients, kill=False):
    """Score all contents with so many clients; returns a row of the table."""
    seconds, refusals, states = [], [], Counter()
    begun, before = time.monotonic(), server.memory()

    def one(content):
        with httpx.Client(base_url=server.address, timeout=120) as client:
            start = time.monotonic()
            job = ended(client, posted(client, "clip.mp4", content, refusals))
            seconds.append(time.monotonic() - start)
            states[job["state"]] += 1

    if kill:
        threading.Timer(2, lambda: os.kill(server.workers()[0], signal.SIGKILL)).start()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(one, contents))
    spent, after = time.monotonic() - begun, server.memory()
    p50, p99 = np.percentile(seconds, [50, 99])
    return (
        f"| {clients} | {len(contents)} | {len(contents) / spent:.1f} | {p50:.2f} | {p99:.2f} | "
        f"{len(refusals)} | {dict(states)} | {before[0]:.0f} -> {after[0]:.0f} | "
        f"{before[1]:.0f} -> {after[1]:.0f} |"
    )


def trickled(server, head, seconds):
    """Send the head of a request, then a byte every half second; return the server's status."""
    begun = time.monotonic()
    with socket.create_connection(server.place, timeout=60) as link:
        link.sendall(head)
        link.settimeout(0.5)
        while True:
            try:
                answer = link.recv(1000)
            except TimeoutError:
                link.sendall(b"x" if head else b"")
                continue
            except OSError:
                answer = b""
            seconds.append(time.monotonic() - begun)
            return answer.split(b" ")[1].decode() if answer else "closed"


def cancelled(server, content):
    """Post a video, wait until it runs or for a moment, and cancel it; return its last state."""
    with httpx.Client(base_url=server.address, timeout=120) as client:
        id_ = posted(client, "cancelled.mp4", content, [])
        client.get(f"/v1/jobs/{id_}?wait=0.5&state=queued")
        return client.delete(f"/v1/jobs/{id_}").json()["state"]


def beside(server, contents, clip, folder):
    """Load the server while other clients misbehave; print what became of all of them."""
    head = (
        b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n"
        b"Content-Type: multipart/form-data; boundary=xyz\r\n\r\n--xyz\r\n"
        b'Content-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
    )
    slow_s, silent_s = [], []
    with ThreadPoolExecutor(100) as pool:
        slow = [pool.submit(trickled, server, head, slow_s) for _ in range(16)]
        silent = [pool.submit(trickled, server, b"", silent_s) for _ in range(64)]
        gone = [pool.submit(cancelled, server, clip) for _ in range(64)]
        row = load(server, contents, 4)
        slow, silent, gone = (
            dict(Counter(one.result() for one in group)) for group in (slow, silent, gone)
        )
    print("\nwith misbehaving clients beside them:\n" + row)
    print(f"16 trickled uploads: {slow}, after {max(slow_s):.1f} s at most")
    print(f"64 silent connections: {silent}, after {max(silent_s):.1f} s at most")
    print(f"64 cancelled jobs: {gone}")
    folders = [one for one in (folder / "jobs").iterdir() if one.is_dir()]
    left = sum(not (one / "job.json").exists() for one in folders)
    print(f"folders left by them: {left}", flush=True)


def hostile(server, clip):
    """Post what is no video, and print what each got."""
    cases = {
        "text": b"no video", "cut": clip[: len(clip) // 3], "noise": os.urandom(5000),
        "ffconcat": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        "m3u8": b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n", "empty": b"",
        "too large": bytes(3 * 10**6),
    }  # fmt: skip
    print("\n| upload | status | error |\n|---|---|---|")
    with httpx.Client(base_url=server.address, timeout=60) as client:
        for name, content in cases.items():
            answer = client.post("/v1/jobs", files={"file": (f"{name}.mp4", content)})
            job = answer.json()
            if answer.status_code == 202:
                job = ended(client, job["id"])
            print(f"| {name} | {answer.status_code} {job.get('state', '')} | {job['error']} |")


def killed_server(server, folder, contents):
    """Kill the server in mid-queue, start another one, and count what became of the jobs."""
    with httpx.Client(base_url=server.address, timeout=60) as client:
        ids = [posted(client, "clip.mp4", one, []) for one in contents]
    server.process.kill()
    server.process.wait()
    server = Server(folder, "--max-mb", 2)
    with httpx.Client(base_url=server.address, timeout=60) as client:
        states = Counter(ended(client, one)["state"] for one in ids)
        metrics = list(text_string_to_metric_families(client.get("/metrics").text))
    print(f"\nserver killed with {len(ids)} jobs in its queue; after the restart: {dict(states)}")
    print(f"{len(metrics)} families of metrics read by prometheus_client.parser")
    return server


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=1000, help="of all loads together")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes = [(64, 64), (96, 72), (128, 96), (160, 120)]
        clips = [write_clip(folder / f"{n}.mp4", 12, size=one).read_bytes()
                 for n, one in enumerate(sizes)]  # fmt: skip
        each = given.videos // len(given.clients)
        contents = [clips[n % len(clips)] for n in range(each)]
        server = Server(folder, "--max-mb", 2)
        print(
            "| clients | videos | videos/s | p50 s | p99 s | 429 | ended | server MB | worker MB |"
        )
        print("|---|---|---|---|---|---|---|---|---|")
        try:
            for clients in given.clients:
                kill = clients == given.clients[-1]
                print(load(server, contents, clients, kill), flush=True)
            beside(server, contents[:60], clips[0], folder)
            hostile(server, clips[0])
            server = killed_server(server, folder, contents[:20])
            server.process.send_signal(signal.SIGTERM)
            print(f"exit status after SIGTERM: {server.process.wait(60)}")
        finally:
            server.process.kill()


if __name__ == "__main__":
    main()
