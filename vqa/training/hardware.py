"""The device and the precision of a training: what `auto` in a trainer's settings stands for.

A run keeps one precision. If it resumes on another machine, `auto` stands for the precision that
the run began with.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from vqa.models.pretrained.devices import CAPABILITY

AUTO, TF32, FLOAT32, MIXED = "auto", "tf32", "32-true", "bf16-mixed"


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a training runs on.

    Attributes:
        accelerator: Lightning's name of the kind of device, such as `cuda` or `cpu`.
        device: Name of the device.
        precision: Lightning's name of the precision, or `tf32`.
        reasons: Why this device, and why this precision.
    """

    accelerator: str
    device: str
    precision: str
    reasons: tuple[str, str]

    def __str__(self) -> str:
        device, precision = self.reasons
        return f"{self.device} ({device}), precision {self.precision} ({precision})"

    def settings(self, trainer: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings of a trainer with what was chosen, as Lightning takes them."""
        found = {**trainer, "accelerator": self.accelerator, "precision": self.precision}
        if self.precision == TF32:
            found["precision"] = FLOAT32
        if self.accelerator == "cuda":
            found.setdefault("benchmark", trainer.get("deterministic") is not True)
        return found

    @contextmanager
    def matrix_products(self) -> Iterator[None]:
        """Let the GPU multiply float32 matrices in TF32 within the block if that was chosen."""
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("high" if self.precision == TF32 else before)
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before)


def chosen_hardware(trainer: Mapping[str, Any], begun: str | None = None) -> Hardware:
    """Choose device and precision by the settings of a trainer and the hardware of this machine.

    Args:
        trainer: `accelerator`, `devices` and `precision`; other settings are not read.
        begun: Precision that the run began with, for `precision=auto`.

    Raises:
        ValueError: TF32 is asked for and the device does not have it.
    """
    accelerator, found = _accelerator(trainer.get("accelerator", AUTO))
    device = _name(accelerator, trainer.get("devices", 1))
    wanted = str(trainer.get("precision", FLOAT32))
    able = accelerator == "cuda" and _capability() >= CAPABILITY
    if wanted == TF32 and not able:
        raise ValueError(
            f"trainer.precision={TF32}: expected a GPU of compute capability {CAPABILITY} or "
            f"later, found {device}; set trainer.precision={FLOAT32}"
        )
    if wanted != AUTO:
        return Hardware(accelerator, device, wanted, (found, f"trainer.precision={wanted}"))
    chosen = begun or (MIXED if able else FLOAT32)
    if begun:
        why = "the run began with it"
    elif able:
        why = "the GPU has bfloat16"
    else:
        why = f"{MIXED} is for GPUs of compute capability {CAPABILITY} or later"
    return Hardware(accelerator, device, chosen, (found, f"trainer.precision={AUTO}: {why}"))


def local_processes(trainer: Mapping[str, Any]) -> int:
    """Return how many processes of a training one machine runs, by the settings of its trainer."""
    devices = trainer.get("devices", 1)
    if isinstance(devices, Sequence) and not isinstance(devices, str):
        return len(devices)
    if isinstance(devices, int) and devices > 0:
        return devices
    is_gpu = _accelerator(trainer.get("accelerator", AUTO))[0] == "cuda"
    return max(1, torch.cuda.device_count()) if is_gpu else 1


def seed_generators(seed: int) -> None:
    """Seed the global generators: Python's, NumPy's, the CPU's and those of the GPUs in use.

    Cheap enough for every step, so that no step depends on those before it.

    `torch.manual_seed` also notes the call, with its stack, for each kind of device that is not in
    use yet.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 (a network of your own may use it)
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)


def _accelerator(wanted: str) -> tuple[str, str]:
    """Return Lightning's name of an accelerator, and why it is used."""
    setting = f"trainer.accelerator={wanted}"
    if wanted == AUTO:
        if torch.cuda.is_available():
            return "cuda", f"{setting}: torch sees it"
        named = "; mps is used if you name it" if torch.backends.mps.is_available() else ""
        return "cpu", f"{setting}: torch sees no GPU{named}"
    return {"gpu": "cuda"}.get(wanted, wanted), setting


def _name(accelerator: str, devices: Any) -> str:
    if accelerator != "cuda":
        return {"cpu": "CPU", "mps": "Apple GPU"}.get(accelerator, accelerator)
    count = torch.cuda.device_count() if devices in (AUTO, -1, "-1") else devices
    several = f"{count} x " if isinstance(count, int) and count > 1 else ""
    return several + torch.cuda.get_device_name()


def _capability() -> int:
    """Return the lowest major compute capability of the GPUs here; any of them may be used."""
    return min(
        torch.cuda.get_device_capability(index)[0] for index in range(torch.cuda.device_count())
    )
