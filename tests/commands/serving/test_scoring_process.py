"""The process that scores: which GPU it sees."""

import os

import pytest
import torch

from vqa.commands.serving.scoring_process import use_own_gpu


@pytest.mark.parametrize(
    ("seen", "expected"),
    [(None, ["0", "1", "2", "0"]), ("5, 3,GPU-8f2a", ["5", "3", "GPU-8f2a", "5"])],
)
def test_workers_share_the_gpus_in_turn(monkeypatch, seen, expected):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    found = []
    for number in range(4):
        if seen is None:
            monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        else:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", seen)
        use_own_gpu(number)
        found.append(os.environ["CUDA_VISIBLE_DEVICES"])
    assert found == expected


def test_one_gpu_or_none_needs_no_choice(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    use_own_gpu(3)
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
