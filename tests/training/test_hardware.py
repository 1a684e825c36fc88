"""What `auto` stands for in the settings of a trainer, with and without a GPU."""

import pytest
import pytorch_lightning as pl
import torch

from tests.commands.calling import composed
from vqa.training.hardware import chosen_hardware, seed_generators

H200 = "NVIDIA H200"


@pytest.fixture
def card(monkeypatch):
    """A function that lets torch see GPUs of these compute capabilities."""

    def see(*capabilities):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(capabilities))
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(capabilities))
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: H200)
        monkeypatch.setattr(
            torch.cuda, "get_device_capability", lambda index: (capabilities[index], 0)
        )

    return see


def chosen(*overrides, begun=None):
    """The hardware of a composed training, and the settings of its trainer."""
    trainer = composed("train", *overrides).config["trainer"]
    hardware = chosen_hardware(trainer, begun)
    return hardware, hardware.settings(trainer)


def test_without_a_gpu_everything_trains_on_the_cpu_in_single_precision(card):
    card()
    for model in ("gstvqa", "fastvqa", "clifvqa"):
        hardware, settings = chosen(f"model={model}")
        assert (hardware.device, hardware.precision) == ("CPU", "32-true")
        assert "trainer.accelerator=auto: torch sees no GPU" in str(hardware)
        assert (settings["accelerator"], settings["precision"]) == ("cpu", "32-true")
        assert "benchmark" not in settings


@pytest.mark.parametrize(
    ("words", "capabilities", "precision"),
    [
        (["model=gstvqa"], [9], "32-true"),
        (["model=fastvqa"], [9], "bf16-mixed"),
        (["model=clifvqa"], [8], "bf16-mixed"),
        (["model=clifvqa", "experiment=clifvqa/semantic"], [9], "32-true"),
        (["model=fastvqa"], [7], "32-true"),
        (["model=fastvqa", "trainer=ddp"], [9, 7], "32-true"),
        (["model=fastvqa", "trainer.precision=32-true"], [9], "32-true"),
        (["model=gstvqa", "trainer.precision=bf16-mixed"], [7], "bf16-mixed"),
    ],
)
def test_the_recipe_and_the_card_decide_the_precision(words, capabilities, precision, card):
    card(*capabilities)
    hardware, settings = chosen(*words)
    assert hardware.accelerator == "cuda"
    assert hardware.precision == settings["precision"] == precision
    assert H200 in str(hardware)
    assert f"precision {precision}" in str(hardware)


def test_what_is_set_wins(card):
    card(9, 9)
    assert chosen("trainer=cpu")[0].device == "CPU"
    assert chosen("trainer=ddp")[0].device == f"2 x {H200}"
    assert chosen("trainer=gpu")[0].device == H200
    assert chosen("trainer.devices=auto")[0].device == f"2 x {H200}"
    assert chosen("+trainer.benchmark=true")[1]["benchmark"] is True


def test_a_gpu_of_apple_is_used_by_name_only(card, monkeypatch):
    card()
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    hardware, _ = chosen()
    assert hardware.accelerator == "cpu"
    assert "mps is used if you name it" in str(hardware)
    assert chosen("trainer.accelerator=mps")[0].device == "Apple GPU"


@pytest.mark.parametrize(("deterministic", "benchmark"), [("true", False), ("warn", True)])
def test_cudnn_tries_its_algorithms_unless_runs_repeat_exactly(deterministic, benchmark, card):
    card(9)
    _, settings = chosen(f"trainer.deterministic={deterministic}")
    assert settings["benchmark"] is benchmark


def test_a_run_keeps_the_precision_that_it_began_with(card):
    card()
    hardware, settings = chosen("model=fastvqa", begun="bf16-mixed")
    assert (hardware.device, settings["precision"]) == ("CPU", "bf16-mixed")
    assert "the run began with it" in str(hardware)
    card(9)
    assert chosen("model=fastvqa", begun="32-true")[0].precision == "32-true"
    assert chosen("trainer.precision=64-true", begun="32-true")[0].precision == "64-true"


def test_tf32_is_for_the_products_of_a_training_only(card):
    card(7)
    with pytest.raises(ValueError, match="expected a GPU of compute capability 8 or later, found"):
        chosen("trainer.precision=tf32")
    card(9)
    hardware, settings = chosen("trainer.precision=tf32")
    assert (hardware.precision, settings["precision"]) == ("tf32", "32-true")
    before = torch.get_float32_matmul_precision()
    with hardware.matrix_products():
        assert torch.get_float32_matmul_precision() == "high"
    with chosen()[0].matrix_products():
        assert torch.get_float32_matmul_precision() == before
    assert torch.get_float32_matmul_precision() == before


def test_the_folder_of_a_run_does_not_depend_on_the_machine(card):
    found = set()
    for capabilities in ([], [7], [9, 9]):
        card(*capabilities)
        found.add(composed("train", "model=fastvqa").identity)
    assert len(found) == 1
    assert found != {composed("train", "model=fastvqa", "trainer=cpu").identity}


@pytest.mark.parametrize("trainer", ["auto", "cpu"])
def test_lightning_takes_the_settings(trainer, card):
    card()
    _, settings = chosen(f"trainer={trainer}", "model=fastvqa")
    options = {key: value for key, value in settings.items() if not key.startswith("_")}
    made = pl.Trainer(**options, logger=False, enable_checkpointing=False)
    torch.use_deterministic_algorithms(False)
    assert made.precision == "32-true"
    assert made.strategy.root_device == torch.device("cpu")


def test_seeding_gives_the_numbers_of_torch(monkeypatch):
    torch.manual_seed(5)
    expected = torch.rand(3)
    seeded = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    seed_generators(5)
    assert torch.equal(torch.rand(3), expected)
    assert seeded == [5]
