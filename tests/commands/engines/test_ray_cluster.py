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
