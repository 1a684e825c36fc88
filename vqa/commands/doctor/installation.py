"""A check of the installation: versions, device, decoders, configuration, and places to write."""

import multiprocessing
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from vqa.commands import configuration
from vqa.commands.preflight import check_folder

PACKAGES = (
    "vqa", "torch", "torchvision", "pytorch-lightning", "timm", "open_clip_torch", "av", "decord",
    "hydra-core", "wandb", "numpy", "scipy", "einops",
)  # fmt: skip
SHARED_MEMORY = Path("/dev/shm")
LEAST_SHARED_BYTES = 2**28  # Docker gives 64 MiB, less than two workers with batches of clips need


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the installation.

    Attributes:
        name: What was checked.
        found: What was found, or what went wrong.
        holds: Whether everything is in order.
    """

    name: str
    found: str
    holds: bool = True


def main() -> int:
    """Print every check; returns 1 if one fails, else 0."""
    checks = [
        Check("Python", f"{platform.python_version()} ({sys.executable})"),
        *map(_version, PACKAGES),
        _tried("device", _device),
        _tried("configuration", _configuration),
        _tried("decoding", _decoding),
        _tried("names of files", _names),
        _tried("folders", _folders),
        _tried("temporary folder", _temporary),
        _tried("shared memory", _shared_memory),
    ]
    for check in checks:
        print(f"{'ok' if check.holds else 'FAULT':5s}  {check.name:18s} {check.found}")
    if all(check.holds for check in checks):
        print("the installation is complete; `vqa doctor DATABASE` checks a database")
        return 0
    print("if a package is at fault, install it again: pip install --force-reinstall vqa")
    return 1


def _version(package: str) -> Check:
    try:
        return Check(package, metadata.version(package))
    except metadata.PackageNotFoundError:
        absent_by_design = package == "decord" and platform.machine() != "x86_64"
        return Check(package, "not installed", holds=absent_by_design)


def _tried(name: str, look: Callable[[], str]) -> Check:
    """Make a check; whatever goes wrong is what it found."""
    try:
        return Check(name, look())
    except Exception as error:  # noqa: BLE001 (reported as a fault)
        return Check(name, f"{type(error).__name__}: {error}", holds=False)


def _device() -> str:
    import torch

    from vqa.training.hardware import chosen_hardware

    hardware = chosen_hardware({"precision": "auto"})
    end_to_end = f"trains networks end to end in {hardware.precision}"
    if hardware.accelerator == "cuda":
        return f"{hardware.device} (trainer=auto; {end_to_end})"
    return f"CPU, {torch.get_num_threads()} threads ({hardware.reasons[0]}; {end_to_end})"


def _configuration() -> str:
    counts = [f"{len(configuration.choices(group))} {group}" for group in configuration.GROUPS]
    return f"{configuration.conf_folder()}: {', '.join(counts)}"


def _names() -> str:
    """The encoding of file names: in another one, names that it lacks cannot be opened."""
    encoding = sys.getfilesystemencoding()
    if encoding != "utf-8":
        raise RuntimeError(f"in {encoding}; set LC_ALL=C.UTF-8 or PYTHONUTF8=1")
    return "in UTF-8"


def _folders() -> str:
    """Where databases, caches and runs go unless another place is set."""
    places = configuration.resolved(configuration.compose("train", []))["paths"]
    found = [check_folder(f"paths.{name}", place).absolute() for name, place in places.items()]
    return ", ".join(f"{place} ({_free(place)})" for place in found)


def _temporary() -> str:
    place = Path(tempfile.gettempdir())  # raises unless it is writable
    return f"{place} ({_free(place)})"


def _shared_memory() -> str:
    """Loading processes exchange batches there; too little of it kills them."""
    if not SHARED_MEMORY.is_dir():
        return "none on this system"
    if shutil.disk_usage(SHARED_MEMORY).free < LEAST_SHARED_BYTES:
        raise RuntimeError(
            f"{_free(SHARED_MEMORY)}; start the container with --shm-size 8g, or set "
            "loader.num_workers=0"
        )
    try:
        multiprocessing.Semaphore(1)
    except OSError as error:
        raise RuntimeError(
            f"processes cannot share semaphores: {error}; let everybody write to {SHARED_MEMORY}"
        ) from error
    return _free(SHARED_MEMORY)


def _free(place: Path) -> str:
    while not place.exists():
        place = place.parent
    return f"{shutil.disk_usage(place).free / 2**30:.1f} GiB free"


def _decoding() -> str:
    """Encode a short clip and read it back."""
    from vqa.databases.synthesis.encoding import write_h264
    from vqa.video import choose_reader, probe, read_frames

    ramp = np.arange(8, dtype=np.uint8)[:, None, None, None] * np.uint8(25)
    frames = np.broadcast_to(ramp, (8, 64, 96, 3)).copy()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_h264(path, frames, 25, 10)
        info = probe(path)
        decoded = read_frames(path, range(8))
    error = float(np.abs(decoded.astype(float) - frames).max())
    if info.frames != 8 or error > 8:
        raise RuntimeError(
            f"expected 8 frames within 8 grey levels, found {info.frames} within {error:g}"
        )
    return f"8 of 8 frames of a test clip by {choose_reader(info)}"
