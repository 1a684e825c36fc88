"""The addresses of the service, in process, with a worker that needs no model."""

import json
import time

import pytest

from tests.commands.serving import fake_worker
from tests.commands.serving.clients import ended

pytest.importorskip("fastapi")

from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from vqa.commands.serving.crew import Crew
from vqa.commands.serving.jobs import Jobs
from vqa.commands.serving.limits import Limits
from vqa.commands.serving.measures import Measures
from vqa.commands.serving.service import Service
from vqa.commands.serving.web import app_of

SMALL = Limits(max_bytes=100_000, queue=4, job_s=3.0, reserve_bytes=0)
MULTIPART = {"Content-Type": "multipart/form-data; boundary=xyz"}


def made(folder, *, model="fake", workers=True, limits=SMALL, **given):
    jobs, measures = Jobs(folder), Measures()
    crew = Crew(jobs, limits, {"model": model}, (), measures, target=fake_worker.work)
    service = Service(jobs, crew, limits, measures, **given)
    if workers:
        crew.start()
        crew.loaded.wait(30)
    return service, TestClient(app_of(service), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    service, client = made(tmp_path_factory.mktemp("jobs"), allowed=("videos.example.org",))
    with client:  # one event loop for all requests
        yield service, client
    service.crew.stop(0)


@pytest.fixture
def idle(tmp_path):
    """A service whose workers never start, so that its jobs wait."""
    return made(tmp_path / "jobs", workers=False)


def sent(client, content=b"fine", name="clip.mp4"):
    return client.post("/v1/jobs", files={"file": (name, content)})


def test_a_change_that_the_client_has_not_seen_is_answered_at_once(idle):
    service, client = idle
    job = sent(client).json()
    service.jobs.take(1)
    begun = time.monotonic()
    answer = client.get(f"/v1/jobs/{job['id']}?wait=50&state=queued").json()
    assert answer["state"] == "running"
    assert time.monotonic() - begun < 40  # it did not wait


def refused(answer, status):
    assert answer.status_code == status
    assert answer.text.count("\n") == 1
    assert answer.text.endswith("\n")
    content = answer.json()
    assert set(content) == {"error", "remedy"}
    assert content["error"]
    assert content["remedy"]
    return content["error"]


def test_score_and_picture_of_an_upload(running):
    service, client = running
    answer = sent(client)
    assert answer.status_code == 202
    id_ = answer.json()["id"]
    assert answer.headers["location"] == f"/v1/jobs/{id_}"
    job = ended(client, id_)
    assert job["result"] == {"video": "clip.mp4", "score": 3.0, "bytes": 4}
    assert job["error"] == ""
    picture = client.get(job["pictures"][0]["url"])
    assert picture.content == b"a picture"
    assert picture.headers["content-type"] == "image/jpeg"
    refused(client.get(f"/v1/jobs/{id_}/pictures/1"), 404)
    refused(client.get(f"/v1/jobs/{id_}/pictures/../job.json"), 404)
    assert not list((service.jobs.folder / id_).glob("video*"))  # the upload is not kept


def test_what_is_no_video_fails_with_the_reason(running):
    _, client = running
    job = ended(client, sent(client, b"bad").json()["id"])
    assert job["state"] == "failed"
    assert (job["error"], job["remedy"]) == ("clip.mp4: is no video", "send a video")


def test_dead_workers_cost_a_second_try_and_no_other_job(running):
    _, client = running
    first, second, third = (
        sent(client, content).json()["id"] for content in (b"dies once", b"dies", b"fine")
    )
    assert ended(client, first)["state"] == "done"
    job = ended(client, second)
    assert job["state"] == "failed"
    assert "2 workers ended" in job["error"]
    assert ended(client, third)["state"] == "done"
    families = text_string_to_metric_families(client.get("/metrics").text)
    found = {one.name: one for family in families for one in family.samples if not one.labels}
    assert found["vqa_worker_restarts_total"].value >= 3
    assert found["vqa_jobs_queued"].value == 0


def test_long_jobs_fail_and_running_ones_can_be_cancelled(running, monkeypatch):
    monkeypatch.setattr("vqa.commands.serving.crew.GIVE_UP_S", 0.1)  # this worker does not
    _, client = running
    slow = sent(client, b"slow").json()["id"]
    job = ended(client, slow)
    assert job["state"] == "failed"
    assert "longer than 3 s" in job["error"]
    other = sent(client, b"slow").json()["id"]
    while client.get(f"/v1/jobs/{other}").json()["progress"] != {"done": 3, "of": 12}:
        client.get(f"/v1/jobs/{other}?wait=1")
    assert client.delete(f"/v1/jobs/{other}").json()["state"] == "cancelled"
    assert ended(client, sent(client).json()["id"])["state"] == "done"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\videos\\a b.mp4", "a b.mp4"),
        ("bad\u2028name.mp4", "bad name.mp4"),
        ("x" * 500, "x" * 200),
        ("..", ".."),
        ("质量.mp4", "质量.mp4"),
    ],
)
def test_names_are_only_shown(idle, name, shown):
    service, client = idle
    job = sent(client, name=name).json()
    assert job["name"] == shown
    files = {one.name for one in service.jobs.folder.rglob("*") if one.is_file()}
    assert files - {"video", "video.mp4"} == {"job.json"}


def test_bodies_that_are_no_upload(running):
    service, client = running
    before = set(service.jobs.folder.iterdir())
    part = '--xyz\r\nContent-Disposition: form-data; name="{}"; filename="a.mp4"\r\n\r\n{}\r\n'
    whole = part.format("file", "abc")

    def post(text):
        return client.post("/v1/jobs", content=text, headers=MULTIPART)

    refused(post(part.format("other", "abc") + "--xyz--\r\n"), 422)
    refused(post(whole + whole + "--xyz--\r\n"), 422)
    refused(post(part.format("file", "") + "--xyz--\r\n"), 422)
    refused(post(whole), 400)  # cut off
    refused(post("nonsense"), 400)
    refused(post(""), 400)
    refused(client.post("/v1/jobs", content=b"abc"), 415)
    refused(client.post("/v1/jobs", content=b"a", headers={"Content-Type": "video/mp4"}), 415)
    multipart = {"Content-Type": "multipart/form-data"}
    refused(client.post("/v1/jobs", content=b"a", headers=multipart), 400)
    long = part.format("file", "abc").replace("a.mp4", "a" * 20_000)
    refused(post(long + "--xyz--\r\n"), 400)
    assert set(service.jobs.folder.iterdir()) == before


def test_too_large_uploads_are_cut_off_while_they_arrive(running):
    service, client = running
    before = set(service.jobs.folder.iterdir())
    refused(sent(client, b"x" * 100_001), 413)

    def chunks():  # without a length
        yield b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(20):
            yield b"x" * 10_000

    refused(client.post("/v1/jobs", content=chunks(), headers=MULTIPART), 413)
    assert set(service.jobs.folder.iterdir()) == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[" * 10_000, 400),
        (b"x" * 20_000, 413),
        (b'{"url": 3}', 400),
        (b'{"url": "file:///etc/passwd"}', 400),
        (b'{"url": "https://videos.example.org/a.mp4", "more": 1}', 400),
        (b'{"url": "https://user:word@videos.example.org/a.mp4"}', 400),
        (b'{"url": "http://videos.example.org/a.mp4"}', 403),
        (b'{"url": "https://videos.example.org:8443/a.mp4"}', 403),
        (b'{"url": "https://127.0.0.1/a.mp4"}', 403),
        (b'{"url": "https://videos.example.org.evil.example/a.mp4"}', 403),
        (b'{"url": "https://[::1/a.mp4"}', 400),
    ],
)
def test_addresses_that_are_not_allowed(running, body, status):
    _, client = running
    headers = {"Content-Type": "application/json"}
    refused(client.post("/v1/jobs", content=body, headers=headers), status)


def test_full_queue_says_when_to_come_back(idle):
    _, client = idle
    ids = [sent(client).json() for _ in range(4)]
    assert [one["position"] for one in ids] == [0, 1, 2, 3]
    answer = sent(client)
    refused(answer, 429)
    assert int(answer.headers["retry-after"]) >= 1
    assert client.delete(f"/v1/jobs/{ids[0]['id']}").json()["state"] == "cancelled"
    assert sent(client).status_code == 202


def test_full_disk_refuses(tmp_path):
    _, client = made(tmp_path, workers=False, limits=Limits(reserve_bytes=10**18))
    refused(sent(client), 507)


def test_unknown_ids_methods_and_addresses(running):
    _, client = running
    for id_ in ("0" * 32, "x", "%2e%2e", "..%2f..%2fetc"):
        refused(client.get(f"/v1/jobs/{id_}"), 404)
        refused(client.delete(f"/v1/jobs/{id_}"), 404)
    refused(client.put("/v1/jobs"), 405)
    refused(client.get("/v1/jobs"), 405)
    refused(client.get("/docs"), 404)
    refused(client.get("/page/..%2fweb.py"), 404)
    refused(client.get("/page/index.html"), 404)
    id_ = sent(client).json()["id"]
    for wait in ("x", "-1", "inf", "1e9", ""):
        refused(client.get(f"/v1/jobs/{id_}?wait={wait}"), 400)


def test_token(tmp_path):
    _, client = made(tmp_path, workers=False, token="sesame")
    refused(sent(client), 401)
    refused(client.get("/v1/model", headers={"Authorization": "Bearer other"}), 401)
    refused(client.get("/v1/model", headers={"Authorization": "Basic sesame"}), 401)
    assert client.get("/").status_code == 200
    assert client.get("/metrics").status_code == 200
    client.headers["Authorization"] = "Bearer sesame"
    assert sent(client).status_code == 202


def test_page_and_headers(running):
    _, client = running
    answer = client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for one in (answer, client.get("/v1/jobs/x")):
        assert "default-src 'none'" in one.headers["content-security-policy"]
        assert one.headers["x-content-type-options"] == "nosniff"
        assert one.headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in one.headers


def test_model_and_health(running):
    _, client = running
    model = client.get("/v1/model").json()
    assert model["name"] == "fake"
    assert model["limits"]["max_bytes"] == 100_000
    assert model["urls"] == ["videos.example.org"]
    assert model["needs_token"] is False
    assert client.get("/healthz").status_code == 200
    head = client.head("/healthz")  # as monitors ask
    assert (head.status_code, head.content) == (200, b"")


def test_model_that_does_not_load(tmp_path):
    service, client = made(tmp_path, model="wrong")
    assert "expected a model" in refused(client.get("/healthz"), 503)
    service.crew.stop(0)


def test_stopping_refuses_and_keeps_the_queue(tmp_path):
    service, client = made(tmp_path)
    ids = [sent(client, content).json()["id"] for content in (b"slow", b"fine")]
    while service.jobs.running() == 0:
        time.sleep(0.01)
    service.stopping = True
    service.crew.stop(0.1)
    answer = sent(client)
    refused(answer, 503)
    assert answer.headers["retry-after"]
    again = Jobs(tmp_path)
    assert [job.id for job in again.waiting()] == ids
    assert [
        json.loads((tmp_path / id_ / "job.json").read_text("utf-8"))["deaths"] for id_ in ids
    ] == [0, 0]
