"""What is checked before hours of work: places that can be written, and devices that exist."""

import errno
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vqa.commands.configuration import UsageError
from vqa.commands.engines.settings import EngineSettings
from vqa.files import shown, user_path

GPUS = ("cuda", "gpu")


def check_output(key: str, path: str | os.PathLike[str]) -> Path:
    """Check that a file can be written, without creating anything.

    Args:
        key: The setting that names it, for the error.
        path: The file.

    Raises:
        UsageError: A folder in its place, or a folder that cannot be written.
    """
    path = user_path(path)
    if path.is_dir():
        raise UsageError(f"{key}={shown(path)}: expected a file, found a folder; name a file in it")
    check_folder(key, path.parent)
    return path


def check_folder(key: str, path: str | os.PathLike[str]) -> Path:
    """Check that files can be written to a folder, which need not exist yet; create nothing.

    Args:
        key: The setting that names it, for the error.
        path: The folder.

    Raises:
        UsageError: A file in its place, or no permission, or a full or read-only disk.
    """
    path = user_path(path)
    place = path.absolute()
    try:
        while not place.exists():  # the nearest folder that exists
            place = place.parent
        if not place.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "a file")
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"\0" * 4096)
    except OSError as error:
        cause = (error.strerror or str(error)).lower()
        raise UsageError(
            f"{key}={shown(path)}: expected a folder that can be written to, found {shown(place)} "
            f"({cause}); choose another place"
        ) from error
    return path


def check_device(key: str, device: str) -> None:
    """Check that a device exists.

    Raises:
        UsageError: A GPU is asked for and torch sees none.
    """
    if device not in (*GPUS, "mps") and not device.startswith("cuda:"):
        return
    import torch

    if device == "mps":
        if not torch.backends.mps.is_available():
            raise UsageError(f"{key}=mps: expected an Apple GPU, torch sees none; set trainer=auto")
        return
    if not torch.cuda.is_available():
        raise UsageError(
            f"{key}={device}: expected a GPU, torch {torch.__version__} sees none; install its "
            "driver and a CUDA build of torch (vqa doctor shows both), or compute on the CPU"
        )


def check_experiment(config: Mapping[str, Any]) -> None:
    """Check the places and devices that an experiment names.

    The devices are those of the machines that do the work, so an engine checks them there.

    Raises:
        UsageError: One that cannot be used.
        ValueError: The device does not have the precision that is asked for.
    """
    for name in ("runs", "cache"):
        if name in config["paths"]:
            check_folder(f"paths.{name}", config["paths"][name])
    if config.get("folder") is not None:
        check_folder("folder", config["folder"])
    if not EngineSettings.of(config).is_local:
        return
    trainer = config.get("trainer", {})
    devices = {"trainer.accelerator": trainer.get("accelerator")}
    devices["loader.device"] = config.get("loader", {}).get("device")
    for name, settings in (config.get("features") or {}).items():
        extractor = settings.get("extractor", {})
        devices[f"features.{name}.device"] = extractor.get("device")
    for key, device in devices.items():
        if isinstance(device, str):
            check_device(key, device)
    if trainer.get("precision") == "tf32":
        from vqa.training.hardware import chosen_hardware

        chosen_hardware(trainer)
    wanted = trainer.get("devices")
    if devices["trainer.accelerator"] in GPUS and isinstance(wanted, int):
        import torch

        if wanted > (found := torch.cuda.device_count()):
            raise UsageError(f"trainer.devices={wanted}: expected at most the {found} GPUs here")
