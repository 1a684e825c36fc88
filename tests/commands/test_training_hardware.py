"""The hardware of a run: said at the start, recorded, and kept when the run resumes."""

import json
import logging

from tests.commands.calling import call
from tests.fakes import graded_clips
from vqa.commands.train import hardware_of
from vqa.runs.environment import environment
from vqa.runs.opening import open_run

CONFIG = {
    "name": "toy", "seed": 0,
    "model": {"trainer": {"accelerator": "cpu", "precision": "auto"}},
}  # fmt: skip


def test_a_run_keeps_its_precision_on_another_machine(tmp_path, caplog):
    run = open_run(tmp_path / "run", CONFIG)
    path = run.folder / "environment.json"
    stored = json.loads(path.read_text()) | {"device": "NVIDIA H200", "precision": "bf16-mixed"}
    path.write_text(json.dumps(stored))
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            assert hardware_of(run).precision == "bf16-mixed"
    assert "training on CPU (trainer.accelerator=cpu), precision bf16-mixed" in caplog.text
    assert "the run began on NVIDIA H200; rounding differs between devices" in caplog.text
    found = environment(run.folder)
    assert (found["device"], found["precision"]) == ("NVIDIA H200, then CPU", "bf16-mixed")
    assert found["vqa"] == stored["vqa"]


def test_a_learner_without_a_trainer_has_no_hardware(tmp_path):
    run = open_run(tmp_path / "run", {**CONFIG, "model": {}})
    assert hardware_of(run) is None
    assert "precision" not in environment(run.folder)


def test_a_training_says_what_it_uses_and_records_it(tmp_path, caplog):
    place = graded_clips(tmp_path)
    with caplog.at_level(logging.INFO):
        call(
            "train", place, "data=csv", f"data.labels={place / 'labels.csv'}",
            "data.mos_range=[1,5]", "features=multiscale", "trainer=cpu",
            "trainer.max_epochs=1", "loader.batch_size=4",
            "protocol.test_fraction=0.34", f"folder={place / 'run'}",
        )  # fmt: skip
    assert caplog.text.count("training on CPU (trainer.accelerator=cpu), precision 32-true") == 1
    found = json.loads((place / "run" / "environment.json").read_text())
    assert (found["device"], found["precision"]) == ("CPU", "32-true")
    page = (place / "run" / "report.html").read_text()
    assert "32-true" in page
