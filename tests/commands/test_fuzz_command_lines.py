"""Hundreds of generated command lines: right ones compose and build, wrong ones get one line."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings

from tests.commands.calling import Failed, run
from tests.commands.fuzz_command_lines import lines
from vqa import cli
from vqa.commands.experiment import Experiment

TIERS = [25, pytest.param(500, marks=[pytest.mark.slow, pytest.mark.exhaustive])]
ROWS = "".join(f"{k}.mp4,{1 + k / 3},scene{k}\n" for k in range(10))
OWN = ("data=csv", "data.labels=labels.csv", "data.missing=keep")
ADDED = {
    "train": (*OWN, "features=multiscale"),
    "cross": ("train=[demo_coding]", "test=[demo_coding,demo_camera]"),
    "extract": (*OWN, "features=multiscale"),
    "evaluate": ("predictions=predictions.csv",),
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to run in, and verbs that build everything and then stop before the work."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "labels.csv").write_text("video,mos,content\n" + ROWS, encoding="utf-8")
    (tmp_path / "predictions.csv").write_text("mos,score\n1,2\n2,3\n3,5\n4,4\n", encoding="utf-8")
    module = cli._module
    jobs = {"train": _train, "extract": _extract, "cross": _train}
    monkeypatch.setattr(
        cli,
        "_module",
        lambda verb: SimpleNamespace(main=jobs[verb]) if verb in jobs else module(verb),
    )
    return tmp_path


def _train(config):
    experiment = Experiment.composed(config)
    if experiment.config["data"]["name"] == "csv":
        experiment.splits(experiment.database)
    experiment.learner()
    assert experiment.sources.sources


def _extract(config):
    experiment = Experiment.composed(config)
    assert experiment.sources.sources
    assert len(experiment.database) == 10


@pytest.mark.parametrize("count", TIERS)
def test_right_lines_build_and_wrong_lines_get_one_line(count, place):
    @settings(max_examples=count, derandomize=True, deadline=None, database=None)
    @given(lines())
    def check(line):
        verb, *words = line.words
        typed = {word.partition("=")[0] for word in words}
        added = [word for word in ADDED.get(verb, ()) if word.partition("=")[0] not in typed]
        if not line.wrong:
            run(verb, *added, *words)
        else:
            with pytest.raises(Failed) as failure:
                run(verb, *added, *words)
            text = str(failure.value).strip()
            assert failure.value.status == 2
            assert text.startswith("error: ")
            assert "\n" not in text
            assert len(text) < 1500
        assert not (place / "~").exists()

    check()
