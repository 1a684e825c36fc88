"""The precision that a machine computes faster, by what its processor says of itself."""

import pytest
import torch

from vqa.models.pretrained import devices
from vqa.models.pretrained.devices import fast_precision


@pytest.mark.parametrize(
    ("vendor", "flags", "precision"),
    [
        ("AuthenticAMD", {"avx512f", "avx512_bf16"}, "bfloat16"),
        ("GenuineIntel", {"avx512f", "avx512_bf16"}, "float32"),
        ("GenuineIntel", {"avx512_bf16", "amx_bf16"}, "bfloat16"),
        ("AuthenticAMD", {"avx2"}, "float32"),
        ("", set(), "float32"),
    ],
)
def test_a_processor_gets_what_it_is_fast_in(vendor, flags, precision, monkeypatch):
    monkeypatch.setattr(devices, "_processor", lambda: (vendor, flags))
    assert fast_precision("cpu") == precision


@pytest.mark.parametrize(("capability", "precision"), [((7, 5), "float32"), ((9, 0), "bfloat16")])
def test_a_gpu_gets_bfloat16_if_it_has_it(capability, precision, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert fast_precision("cuda") == precision


def test_the_processor_is_read_from_the_system():
    vendor, flags = devices._processor()
    assert isinstance(vendor, str)
    assert all(flag == flag.strip() for flag in flags)
