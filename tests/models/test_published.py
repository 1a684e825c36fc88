"""Released checkpoints: every key must be known."""

import pytest
import torch

from vqa.models.published import renamed

STATE = {"q.weight": torch.ones(1), "ann.fc.bias": torch.zeros(1)}


def test_keys_are_renamed_and_unused_keys_dropped():
    ours = renamed(STATE, {"q.weight": "head.weight"}, unused={"ann.fc.bias"}, model="VSFA")
    assert ours == {"head.weight": STATE["q.weight"]}


def test_the_error_names_missing_and_unknown_keys():
    with pytest.raises(
        ValueError, match=r"VSFA.*missing keys \['q.bias'\], unknown keys \['ann.fc.bias'\]"
    ):
        renamed(STATE, {"q.weight": "head.weight", "q.bias": "head.bias"}, model="VSFA")
