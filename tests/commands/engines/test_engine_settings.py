"""The settings of engines, from configuration and from flags."""

import argparse

import pytest

from tests.commands.calling import composed
from vqa.commands.engines import arguments
from vqa.commands.engines.settings import TAKEN, EngineSettings


def parsed(*words):
    parser = argparse.ArgumentParser()
    arguments.add(parser)
    parser.add_argument("--workers", type=int)
    return arguments.settings_of(parser.parse_args(words))


def test_the_section_and_the_flags_say_the_same():
    words = ["engine=slurm", "engine.array=64", "engine.partition=gpu", "engine.gpus=1"]
    words += ["+engine.options.account=vision", "engine.time_min=30"]
    found = EngineSettings.of(composed("train", *words).config)
    flags = "--engine slurm --array 64 --partition gpu --gpus 1 --sbatch account=vision --time 30"
    assert found == parsed(*flags.split())
    assert (found.array, found.options) == (64, {"account": "vision"})
    assert not found.is_local
    assert str(found) == (
        "engine=slurm engine.array=64 engine.partition=gpu engine.gpus=1 engine.time_min=30 "
        "engine.options={'account': 'vision'}"
    )
    ray = EngineSettings.of(composed("extract", "engine=ray", "engine.gpus=0.5").config)
    assert ray == parsed("--engine", "ray", "--gpus", "0.5", "--cpus", "1")


@pytest.mark.parametrize("name", list(TAKEN))
def test_every_engine_has_a_file_with_the_settings_that_it_takes(name):
    section = composed("train", f"engine={name}").config["engine"]
    assert set(section) == {"name", *TAKEN[name]}


def test_without_a_section_this_machine_does_the_work():
    assert EngineSettings.of({}).is_local
    assert EngineSettings.of(composed("train").config).is_local
    assert parsed().is_local


def test_an_engine_changes_neither_name_nor_identity_of_a_run():
    here, there = composed("train"), composed("train", "engine=slurm", "engine.array=9")
    assert here.folder == there.folder


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"name": "slurm", "gpus": 0.5}, r"engine.gpus=0.5: expected whole GPUs"),
        ({"name": "ray", "array": 4}, r"engine.array=4: engine=ray takes no such .*address"),
        ({"name": "local", "gpus": 1}, r"engine.gpus=1: engine=local takes .* one of none"),
        ({"name": "lsf"}, r"engine=lsf: expected one of local, ray, slurm, found lsf"),
        ({"name": "slurm", "array": 0}, r"engine.array=0: expected a whole number from 1"),
    ],
)
def test_what_an_engine_cannot_have_is_refused(section, message):
    with pytest.raises(ValueError, match=message):
        EngineSettings.of({"engine": section})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--array 4", "--array goes with --engine slurm, found --engine local"),
        ("--engine ray --time 4", "--time goes with --engine slurm, found --engine ray"),
        ("--engine slurm --address auto", "--address goes with --engine ray, found"),
        ("--gpus 1", "--gpus goes with --engine ray or --engine slurm, found --engine local"),
    ],
)
def test_a_flag_of_another_engine_is_refused(words, message):
    with pytest.raises(ValueError, match=message):
        parsed(*words.split())


def test_a_setting_of_another_engine_is_refused_on_the_command_line():
    with pytest.raises(
        ValueError, match=r"^engine\.array: the chosen engine takes no such setting"
    ):
        composed("train", "engine.array=4")
