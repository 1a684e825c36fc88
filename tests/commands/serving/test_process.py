"""The service as it is started: with the embedded model, on a port of this machine."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clips import write_clip
from tests.commands.serving.clients import ended, sent, until
from tests.places import ROOT

pytest.importorskip("fastapi")
httpx = pytest.importorskip("httpx")
with_helpers = pytest.importorskip("vqa.commands.serving.measures").with_helpers


def command(folder, *words):
    return [sys.executable, "-m", "vqa", "serve", "--port", "0", "--folder", str(folder), *words]


def started(folder):
    """Start a service; return its process and a client."""
    process = subprocess.Popen(
        command(folder), stderr=subprocess.PIPE, cwd=ROOT, text=True, encoding="utf-8"
    )
    for line in process.stderr:
        if found := re.search(r"on (http://\S+);", line):
            return process, httpx.Client(base_url=found[1], timeout=60)
    raise AssertionError("the service ended")


def worker_of(process):
    """Return the process that holds the model: the one that multiprocessing spawned."""
    for pid in with_helpers([process.pid]):
        if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    raise AssertionError("no worker")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_what_survives_what(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", 12).read_bytes()
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(clip)
    folder = tmp_path / "jobs"
    process, client = started(folder)
    try:
        # Uploads that name other places are not followed, and no answer shows a path.
        hostile = {
            "a.m3u8": f"#EXTM3U\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n",
            "b.mp4": f"ffconcat version 1.0\nfile {secret}\n",
            "c.m3u8": f"#EXTM3U\n#EXTINF:1,\n{client.base_url}/healthz\n#EXT-X-ENDLIST\n",
            "d.mp4": "no video",
        }
        ids = {name: sent(client, text.encode(), name) for name, text in hostile.items()}
        for id_ in ids.values():
            job = ended(client, id_)
            assert job["state"] == "failed"
            assert job["error"]
            assert str(tmp_path) not in str(job)
            assert "video." not in job["error"]

        # A second service does not take the folder.
        second = subprocess.run(
            command(folder), capture_output=True, cwd=ROOT, text=True, encoding="utf-8", check=False
        )
        assert second.returncode == 2
        assert "another vqa serve uses it" in second.stderr

        # An upload that is cut off leaves nothing behind.
        before = set(folder.iterdir())
        with socket.create_connection((client.base_url.host, client.base_url.port)) as link:
            link.sendall(
                b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n"
                b"Content-Type: multipart/form-data; boundary=xyz\r\n\r\n"
                b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc'
            )
            until(lambda: set(folder.iterdir()) != before)
        until(lambda: set(folder.iterdir()) == before)

        # The worker is killed: a fresh one does the job.
        first = worker_of(process)
        os.kill(first, signal.SIGKILL)
        job = ended(client, sent(client, clip))
        assert job["state"] == "done"
        assert job["result"]["video"] == "clip.mp4"
        assert str(tmp_path) not in str(job)

        # The server is killed in mid-queue: the next one does the jobs in their order.
        waiting = [sent(client, clip, f"{number}.mp4") for number in range(4)]
        second_worker = worker_of(process)
        client.close()
        process.kill()
        process.wait()
        process.stderr.close()
        until(lambda: not _alive(second_worker))
        process, client = started(folder)
        jobs = [ended(client, id_) for id_ in waiting]
        assert [one["state"] for one in jobs] == ["done"] * 4
        assert [one["finished"] for one in jobs] == sorted(one["finished"] for one in jobs)
        assert {one["result"]["score"] for one in jobs} == {job["result"]["score"]}
        assert ended(client, ids["d.mp4"])["state"] == "failed"  # still answers

        process.terminate()
        assert process.wait(30) == 0
    finally:
        client.close()
        process.kill()
        process.wait()
        process.stderr.close()


def _alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
