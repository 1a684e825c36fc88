"""Clients on real connections: silent, slow, gone and cancelled ones cost nobody else anything."""

import socket
import time
from contextlib import closing, suppress

import pytest

from tests.commands.serving import fake_worker
from tests.commands.serving.clients import ended, sent, until
from tests.commands.serving.listening import listening

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

import httpx

from vqa.commands.serving.crew import Crew
from vqa.commands.serving.jobs import Jobs
from vqa.commands.serving.limits import Limits
from vqa.commands.serving.measures import Measures
from vqa.commands.serving.service import Service

LIMITS = Limits(max_bytes=10**6, queue=50, reserve_bytes=0, idle_s=0.3, slowest_bytes_s=10**5)
HEAD = (
    b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n"
    b"Content-Type: multipart/form-data; boundary=xyz\r\n\r\n"
    b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
)


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    jobs, measures = Jobs(tmp_path_factory.mktemp("jobs")), Measures()
    crew = Crew(jobs, LIMITS, {"model": "fake"}, (), measures, target=fake_worker.work)
    service = Service(jobs, crew, LIMITS, measures)
    crew.start()
    crew.loaded.wait(30)
    with listening(service) as port:
        yield service, port
    crew.stop(0)


@pytest.fixture
def client(serving):
    with httpx.Client(base_url=f"http://127.0.0.1:{serving[1]}", timeout=60) as client:
        yield client


def connected(port):
    return closing(socket.create_connection(("127.0.0.1", port), timeout=30))


@pytest.mark.parametrize(
    "begun", [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\n"]
)
def test_connections_without_a_whole_request_are_closed(serving, client, begun):
    with connected(serving[1]) as link:
        link.sendall(begun)
        assert client.get("/healthz").status_code == 200
        assert link.recv(100) == b""


def test_trickled_heads_are_closed_also_after_a_first_request(serving):
    with connected(serving[1]) as link:
        link.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in link.recv(10_000)
        link.settimeout(0.02)
        until(lambda: is_over(link))


def is_over(link):
    """Send one more byte; return whether the server has closed the connection."""
    try:
        link.sendall(b"G")
        return link.recv(100) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_requests_that_wait_are_not_cut_off(serving, client):
    id_ = sent(client, b"patient")
    until(lambda: serving[0].jobs.progress(serving[0].jobs.get(id_)))
    begun = time.monotonic()
    assert client.get(f"/v1/jobs/{id_}?wait=1.5").json()["state"] == "running"
    assert time.monotonic() - begun > 2 * LIMITS.idle_s
    client.delete(f"/v1/jobs/{id_}")


def test_slow_uploads_are_refused_and_leave_nothing(serving, client):
    service, port = serving
    with connected(port) as link:
        link.sendall(HEAD)
        answer = b""
        for _ in range(600):
            link.sendall(b"x")
            time.sleep(0.02)
            link.settimeout(0.01)
            with suppress(TimeoutError):
                answer += link.recv(10_000)
            if b"}" in answer:
                break
        assert answer.startswith(b"HTTP/1.1 408")
        assert b'"remedy": "send it over a faster connection' in answer
        assert ended(client, sent(client, b"fine"))["state"] == "done"
    until(lambda: service.uploads == 0)
    assert all((one / "job.json").exists() for one in service.jobs.folder.iterdir())


def test_clients_that_go_away_leave_no_upload_and_no_waiting(serving, client):
    service, port = serving
    id_ = sent(client, b"patient")
    for _ in range(5):
        with connected(port) as link:
            link.sendall(f"GET /v1/jobs/{id_}?wait=50 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        with connected(port) as link:
            link.sendall(HEAD)
            until(lambda: service.uploads)
        until(lambda: not service.uploads)
    client.delete(f"/v1/jobs/{id_}")
    assert ended(client, sent(client, b"fine"))["state"] == "done"
    assert all((one / "job.json").exists() for one in service.jobs.folder.iterdir())


def test_cancelled_jobs_leave_the_model_loaded_and_the_others_done(serving, client):
    service, _ = serving
    pids, restarts = service.crew.pids, client.get("/metrics").text.count("restarts_total 0.0")
    others = []
    for _ in range(3):
        id_ = sent(client, b"patient")
        others += [sent(client, b"fine"), sent(client, b"patient"), sent(client, b"fine")]
        until(lambda id_=id_: service.jobs.progress(service.jobs.get(id_)))
        assert client.delete(f"/v1/jobs/{others[-2]}").json()["state"] == "cancelled"  # it waited
        assert client.delete(f"/v1/jobs/{id_}").json()["state"] == "cancelled"
        del others[-2]
        assert {ended(client, one)["state"] for one in others} == {"done"}
    assert service.crew.pids == pids
    assert client.get("/metrics").text.count("restarts_total 0.0") == restarts == 1
