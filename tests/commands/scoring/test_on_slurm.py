"""`vqa score --engine slurm`, with tasks that run in this process one after another."""

import pandas
import pytest

from tests.commands.calling import Failed, run
from tests.commands.engines.here import Here
from tests.commands.scoring.scores import FakeScorer
from vqa.commands.scoring import command, on_slurm

ENGINE = ["--engine", "slurm", "--array", "3"]


class Tasks(Here):
    """As the engine that `vqa score` makes."""

    made: list["Tasks"] = []  # noqa: RUF012 (emptied by the fixture)

    def __init__(self, settings):
        super().__init__(settings.array, status=dict(self.failing))
        self.made.append(self)

    failing: dict[str, int] = {}  # noqa: RUF012

    def going(self, folder):
        return set()


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "Scorer", FakeScorer)
    monkeypatch.setattr(FakeScorer, "scored", 0)
    monkeypatch.setattr(on_slurm, "Slurm", Tasks)
    monkeypatch.setattr(Tasks, "made", [])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for number in range(1, 8):
        (tmp_path / "in" / f"{'x' * number}.mp4").write_text(str(number))
    return tmp_path


def test_the_tasks_write_one_dataset_and_no_list_of_names_stays(place, capsys):
    run("score", "in/", *ENGINE, "-o", "scores/", "--fps", "2", "--quiet")
    (stage,) = Tasks.made[0].stages
    assert [words[-2:] for words in stage] == [["--shard", f"{n}/3"] for n in (1, 2, 3)]
    assert stage[0][:3] == ["score", f"@{names(place)}", "--null"]
    flags = stage[0][5:-2]
    assert flags[:2] == ["--output", "scores/"]
    assert {"--quiet", "--fps", "2.0"} < set(flags)
    assert not {"--engine", "--array"} & set(flags)
    table = pandas.read_parquet("scores")
    assert sorted(table["score"]) == [1, 2, 3, 4, 5, 6, 7]
    assert table["video"].is_unique
    assert "written: 7 rows in scores" in capsys.readouterr().out
    assert not names(place).exists()
    assert [path.name for path in (place / "scores").glob("_*")] == ["_manifest.json"]

    FakeScorer.scored = 0
    run("score", "in/", *ENGINE, "-o", "scores/", "--fps", "2", "--quiet")
    assert FakeScorer.scored == 0


def names(place):
    (folder,) = (place / "jobs").glob("vqa-score-*")
    return folder / "names"


def test_a_file_that_failed_costs_its_row_and_status_1(place):
    (place / "in" / "bad.mp4").write_text("not a number")
    with pytest.raises(Failed, match="files failed; their rows say why") as failed:
        run("score", "in/", *ENGINE, "-o", "scores/")
    assert failed.value.status == 1
    table = pandas.read_parquet("scores")
    assert len(table) == 8
    assert table["error"].astype(bool).sum() == 1


def test_a_task_that_failed_leaves_the_rows_of_others(place, monkeypatch):
    monkeypatch.setattr(Tasks, "failing", {"score": 2})
    with pytest.raises(Failed, match="3 of 3 tasks failed"):
        run("score", "in/", *ENGINE, "-o", "scores/")
    assert names(place).exists()
    assert names(place).stat().st_mode & 0o777 == 0o600


def test_videos_without_a_row_are_counted(place, monkeypatch):
    monkeypatch.setattr(Here, "run", lambda self, shares, folder: [only(shares[0])] * 3)
    with pytest.raises(Failed, match=r"4 videos have no row in scores; logs: .* rerun"):
        run("score", "in/", *ENGINE, "-o", "scores/")


def only(words):
    from vqa.cli import main
    from vqa.commands.engines.shares import Outcome

    return Outcome(main(words))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "s.csv"], "--output s.csv: expected a folder or URL that ends in /"),
        ([], r"--output \(none\): expected a folder or URL"),
        (["-o", "s/", "--csv", "x.csv"], "--csv: expected only --output FOLDER/"),
        (["-o", "s/", "--json"], "--json: expected only --output FOLDER/"),
        (["-o", "s/", "--shard", "1/2"], "--shard 1/2: expected no shard"),
    ],
)
def test_what_tasks_cannot_write_is_refused(place, words, message):
    with pytest.raises(Failed, match=message):
        run("score", "in/", *ENGINE, *words)
    assert Tasks.made == []


def test_no_video_at_all_is_refused(place):
    with pytest.raises(Failed, match="no videos found"):
        run("score", "none/", *ENGINE, "-o", "s/")
