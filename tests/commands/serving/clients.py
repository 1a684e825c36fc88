"""What clients of the service do, with any client that has httpx's methods."""

import time


def sent(client, content, name="clip.mp4"):
    """Post a video; return the id of its job."""
    answer = client.post("/v1/jobs", files={"file": (name, content)})
    assert answer.status_code == 202
    return answer.json()["id"]


def ended(client, id_):
    """Wait until a job has ended; return it."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        job = client.get(f"/v1/jobs/{id_}?wait=5").json()
        if job["state"] not in ("queued", "running"):
            return job
    raise AssertionError(job)


def until(holds, seconds=20):
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)
