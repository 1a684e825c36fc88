"""Weights in installed packages, which are never imported."""

import sys

import pytest

from vqa.models.pretrained.packages import packaged_weights
from vqa.models.pretrained.weights import WeightsError


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The folder of a package that fails when it is imported."""
    folder = tmp_path / "some_weights"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_the_file_is_found_without_an_import(package):
    path = package / "models" / "a.pth"
    path.touch()
    (package / "models" / "readme.txt").touch()
    assert packaged_weights("package:some_weights", "") == path
    assert packaged_weights("package:some-weights", "") == path  # as pip spells it
    assert "some_weights" not in sys.modules


@pytest.mark.parametrize("names", [(), ("a.pth", "b.safetensors")])
def test_a_package_has_exactly_one_file_of_weights(package, names):
    for name in names:
        (package / name).touch()
    found = r"2, .*a\.pth first; do this" if names else "none; do this"
    with pytest.raises(WeightsError, match=rf"package:some_weights: expected one .* {found}"):
        packaged_weights("package:some_weights", "do this")


@pytest.mark.parametrize("name", ["absent_weights", "", "some_weights.models", "../x"])
def test_other_names_are_refused(package, name):
    with pytest.raises(WeightsError, match=r"expected an installed package, found none.*do this"):
        packaged_weights(f"package:{name}", "do this")
    assert "some_weights" not in sys.modules
