"""The machine has a name in words."""

import torch

from vqa.runs.environment import machine


def test_the_machine_is_named_by_processor_cores_and_gpu(monkeypatch):
    processor, cores = machine().split(", ")[:2]
    assert processor
    assert cores.split()[0].isdigit()
    assert cores.split()[1] in ("core", "cores")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H200")
    assert machine().endswith(", NVIDIA H200")
