"""The connection to Ray, without Ray."""

import importlib.util

import pytest

from vqa.commands.configuration import UsageError
from vqa.commands.engines.ray_cluster import connected
from vqa.commands.engines.settings import EngineSettings


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with (
        pytest.raises(UsageError, match=r"expected the package ray; pip install 'vqa\[ray\]'"),
        connected(EngineSettings(name="ray")),
    ):
        pass


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1"])
def test_an_address_without_a_cluster_is_named_at_once(address):
    with (
        pytest.raises(UsageError, match=f"engine.address={address}: no Ray cluster answers"),
        connected(EngineSettings(name="ray", address=address)),
    ):
        pass
