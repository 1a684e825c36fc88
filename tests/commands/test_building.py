"""Objects from settings: targets, deferred calls, what is trusted, and what mistakes get."""

import sys
from pathlib import PurePosixPath

import pytest

from vqa.commands.building import build, locate

PATH = "pathlib.PurePosixPath"


def test_plain_values_stay():
    settings = {"a": [1, "two", None], "b": {"c": 0.5}}
    assert build(settings) == settings


def test_targets_are_built_from_the_inside_out():
    inner = {"_target_": "builtins.dict", "x": 1}
    made = build({"_target_": "builtins.dict", "inner": inner, "many": [inner, 2]})
    assert made == {"inner": {"x": 1}, "many": [{"x": 1}, 2]}


def test_a_deferred_call_takes_further_arguments_and_imports_only_then(monkeypatch):
    monkeypatch.delitem(sys.modules, "this", raising=False)
    call = build({"_target_": "vqa.databases.listing.some", "_partial_": True, "most": 1})
    assert call(["a", "b"]) == "a and 1 more"
    deferred = build({"_target_": "no.such.module", "_partial_": True})
    with pytest.raises(ValueError, match=r"no\.such\.module does not exist"):
        deferred()


@pytest.mark.parametrize("target", ["pathlib.Nothing", "nowhere.at.all", "vqa.models.nothing.X"])
def test_what_does_not_exist_is_named(target):
    with pytest.raises(ValueError, match=f"{target} does not exist"):
        locate(target)


def test_a_missing_dependency_of_a_module_is_not_hidden(tmp_path, monkeypatch):
    (tmp_path / "own_module.py").write_text("import not_installed_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_installed_at_all"):
        locate("own_module.Model")


def test_nested_attributes_are_found():
    assert locate("pathlib.PurePosixPath.joinpath") is PurePosixPath.joinpath


def test_a_setting_that_a_constructor_does_not_take_is_refused_with_those_it_takes():
    with pytest.raises(ValueError, match=r"some: .*unexpected.*it takes names, most"):
        build({"_target_": "vqa.databases.listing.some", "names": ["a"], "least": 2})


@pytest.mark.parametrize(
    "target",
    ["subprocess.run", "pandas.read_pickle", "torch.load", "vqa_evil.run", "pytorch_lightning.x"],
)
def test_settings_of_a_run_use_trusted_packages_only(target):
    with pytest.raises(ValueError, match=r"not part of vqa.*--trust"):
        build({"_target_": target, "_partial_": True}, ())
    with pytest.raises(ValueError, match="not part of vqa"):
        build([{"deep": {"_target_": target}}], ())


def test_a_package_is_trusted_by_name():
    assert build({"_target_": PATH}, ("pathlib",)) == PurePosixPath()
    build({"_target_": "torch.nn.L1Loss"}, ())
