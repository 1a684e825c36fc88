"""Copies of videos from a real server on this machine, which behaves as badly as servers can."""

import shutil
import socket
import ssl
import subprocess
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.commands.serving import fake_worker
from tests.commands.serving.clients import until

pytest.importorskip("fastapi")

from vqa.commands.serving.crew import Crew
from vqa.commands.serving.fetching import fetch
from vqa.commands.serving.jobs import Jobs
from vqa.commands.serving.limits import Limits, Refusal
from vqa.commands.serving.measures import Measures

VIDEO = bytes(range(256)) * 40
LIMITS = Limits(max_bytes=20_000, job_s=20.0, idle_s=0.3, slowest_bytes_s=10_000)


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        path, _, query = self.path.partition("?")
        self.server.asked.append(dict(self.headers) | {"path": self.path})
        if path.startswith("/to/"):
            self.begin(302, Location=query or "/clip.mp4")
        elif path == "/clip.mp4":
            self.begin(200, **{"Content-Length": len(VIDEO)})
            self.wfile.write(VIDEO)
        elif path == "/open-end":  # ends with the connection
            self.begin(200)
            self.wfile.write(VIDEO)
        elif path == "/short":
            self.begin(200, **{"Content-Length": len(VIDEO) + 1})
            self.wfile.write(VIDEO)
        elif path == "/announced":
            self.begin(200, **{"Content-Length": 10**12})
        elif path == "/endless":
            self.begin(200)
            self.trickle(bytes(10_000), 0)
        elif path == "/trickle":
            self.begin(200, **{"Content-Length": len(VIDEO)})
            self.trickle(b"x")
        elif path == "/head":
            self.trickle(b"HTTP/1.1 200 OK\r\nX-A: ", begin=True)
        elif path == "/no-http":
            self.wfile.write(b"220 ready\r\n")
        elif path == "/length":
            self.begin(200, **{"Content-Length": "many"})
        elif path == "/silent":
            self.server.over.wait(30)
        else:
            self.begin(404)

    def begin(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()

    def trickle(self, data, pause_s=0.05, begin=False):
        try:
            if begin:
                self.wfile.write(data)
                data = b"a"
            while not self.server.over.wait(pause_s):
                self.wfile.write(data)
        except OSError:
            pass  # the client is gone

    def log_message(self, *words):
        pass


@contextmanager
def serving(context=None):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.asked, server.over = [], threading.Event()
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def server():
    with serving() as made:
        made.host = f"127.0.0.1:{made.server_port}"
        made.allowed = (f"http://{made.host}",)
        yield made


def refusal(place, folder, allowed, limits=LIMITS, **given):
    with pytest.raises(Refusal) as found:
        fetch(place, folder / "video", allowed, limits, **given)
    assert list(folder.iterdir()) == []
    return found.value.error


def test_the_video_of_an_address(server, tmp_path):
    path = fetch(f"http://{server.host}/clip.mp4?key=1", tmp_path / "video", server.allowed, LIMITS)
    assert path == tmp_path / "video.mp4"
    assert path.read_bytes() == VIDEO
    asked = server.asked[-1]
    assert (asked["path"], asked["Host"]) == ("/clip.mp4?key=1", server.host)
    path = fetch(f"http://{server.host}/open-end", tmp_path / "video", server.allowed, LIMITS)
    assert path.read_bytes() == VIDEO


@pytest.mark.parametrize(
    "target", ["/clip.mp4", "../clip.mp4", "//{host}/clip.mp4", "http://{host}/to/?/clip.mp4"]
)
def test_redirects_within_allowed_hosts(server, tmp_path, target):
    place = f"http://{server.host}/to/?{target.format(host=server.host)}"
    assert fetch(place, tmp_path / "video", server.allowed, LIMITS).read_bytes() == VIDEO


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("http://127.0.0.2/secret", "an allowed host, found http://127.0.0.2:80"),
        ("https://{host}/clip.mp4", "an allowed host, found https://127.0.0.1"),
        ("file:///etc/passwd", "expected a web address"),
        ("//127.0.0.2/clip.mp4", "an allowed host, found http://127.0.0.2:80"),
    ],
)  # fmt: skip
def test_redirects_to_elsewhere(server, tmp_path, target, error):
    place = f"http://{server.host}/to/?{target.format(host=server.host)}"
    assert error in refusal(place, tmp_path, server.allowed)


def test_endless_redirects(server, tmp_path):
    rounds = "/to/a?/to/b?/to/c?/to/d?/clip.mp4"
    error = refusal(f"http://{server.host}{rounds}", tmp_path, server.allowed)
    assert "more than 3 redirects" in error


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/none", "the server answers 404"),
        ("/short", "it ends after 10240 of 10241 bytes"),
        ("/announced", "at most 0.02 MB"),
        ("/endless", "at most 0.02 MB"),
        ("/trickle", "less than 10 kB per second"),
        ("/silent", "the server is silent"),
        ("/no-http", "220 ready"),
        ("/length", "is no HTTP"),
    ],
)
def test_servers_that_give_no_video(server, tmp_path, path, error):
    assert error in refusal(f"http://{server.host}{path}?secret", tmp_path, server.allowed)
    assert "secret" not in refusal(f"http://{server.host}{path}?secret", tmp_path, server.allowed)


@pytest.mark.parametrize("path", ["/head", "/trickle", "/endless"])
def test_a_copy_ends_when_it_is_not_wanted_or_too_late(server, tmp_path, path):
    place, end = f"http://{server.host}{path}", time.monotonic() + 0.3
    patient = Limits(idle_s=30, max_bytes=10**13)
    given = {"goes_on": lambda: time.monotonic() < end}
    assert "it takes too long" in refusal(place, tmp_path, server.allowed, patient, **given)
    patient = Limits(idle_s=30, max_bytes=10**13, job_s=0.3)
    assert "it takes too long" in refusal(place, tmp_path, server.allowed, patient)


def test_nobody_listens_and_names_that_do_not_exist(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as link:
        port = link.getsockname()[1]
    place = f"http://127.0.0.1:{port}/a.mp4"
    assert "Connection refused" in refusal(place, tmp_path, (f"http://127.0.0.1:{port}",))
    assert "cannot copy https://none.invalid/a.mp4" in refusal(
        "https://none.invalid/a.mp4", tmp_path, ("none.invalid",)
    )


def test_a_name_of_a_private_network_must_be_allowed_in_full(server, tmp_path, monkeypatch):
    port, asked = server.server_port, len(server.asked)
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *words, **named: found)
    place = f"http://a.example.org:{port}/clip.mp4"
    error = refusal(place, tmp_path, (f"http://*.example.org:{port}",))
    assert "a.example.org is in a private network" in error
    assert len(server.asked) == asked  # it was not even asked
    allowed = (f"http://a.example.org:{port}",)
    assert fetch(place, tmp_path / "video", allowed, LIMITS).read_bytes() == VIDEO
    # The first address of a host may be out of order.
    found.insert(0, (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.3", port)))
    assert fetch(place, tmp_path / "video", allowed, LIMITS).read_bytes() == VIDEO


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_tls_and_certificates(tmp_path, monkeypatch):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = (
        f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=x -keyout {key} -out {certificate}"
    )
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(["openssl", *words.split(), *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    (tmp_path / "copy").mkdir()
    with serving(context) as server:
        place, host = f"https://localhost:{server.server_port}", f"localhost:{server.server_port}"
        error = refusal(f"{place}/clip.mp4", tmp_path / "copy", (host,))
        assert "CERTIFICATE_VERIFY_FAILED" in error
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        path = fetch(f"{place}/clip.mp4", tmp_path / "copy" / "video", (host,), LIMITS)
        assert path.read_bytes() == VIDEO
        path.unlink()
        patient = Limits(idle_s=30, job_s=0.3)
        assert "too long" in refusal(f"{place}/head", tmp_path / "copy", (host,), patient)
        named = f"https://127.0.0.1:{server.server_port}"
        assert "CERTIFICATE" in refusal(f"{named}/clip.mp4", tmp_path / "copy", (named,))


def test_jobs_with_addresses(server, tmp_path):
    jobs, measures = Jobs(tmp_path), Measures()
    crew = Crew(jobs, LIMITS, {"model": "fake"}, server.allowed, measures, target=fake_worker.work)
    crew.start()
    added = {}
    for path in ("/trickle", "/clip.mp4?signature=secret", "/none", "/to/?/clip.mp4"):
        added[path] = jobs.add(jobs.begin(), "a.mp4", url=f"http://{server.host}{path}")
    until(lambda: all(job.state not in ("queued", "running") for job in added.values()), 60)
    crew.stop(5)
    states = [job.state for job in added.values()]
    assert states == ["failed", "done", "failed", "done"]
    assert jobs.result(added["/clip.mp4?signature=secret"])["bytes"] == len(VIDEO)
    assert {job.kind for job in added.values()} == {"", "address"}
    assert "secret" not in "".join(one.read_text("utf-8") for one in tmp_path.rglob("*.json"))


def test_a_cancelled_copy_frees_its_worker(server, tmp_path):
    limits = Limits(idle_s=30, job_s=60)
    jobs, measures = Jobs(tmp_path), Measures()
    crew = Crew(jobs, limits, {"model": "fake"}, server.allowed, measures, target=fake_worker.work)
    crew.start()
    slow = jobs.add(jobs.begin(), "slow", url=f"http://{server.host}/trickle")
    fine = jobs.add(jobs.begin(), "fine", url=f"http://{server.host}/clip.mp4")
    end = time.monotonic() + 30
    while fine.state != "done":
        assert time.monotonic() < end
        if slow.state == "running":
            jobs.cancel(slow)
        time.sleep(0.01)
    crew.stop(5)
    assert slow.state == "cancelled"
    assert {one.name for one in tmp_path.iterdir()} == {fine.id}
