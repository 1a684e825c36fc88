"""The command line: fast help, wrong use in one line, exit statuses, completion."""

import json
import subprocess
import sys

import pytest

from tests.commands.calling import Failed, run
from tests.places import CONF, ROOT
from vqa import cli
from vqa.commands import configuration
from vqa.commands.completion import candidates

HEAVY = ("torch", "pytorch_lightning", "torchvision", "numpy", "pandas", "scipy", "wandb")
PLAIN_VERBS = [
    "score",
    "serve",
    "pack",
    "export",
    "doctor",
    "compare",
    "verify",
    "runs",
    "models",
    "study",
    "completion",
]


def fresh(*words):
    """Run in a new process; returns its output and the top-level modules that it imported."""
    program = (
        "import runpy, sys\n"
        f"sys.argv = {['vqa', *words]!r}\n"
        "try:\n    runpy.run_module('vqa', run_name='__main__', alter_sys=False)\n"
        "except SystemExit as stop:\n    status = stop.code\n"
        "print('\\n@', status, *sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    output, _, last = done.stdout.rpartition("\n@ ")
    status, *modules = last.split()
    return int(status), output, done.stderr, set(modules)


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], *([v, "--help"] for v in cli.flags())]
)
def test_help_imports_nothing_heavy(words):
    status, output, errors, modules = fresh(*words)
    assert (status, errors) == (0, "")
    assert output
    assert not modules & {*HEAVY, "hydra", "omegaconf"}


@pytest.mark.parametrize("verb", cli.HYDRA_VERBS)
def test_help_of_a_verb_shows_its_uses_and_every_choice(verb, capsys):
    run(verb, "--help")
    printed = capsys.readouterr().out
    uses = configuration.head_comment(CONF / f"{verb}.yaml")
    assert len(uses) >= 4
    for line in uses:
        assert line.replace("python " + verb + ".py", "vqa " + verb) in printed
    for group in ("model", "data", "features", "protocol", "trainer", "logger"):
        for name in configuration.choices(group):
            assert name in printed


def test_help_shows_choices_of_a_folder_of_your_own(tmp_path, capsys):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "quirky.yaml").write_text("# @package _global_\n# A model of mine.\n")
    run("train", "--config-dir", tmp_path, "--help")
    assert "quirky" in capsys.readouterr().out
    run("models", "--config-dir", tmp_path)
    assert "A model of mine" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["train", "model=gstvqq"],
        ["train", "model.netwrok.attention=std"],
        ["evaluate", "run=x", "metrik=srocc"],
    ],
)
def test_a_typo_is_answered_without_torch(words):
    status, _, errors, modules = fresh(*words)
    assert status == 2
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    assert not modules & set(HEAVY)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "invalid choice: 'trian'"),
        ([], "required: VERB"),
        (["score"], "required: VIDEOS"),
        (["score", "run", "a.mp4", "--ouput", "x.csv"], "unrecognized arguments: --ouput"),
        (["doctor", "--time-limit", "soon"], "expected a number above 0, .* found soon"),
        (["doctor", "--time-limit", "nan"], "expected a number above 0, .* found nan"),
        (["verify", "run", "--rescore", "-1"], "expected a whole number from 0 on, found -1"),
        (["runs", "--json", "--csv"], "not allowed with argument"),
        (["train", "model=gstvq"], "model=gstvq does not exist; expected one of gstvqa"),
        (["train", "data=konvit"], "data=konvit does not exist; expected one of konvid"),
        (["train", "features=[nss,resnet5]"], "features=resnet5 does not exist; .*resnet50"),
        (["train", "seeed=1"], "there is no setting seeed"),
        (["train", "model.optimizer.lrr=1"], "there is no setting model.optimizer.lrr"),
        (["train", "seed=1", "seed=2"], r"seed= is given twice \(1 and 2\)"),
        (["evaluate", "run=x", "videos=a", "videos=b"], r"videos= is given twice .*\[a,b\]"),
        (["train", "data=csv,konvid"], "."),
        (["train", "model"], "."),
        (["train", "model={"], "."),
        (["cross"], "train"),
        (["cross", "train=[demo]"], "test"),
        (["evaluate"], "expected one of run="),
        (["evaluate", "run=a", "verify=b"], "expected one of run="),
        (["evaluate", "run=/nowhere"], "/nowhere"),
        (["score", "/nowhere", "a.mp4", "-o", "scores.xlsx"], r"output=scores\.xlsx: expected"),
        (["score", "a.mp4"], r"no such file: a\.mp4"),
        (["score", "a.mp4", "--null", "--fps", "0"], "expected a number above 0, .* found 0"),
        (["score", "/nowhere", __file__], "/nowhere"),
        (["score", "/nowhere", "/no/such.mp4"], "no/such.mp4"),
        (["verify", "/nowhere"], "/nowhere"),
        (["compare", "/nowhere", "/elsewhere"], "/nowhere"),
        (["compare", "one"], "."),
        (["runs", "/nowhere"], "/nowhere"),
        (["models", "gstvq"], "model=gstvq does not exist; expected one of gstvqa"),
        (["doctor", "konvit"], "data=konvit does not exist; expected one of konvid"),
        (["doctor", "konvid", "--root", "/nowhere"], r"/nowhere is not a folder"),
        (["extract", "features=nss", "draw=a.mp4"], "have no maps to draw; use .*openclip"),
        (["train", "--config-dir", "/nowhere", "model=x"], "/nowhere"),
    ],
)
def test_wrong_use_gets_one_line_and_status_2(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Failed, match=message) as failure:
        run(*words)
    assert failure.value.status == 2
    text = str(failure.value).strip()
    assert text.startswith("error: ")
    assert "\n" not in text
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_no_run_and_a_run_of_another_version(tmp_path):
    with pytest.raises(Failed, match=r"config\.yaml") as failure:
        run("verify", tmp_path)
    assert failure.value.status == 2
    old = tmp_path / "old"
    (old / "splits").mkdir(parents=True)
    model = {"_target_": "vqa.learners.neural.NeuralLearner"}
    settings = {"name": "old", "seed": 0, "model": model, "data": {"reader": "auto"}}
    settings |= {"views": {"features": None}, "features": {}, "trainer": {"accelerator": "cpu"}}
    (old / "config.yaml").write_text(json.dumps(settings))
    (old / "database.json").write_text('{"name": "demo", "mos_range": [1, 5]}')
    (old / "environment.json").write_text('{"vqa": "0.1.0"}')
    split = {"name": "split0", "train": ["a"], "val": [], "test": ["b"], "group_by": "content"}
    from vqa.protocols.splits import Split, write_split

    write_split(
        Split(**{k: tuple(v) if isinstance(v, list) else v for k, v in split.items()}, seed=0),
        old / "splits" / "split0.json",
    )
    (tmp_path / "a.mp4").write_bytes(b"x")
    with pytest.raises(Failed, match=r"0\.1\.0") as failure:
        run("score", old, tmp_path / "a.mp4", "-o", tmp_path / "s.csv")
    assert failure.value.status == 2


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("vqa ", {"train", "score", "doctor"}),
        ("vqa tr", {"train"}),
        ("vqa score --ou", {"--output"}),
        ("vqa train mod", {"model="}),
        ("vqa train model=gs", {"model=gstvqa"}),
        ("vqa train data=demo protocol=h", {"protocol=holdout"}),
        ("vqa train trainer.max_ep", {"trainer.max_epochs="}),
        ("vqa nonsense --x", set()),
    ],
)
def test_completion(line, expected):
    found = candidates(line, cli.flags())
    assert expected <= set(found) if expected else not found


def test_completion_scripts_are_printed(capsys):
    for shell in ("bash", "zsh"):
        run("completion", shell)
        assert "vqa complete" in capsys.readouterr().out


def test_verbs_are_all_there():
    assert list(cli.flags()) == [*cli.HYDRA_VERBS, *PLAIN_VERBS]


def test_quoted_values_reach_the_configuration_as_they_are():
    for value in ("a b", "it's", "x=[1,2]", "质量 #1", "back\\slash\\", "${paths.data}", "{a: 1}"):
        override = f"data.root={configuration.quoted(value)}"
        composed = configuration.compose("doctor", ["data=konvid", override])
        assert configuration.resolved(composed)["data"]["root"] == value
