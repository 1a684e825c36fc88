"""Which word is the model: runs, embedded models, published weights; mistakes in one line."""

import sys
import types

import pytest

import vqa
from tests.commands.calling import Failed, run
from vqa.commands.scoring.choice import Choice, chosen, opened
from vqa.runs import RunError, opening


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a run, a clip, and an embedded model `ugc`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(opening, "EMBEDDED", tmp_path / "embedded")
    for folder in ("runs/one", "embedded/ugc"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "config.yaml").write_text("name: one\n")
    (tmp_path / "clip.mp4").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("words", "model", "choice"),
    [
        (["clip.mp4"], None, ("ugc", ["clip.mp4"])),
        (["clip.mp4", "gone.mp4"], None, ("ugc", ["clip.mp4", "gone.mp4"])),
        (["gone.mp4", "clip.mp4"], None, ("ugc", ["gone.mp4", "clip.mp4"])),
        (["-"], None, ("ugc", ["-"])),
        (["@list", "*"], None, ("ugc", ["@list", "*"])),
        (["list.txt", "clip.mp4"], None, ("ugc", ["list.txt", "clip.mp4"])),
        (["runs/one", "clip.mp4"], None, ("runs/one", ["clip.mp4"])),
        (["runs/two", "clip.mp4"], None, ("runs/two", ["clip.mp4"])),  # `load_run` explains
        (["ugc", "clip.mp4"], None, ("ugc", ["clip.mp4"])),
        (["hf://owner/name", "clip.mp4"], None, ("hf://owner/name", ["clip.mp4"])),
        (["clip.mp4"], "runs/one", ("runs/one", ["clip.mp4"])),
        (["runs", "clip.mp4"], "vsfa", ("vsfa", ["runs", "clip.mp4"])),
    ],
)
def test_the_first_word_is_the_model_if_it_is_one(place, words, model, choice):
    assert chosen(words, model) == Choice(*choice)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["runs/one"], "runs/one is a model: expected videos after it"),
        (["ugc"], "ugc is a model: expected videos after it"),
        (["runs/one", "clip.mp4", "--model", "ugc"], "two models are given, runs/one and .*ugc"),
        (["hf://a/b", "clip.mp4", "--model", "ugc"], "two models are given"),
        (["clip.mp4", "--weights", "W.pt"], "--weights needs the name of its model"),
        (["clip.mp4", "--model", "vsfa", "--backbone-weights", "W.pt"], "goes with --weights"),
        (["clip.mp4", "--model", "vsfa"], r"vsfa has no weights: .*--weights <file>.*vqa train"),
        (["vsfa", "clip.mp4"], "vsfa has no weights"),
        (["vsfa"], "vsfa has no weights"),
        (["clip.mp4", "--model", "vsfaa"], "vsfaa is no run folder"),
        (["runs/two", "clip.mp4"], r"runs/two is no run folder: .*embedded model \(ugc\)"),
        (["clip.mp4", "--model", "ugc", "--weights", "W.pt"], "ugc has weights"),
        (["gone.mp4"], r"no such file: gone\.mp4"),
        (["clip.mp4", "--workers", "0"], "expected a whole number from 1"),
        (["clip.mp4", "--interval", "1"], "expected a number above 0, at most 0.999"),
        (["clip.mp4", "--shard", "2"], "expected i/n"),
        (["clip.mp4", "--fail-below", "nan"], "expected a number"),
    ],
)
def test_a_mistake_is_one_line(place, words, message):
    with pytest.raises(Failed, match=message) as failure:
        run("score", *words)
    assert failure.value.status == 2
    assert str(failure.value).strip().count("\n") == 0
    assert not list(place.glob("scores*"))


def test_a_word_that_may_be_a_model_or_a_folder_is_decided_and_said(place):
    (place / "ugc").mkdir()
    several, alone = chosen(["ugc", "clip.mp4"], None), chosen(["ugc"], None)
    assert several[:2] == ("ugc", ["clip.mp4"])
    assert several.remark == "ugc is the embedded model; write ./ugc for the videos there"
    assert alone[:2] == ("ugc", ["ugc"])
    assert "is the folder of that name" in alone.remark
    assert chosen(["./ugc", "clip.mp4"], None) == Choice("ugc", ["./ugc", "clip.mp4"])
    assert chosen(["ugc"], "runs/one") == Choice("runs/one", ["ugc"])


def test_words_and_flags_come_in_any_order(place, monkeypatch):
    given = []
    module = types.SimpleNamespace(main=lambda *words, **options: given.append((words, options)))
    monkeypatch.setattr("vqa.commands.scoring.arguments.import_module", lambda name: module)
    run("score", "runs/one", "--json", "clip.mp4", "--workers", "2", "-", "-0", "b.mp4")
    ((words, options),) = given
    assert words == ("runs/one", ["clip.mp4", "-", "b.mp4"])
    assert (options["json_lines"], options["workers"], options["zeros"]) == (True, 2, True)
    with pytest.raises(Failed, match="unrecognized arguments: --jsn"):
        run("score", "runs/one", "--jsn", "clip.mp4")


def test_published_weights_become_a_run(place, monkeypatch):
    given = []
    published = types.ModuleType("vqa.commands.published")
    published.published_run = lambda *words, **options: given.append((words, options)) or "run"
    monkeypatch.setitem(sys.modules, "vqa.commands.published", published)
    monkeypatch.setenv("HOME", "/home/me")
    assert opened("vsfa", weights="~/VSFA.pt") == "run"
    options = {"backbone_weights": "r50.pth", "cache": "c"}
    assert opened("vsfa", weights="VSFA.pt", **options) == "run"
    assert given == [
        (("vsfa", "/home/me/VSFA.pt"), {"backbone_weights": None, "cache": "cache"}),
        (("vsfa", "VSFA.pt"), options),
    ]


def test_from_python_the_same_models_are_loaded(place):
    with pytest.raises(ValueError, match="vsfa has no weights"):
        vqa.load("vsfa")
    with pytest.raises(ValueError, match="give both"):
        vqa.load("vsfa", backbone_weights="W.pt")
    with pytest.raises(RunError, match="no run folder"):
        vqa.load("runs/two")
