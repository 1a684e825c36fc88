"""`hparams_search=`: trials are judged on validation parts, and on nothing else."""

import ast
import importlib.util
import json

import pandas as pd
import pytest

from tests.commands.calling import Failed, run
from tests.places import CONF, ROOT
from vqa.commands import sweeps
from vqa.commands.sweeps.search import format_search, objective

CHOSEN = ("hparams_search=vsfa", "model=vsfa")
OPTUNA = importlib.util.find_spec("optuna") is not None
needs_optuna = pytest.mark.skipif(not OPTUNA, reason="an optional package: vqa[search]")


@pytest.fixture
def histories(tmp_path):
    """Two splits; whoever opens anything else than their histories gets an error."""
    for name, values in (("split0", [0.1, 0.6, 0.3]), ("split1", [0.2, None, 0.4])):
        folder = tmp_path / name
        folder.mkdir()
        table = pd.DataFrame({"epoch": range(3), "train_loss": 1.0, "val_srocc": values})
        table.to_csv(folder / "history.csv", index=False)
        for other in ("predictions.csv", "fitted.csv"):
            (folder / other).mkdir()
    (tmp_path / "results.json").mkdir()
    return tmp_path


def test_the_objective_is_the_validation_srocc_of_the_selected_epochs(histories):
    names = ["split0", "split1"]
    assert objective(histories, names, "val_srocc") == pytest.approx((0.6 + 0.4) / 2)
    assert objective(histories, names, "last") == pytest.approx((0.3 + 0.4) / 2)


def test_a_history_without_validation_is_one_line(histories):
    table = pd.DataFrame({"epoch": [0], "train_loss": [1.0]})
    table.to_csv(histories / "split1" / "history.csv", index=False)
    for names in (["split1"], ["split0", "absent"]):
        with pytest.raises(ValueError, match=r"expected val_srocc, found none.*val_fraction=0\.2"):
            objective(histories, names, "last")


def test_the_search_names_no_result_of_a_test_part():
    """Neither predictions nor results are read anywhere in its module."""
    tree = ast.parse((ROOT / "vqa/commands/sweeps/search.py").read_text(encoding="utf-8"))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not names & {"predictions", "results", "calibration"}
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert not imported & {"read_predictions", "read_results", "format_table", "summarise"}


def test_the_package_is_named_if_it_is_absent(monkeypatch):
    monkeypatch.setattr(sweeps, "find_spec", lambda name: None)
    with pytest.raises(Failed, match=r"hydra-optuna-sweeper, found none; .*vqa\[search\]"):
        run("train", *CHOSEN, "-m")


@pytest.mark.parametrize("words", [("train", *CHOSEN), ("cross", *CHOSEN, "-m")])
def test_it_needs_its_flag_and_verb(words):
    with pytest.raises(Failed, match="hparams_search=vsfa: expected vqa train -m"):
        run(*words)


def test_nothing_asks_for_the_package_without_it():
    assert "hparams_search: null" in (CONF / "train.yaml").read_text()


def test_the_table_shows_validation_only():
    trials = [
        {"trial": 1, "value": 0.5, "state": "complete", "settings": {"lr": 1e-3, "rnn": "gru"}},
        {"trial": 0, "value": None, "state": "fail", "settings": {"lr": 1e-2, "rnn": None}},
    ]
    text = format_search(trials, ["lr", "rnn"])
    assert text.splitlines()[0].split() == ["trial", "validation", "SROCC", "lr", "rnn"]
    assert text.splitlines()[3].split() == ["0", "fail", "0.01", "None"]
    assert text.splitlines()[-1] == "best: lr=0.001 rnn=gru"


@needs_optuna
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["protocol.val_fraction=0", "model.selection=last"], "a protocol with a validation part"),
        (["model=svr", "features=multiscale"], "a model that validates after each epoch"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_any_work(words, message, tmp_path):
    given = {word.partition("=")[0]: word for word in [*CHOSEN, *words]}
    with pytest.raises(Failed, match=message):
        run("train", *given.values(), "-m", f"paths.runs={tmp_path / 'runs'}")
    assert not (tmp_path / "runs").exists()


@needs_optuna
@pytest.mark.slow
def test_a_search_resumes_and_prints_no_test_number(tmp_path, capsys):
    words = [
        *CHOSEN, "recipe=demo", "trainer.max_epochs=2", "threads=1", "-m",
        "+data.read.contents=5", "+data.read.versions=4", "+data.read.frames=8",
        "+data.read.size=[64,48]",
        *(f"paths.{name}={tmp_path / name}" for name in ("data", "cache", "runs")),
    ]  # fmt: skip
    run("train", *words, "hydra.sweeper.n_trials=1")
    import optuna

    (folder,) = (tmp_path / "runs").glob("sweep-*")
    study = optuna.load_study(study_name="search", storage=f"sqlite:///{folder / 'search.db'}")
    killed = study.ask()  # a trial that a killed job left
    killed.suggest_categorical("model.network.rnn", ("gru", "lstm"))
    run("train", *words, "hydra.sweeper.n_trials=2")
    printed = capsys.readouterr().out
    assert "validation SROCC" in printed
    assert not {"median", "RMSE", "report:", "95 %"} & set(printed.replace("\n", " ").split(" "))
    trials = json.loads((folder / "search.json").read_text())["trials"]
    assert sorted(one["state"] for one in trials) == ["complete", "complete", "fail"]
    again = next(one for one in trials if one["state"] == "complete" and one["trial"] > 0)
    assert again["settings"]["model.network.rnn"] == killed.params["model.network.rnn"]
    capsys.readouterr()
    run("train", *words, "hydra.sweeper.n_trials=2")  # all are done
    assert len(json.loads((folder / "search.json").read_text())["trials"]) == 3
