"""Jobs on disk: what an earlier start left, and what is removed."""

import json

from vqa.commands.serving.jobs import Jobs


def added(jobs, name="a.mp4"):
    id_ = jobs.begin()
    jobs.path(id_, "video.mp4").write_bytes(b"content")
    return jobs.add(id_, name, file="video.mp4")


def test_earlier_jobs_are_queued_again_in_order(tmp_path):
    jobs = Jobs(tmp_path)
    made = [added(jobs, f"{number}.mp4") for number in range(4)]
    jobs.done(jobs.take(1), {"score": 3}, [])
    assert jobs.take(1) is made[1]  # runs when the server is killed
    half = jobs.begin()
    jobs.path(half, "video.mp4").write_bytes(b"half")

    again = Jobs(tmp_path)
    assert [job.name for job in again.waiting()] == ["1.mp4", "2.mp4", "3.mp4"]
    assert again.result(again.get(made[0].id)) == {"score": 3}
    assert not (tmp_path / half).exists()
    assert added(again).order == 5


def test_spoilt_and_foreign_folders(tmp_path):
    jobs = Jobs(tmp_path)
    job = added(jobs)
    path = jobs.path(job.id, "job.json")
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"file": "../../x"}), "utf-8")
    (tmp_path / "mine").mkdir()
    assert Jobs(tmp_path).waiting() == []
    assert (tmp_path / "mine").is_dir()


def test_old_results_are_removed(tmp_path):
    jobs = Jobs(tmp_path)
    job, waits = added(jobs), added(jobs)
    jobs.done(jobs.take(1), {"score": 3}, [])
    jobs.forget(job.finished - 1, 10)
    assert jobs.get(job.id) is job
    jobs.forget(job.finished + 1, 10)
    assert jobs.get(job.id) is None
    assert not (tmp_path / job.id).exists()
    assert jobs.get(waits.id) is waits


def test_cancelled_job_leaves_nothing(tmp_path):
    jobs = Jobs(tmp_path)
    job = added(jobs)
    jobs.cancel(job)
    assert not (tmp_path / job.id).exists()
    jobs.done(job, {"score": 3}, [])
    assert job.state == "cancelled"
    assert jobs.take(0) is None


def test_only_the_last_results_are_kept(tmp_path):
    jobs = Jobs(tmp_path)
    made = [added(jobs) for _ in range(5)]
    for _ in range(4):
        jobs.done(jobs.take(1), {"score": 3}, [])
    jobs.forget(0, 2)
    assert [jobs.get(job.id) is not None for job in made] == [False, False, True, True, True]
    assert {one.name for one in tmp_path.iterdir()} == {job.id for job in made[2:]}


def test_the_queue_keeps_its_order(tmp_path):
    jobs = Jobs(tmp_path)
    made = [added(jobs) for _ in range(5)]
    first = jobs.take(1)
    assert [jobs.position(job) for job in made] == [None, 0, 1, 2, 3]
    jobs.cancel(made[2])
    jobs.again(first, death=True)
    assert jobs.waiting() == [made[0], made[1], made[3], made[4]]
    assert [jobs.position(job) for job in made] == [0, 1, None, 2, 3]
    jobs.cancel(made[2])  # again
    assert Jobs(tmp_path).waiting() == [made[0], made[1], made[3], made[4]]
