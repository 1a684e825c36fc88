"""Overrides as typed: paths are text, groups take names, nothing is dropped silently."""

import shlex

import pytest

from vqa.commands import configuration
from vqa.commands.overrides import checked, typed

NAMES = (
    "a=b", "a#b", "films (1)", "质量", "é", "it's", 'say "cheese"', "a;b", "a&b", "!a", "`a`",
    "2024", "007", "1e3", "1_000", "true", "inf", "nan", " padded ", "a\\b", "a\\,b", "a+b", "a@b",
    "a:b", "a%b", "*.mp4", "range(1,2)x", "a?b", "a|b", "--x", "a$b", "a~b", "tab\tbed",
)  # fmt: skip
UNCLEAR = ("a,b", "[a]", "[a", "{a:b}", "{a", "'a", '"a', "range(1,2)", "a,[b]", "${a", "choice(a)")


def root(words):
    """The `data.root` that Hydra makes of these words."""
    return configuration.resolved(configuration.compose("doctor", ["data=konvid", *words]))["data"][
        "root"
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_path_is_taken_as_it_is_typed(name):
    assert root(checked([f"data.root={name}"])) == name


@pytest.mark.parametrize("name", UNCLEAR)
def test_a_path_that_may_be_something_else_gets_the_word_to_type(name):
    with pytest.raises(ValueError, match=r"expected a path, found") as error:
        checked([f"data.root={name}"])
    message = str(error.value)
    assert "\n" not in message
    (word,) = shlex.split(message.split("; type ")[1])
    assert root(checked([word])) == name


@pytest.mark.parametrize("name", [*NAMES, *UNCLEAR, "null"])
def test_the_word_to_type_survives_the_shell_and_hydra(name):
    (word,) = shlex.split(typed("data.root", name))
    assert root(checked([word])) == name


def test_vqa_score_is_offered_for_odd_names_of_runs_and_videos():
    with pytest.raises(ValueError, match="vqa score takes any path as it is"):
        checked(["run=a,b"])


def test_other_settings_stay_as_hydra_reads_them():
    words = ["seed=1e3", "data.mos_range=[1,5]", "videos=[a,b]", "runs=[a,b]", "data.root=null"]
    assert checked(words) == words
    assert checked(["-m", "data.root=a,b"]) == ["-m", "data.root=a,b"]


def test_the_home_folder_of_a_flag(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert checked(["--config-dir", "~/conf", "seed=1"]) == [
        "--config-dir", "/home/me/conf", "seed=1",
    ]  # fmt: skip
    assert checked(["--config-dir=~/conf"]) == ["--config-dir=/home/me/conf"]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("protocol=null", r"protocol=null: expected one of full, holdout"),
        ("model=1", r"model=1: expected one of clifvqa"),
        ("data=[demo,csv]", r"data=\[demo,csv\]: expected one of combined"),
        ("recipe=[paper]", r"recipe=\[paper\]: expected one of demo, paper"),
        ("features=null", r"features=null: expected one of .*, or a list of them"),
        ("features=[nss,null]", r"expected one of .*, or a list of them"),
        ("model_recipe=demo/vsfa", r"follows from model= and recipe="),
        ("~trainer", r"~trainer: expected key=value, found the removal of trainer"),
        ("~seed", r"removal of seed"),
        ("~loader.batch_size", r"removal of loader.batch_size"),
    ],
)
def test_groups_take_names_and_settings_are_not_removed(word, message):
    with pytest.raises(ValueError, match=message):
        checked([word])


def test_what_a_constructor_has_a_default_for_may_be_removed():
    assert checked(["~trainer.deterministic"]) == ["~trainer.deterministic"]
