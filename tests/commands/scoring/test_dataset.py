"""Scores as a dataset: parts, kills at every step, reruns, other jobs, several writers."""

import itertools
import json
import signal
import subprocess
import sys

import pandas
import pytest

from tests.places import ROOT
from vqa.commands.scoring import dataset
from vqa.commands.scoring.dataset import Dataset
from vqa.commands.scoring.journal import Row
from vqa.commands.scoring.score import Score
from vqa.commands.scoring.score_tables import is_score_file, read_scores
from vqa.commands.scoring.settling import settled
from vqa.files import content_hash
from vqa.remote.stores import Store

ABOUT = {"model": "toy", "command": "vqa score"}


@pytest.fixture
def videos(tmp_path):
    """Seven files, of which one fails."""
    folder = tmp_path / "videos"
    folder.mkdir()
    for number in range(7):
        (folder / f"{number}.mp4").write_text("bad" if number == 2 else str(number))
    return folder


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(dataset, "PART_ROWS", 3)
    monkeypatch.setattr("os.fsync", lambda _: None)  # no test here cuts the power


@pytest.fixture(params=["local", "memory"])
def place(request, tmp_path):
    return str(tmp_path / "s") if request.param == "local" else f"memory://{tmp_path.name}/s"


def score_of(path):
    """A row as a model would make it: the number in the file, or an error."""
    text = path.read_text()
    if text == "bad":
        return Row(str(path), Score(str(path), None, (1, 5), error="bad").entry())
    one = Score(
        str(path), float(text), (1, 5), 2, [0.0, 0.5], [1.0, float(text)], run="toy",
        interval=(1.5, 2.5), level=0.9, source=content_hash(path), scales={"percent": 12.5},
    )  # fmt: skip
    return Row(str(path), one.entry())


def score(rows, videos):
    """Score what no earlier start has; return the names of that, and all places."""
    done, places = [], []
    for path in sorted(videos):
        place = rows.reusable(str(path))
        if place is None:
            place = rows.add(score_of(path))
            done.append(path.name)
        places.append(place)
    return done, places


def job(place, videos, name="job", writer=None):
    rows = Dataset(place, name, ABOUT, writer)
    done, _ = score(rows, videos)
    rows.close(done=True)
    return done


def numbers(place):
    """The score of each row, by name of its file, as any reader of Parquet finds them."""
    store = Store(place)
    tables = [
        pandas.read_parquet(store.local / name)
        for name in (store.names() if store.local else ())
        if name.startswith("part-")
    ]
    table = pandas.concat(tables) if tables else None
    if table is None:
        table = pandas.read_parquet(place)
    names = [one.rpartition("/")[2] for one in table["video"]]
    assert len(set(names)) == len(names), "a video has two rows"
    return {
        name: None if pandas.isna(score) else score
        for name, score in zip(names, table["score"], strict=True)
    }


def expected(videos):
    return {path.name: score_of(path).entry["score"] for path in videos.iterdir()}


def test_rows_are_in_parts_that_any_reader_takes(place, videos):
    rows = Dataset(place, "job", ABOUT)
    _, places = score(rows, videos.iterdir())
    names = [name for name in rows.store.names() if name.startswith("part")]
    assert sorted(names) == [f"part-{rows._writer}-00000{number}.parquet" for number in (1, 2)]
    assert [row.entry for row in rows.rows(places)] == [
        score_of(path).entry for path in sorted(videos.iterdir())
    ]
    rows.close(done=True)
    manifest = json.loads(rows.store.read("_manifest.json"))
    assert (manifest["job"], manifest["rows"], manifest["about"]) == ("job", 7, ABOUT)
    assert [part["rows"] for part in manifest["parts"]] == [3, 3, 1]
    assert numbers(place) == expected(videos)
    assert {name[:9] for name in rows.store.names()} == {"_manifest", "part-main"}


def test_a_rerun_scores_what_failed_or_has_changed_and_no_video_has_two_rows(place, videos):
    assert len(job(place, videos.iterdir())) == 7
    assert job(place, videos.iterdir()) == ["2.mp4"]
    (videos / "2.mp4").write_text("2.5")
    (videos / "0.mp4").write_text("4.5")
    (videos / "6.mp4").write_text("bad")
    assert job(place, videos.iterdir()) == ["0.mp4", "2.mp4", "6.mp4"]
    assert numbers(place) == expected(videos)
    (videos / "7.mp4").write_text("3")
    assert job(place, [videos / "7.mp4"]) == ["7.mp4"]  # rows of the others stay
    assert numbers(place) == expected(videos)


def leave(rows):
    """Leave a dataset as a kill does, with its lock."""
    if rows._journal is not None:
        rows._journal._file.close()


class Killed(BaseException):
    """Ends a job as a kill does, at one step of its writing."""


def kill_at(patch, step, after):
    """Let the process end before or after a write or removal."""
    steps = itertools.count()

    def dying(original, *arguments):
        kills = next(steps) == step
        if kills and not after:
            raise Killed
        original(*arguments)
        if kills:
            raise Killed

    write, remove = Store.write, Store.remove
    patch.setattr(Store, "write", lambda *each: dying(write, *each))
    patch.setattr(Store, "remove", lambda *each: dying(remove, *each))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_kill_at_any_step_leaves_what_a_rerun_completes(place, videos, monkeypatch, after):
    clean = [path.read_text() for path in sorted(videos.iterdir())]
    changed = [*clean[:2], "3.5", "1.5", *clean[4:]]
    for step in range(1000):
        folder = f"{place}-{after}-{step}"
        for path, text in zip(sorted(videos.iterdir()), clean, strict=True):
            path.write_text(text)
        job(folder, videos.iterdir())
        for path, text in zip(sorted(videos.iterdir()), changed, strict=True):
            path.write_text(text)
        opened = []
        with monkeypatch.context() as patch:
            kill_at(patch, step, after)
            ended = False
            try:
                opened.append(Dataset(folder, "job", ABOUT))
                score(opened[0], videos.iterdir())
                opened[0].close(done=True)
                ended = True
            except Killed:
                pass
        for one in opened:
            leave(one)
        job(folder, videos.iterdir())
        assert numbers(folder) == expected(videos), f"step {step}"
        assert job(folder, videos.iterdir()) == []
        if ended:
            break
    assert step > 8


def test_kill_9_costs_no_row_that_was_added(tmp_path):
    """A real process: its rows are in parts and in the journal."""
    program = (
        "import itertools, sys\n"
        "from vqa.commands.scoring import dataset\n"
        "from vqa.commands.scoring.journal import Row\n"
        "from vqa.commands.scoring.score import Score\n"
        "dataset.PART_ROWS = 8\n"
        "rows = dataset.Dataset(sys.argv[1], 'job', {})\n"
        "for i in itertools.count():\n"
        "    rows.add(Row(f'/{i}', Score(f'/{i}', 1.0, (1, 5), source='x').entry()))\n"
        "    print(i, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / "s"], cwd=ROOT, stdout=subprocess.PIPE
    )
    last = 0
    while last < 30:
        line = process.stdout.readline()
        assert line, "the job has ended"
        last = int(line)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    rows = Dataset(tmp_path / "s", "job", {})
    rows.close(done=True)
    found = sorted(numbers(tmp_path / "s"), key=int)
    assert found == [str(number) for number in range(len(found))]
    assert len(found) > 30


def test_parts_that_are_gone_or_changed_are_scored_again_and_said(tmp_path, videos, capsys):
    folder = tmp_path / "s"
    job(folder, videos.iterdir())
    (folder / "part-main-000001.parquet").unlink()
    changed = folder / "part-main-000002.parquet"
    other = tmp_path / "other"
    job(other, [videos / "3.mp4"])
    changed.write_bytes((other / "part-main-000001.parquet").read_bytes())
    assert len(job(folder, videos.iterdir())) == 6
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(": ")[0].rpartition("/")[2] for line in said] == [
        "part-main-000002.parquet", "part-main-000001.parquet",
    ]  # fmt: skip
    assert numbers(folder) == expected(videos)


def test_other_jobs_and_other_folders_are_refused(tmp_path, videos):
    job(tmp_path / "s", videos.iterdir())
    with pytest.raises(ValueError, match=r"found 7 rows of another job \(vqa score\)"):
        Dataset(tmp_path / "s", "other", ABOUT)
    with pytest.raises(ValueError, match=r"expected an empty folder .* found 0\.mp4"):
        Dataset(videos, "job", ABOUT)
    with pytest.raises(ValueError, match="expected a folder, found a file"):
        Dataset(videos / "0.mp4", "job", ABOUT)
    (tmp_path / "s" / "_manifest.json").write_text("[]")
    with pytest.raises(ValueError, match="expected the manifest of a dataset of scores"):
        Dataset(tmp_path / "s", "job", ABOUT)
    assert len(list(videos.iterdir())) == 7


def test_two_jobs_do_not_write_under_one_name(tmp_path):
    rows = Dataset(tmp_path / "s", "job", ABOUT)
    with pytest.raises(ValueError, match="another job is writing there"):
        Dataset(tmp_path / "s", "job", ABOUT)
    rows.close(done=True)


def test_several_writers_share_a_folder(place, videos):
    paths = sorted(videos.iterdir())
    writers = [Dataset(place, "job", ABOUT, f"{number}-of-3") for number in (1, 2, 3)]
    for number, one in enumerate(writers):
        score(one, paths[number::3])
    for one in writers[:2]:
        one.close(done=True)
    leave(writers[2])  # it was killed before it wrote a part
    again = job(place, paths[2::3], writer="3-of-3")
    assert again == (["2.mp4"] if writers[2]._journal is not None else ["2.mp4", "5.mp4"])
    assert settled(place) == (7, 0)
    assert numbers(place) == expected(videos)
    assert [name for name in Store(place).names() if name.startswith("_manifest")] == [
        "_manifest.json"
    ]
    assert job(place, videos.iterdir()) == ["2.mp4"]


def test_a_dataset_is_compared_like_a_file(tmp_path, videos):
    job(tmp_path / "s", videos.iterdir())
    assert is_score_file(str(tmp_path / "s"))
    assert not is_score_file(str(videos))
    table = read_scores(tmp_path / "s")
    assert len(table.scores) == 6
    assert list(table.failed.values()) == ["bad"]
    assert (table.models, table.scales) == ({"toy"}, {(1, 5)})
