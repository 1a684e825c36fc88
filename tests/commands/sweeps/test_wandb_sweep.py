"""The sweep YAML of the docs: what `wandb agent` would run is our command line."""

import pytest
import yaml

from tests.commands.calling import composed
from tests.places import ROOT

EXAMPLE = yaml.safe_load((ROOT / "docs/examples/wandb_sweep.yaml").read_text(encoding="utf-8"))


def runs():
    """Yield the settings of some runs, which together have the lower ends and every value."""
    values = {
        name: one.get("values") or [one.get("value", one.get("min"))]
        for name, one in EXAMPLE["parameters"].items()
    }
    for number in range(max(map(len, values.values()))):
        yield {name: several[number % len(several)] for name, several in values.items()}


def test_it_runs_a_script_of_the_checkout_and_judges_by_validation():
    assert (ROOT / EXAMPLE["program"]).is_file()
    assert EXAMPLE["metric"] == {"name": "val_srocc", "goal": "maximize"}
    assert EXAMPLE["command"][-1] == "${args_no_hyphens}"


@pytest.mark.parametrize("settings", list(runs()))
def test_its_words_compose(settings):
    from wandb.sdk.launch.sweeps.utils import (
        create_sweep_command_args,
        make_launch_sweep_entrypoint,
    )

    given = {name: {"value": value} for name, value in settings.items()}
    arguments = create_sweep_command_args({"args": given})
    _, words = make_launch_sweep_entrypoint(arguments, list(EXAMPLE["command"]))
    config = composed("train", *words).config
    assert config["model_name"] == "vsfa"
    assert config["model"]["optimizer"]["lr"] == settings["model.optimizer.lr"]
    assert config["loader"]["batch_size"] == settings["loader.batch_size"]
    assert config["model"]["network"]["rnn"] == settings["model.network.rnn"]
    assert config["logger"]["_target_"].endswith("WandbTracker")
    assert config["protocol"]["val_fraction"] > 0


def test_a_run_of_a_sweep_takes_the_id_that_the_agent_gave(tmp_path, monkeypatch):
    """W&B itself ignores our id and project then."""
    from benchmarks.wandb_records import read_runs
    from tests.reports.tracking.offline import isolated
    from vqa.reports.tracking import WandbTracker

    with isolated(tmp_path / "home"):
        monkeypatch.setenv("WANDB_SWEEP_ID", "swept123")
        monkeypatch.setenv("WANDB_RUN_ID", "given123")
        tracker = WandbTracker(mode="offline")
        logger = tracker.split_logger("split0", tmp_path / "run", {}, ["split0"])
        logger.log_metrics({"epoch": 0, "train_loss": 1.0}, 0)
        tracker._close()
    (found,) = read_runs(tmp_path / "run").values()
    assert (found.run.run_id, found.run.sweep_id) == ("given123", "swept123")
