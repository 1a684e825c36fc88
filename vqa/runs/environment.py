"""The environment in which numbers are computed: versions, commit, device, command."""

import os
import platform
import subprocess
import sys
import time
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from vqa import __version__
from vqa.cores import own_cores
from vqa.files import write_json
from vqa.remote.addresses import clean
from vqa.runs.stored import read_object

FILE = "environment.json"
HARDWARE = ("device", "precision")
THEN = ", then "  # between the devices of a run that resumed on another
VERSIONED = ("torch", "torchvision", "pytorch-lightning", "numpy", "scipy", "av", "decord")


def environment(folder: Path) -> dict[str, Any]:
    """Return versions, commit and command of this process, and what a run was trained on."""
    import torch

    versions = {"vqa": __version__}
    for name in VERSIONED:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "absent"
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return {
        "command": command_line(),
        "commit": commit(),
        "python": platform.python_version(),
        **versions,
        "platform": platform.platform(),
        "device": device,
        **held_hardware(folder),
        "cpu_cores": os.cpu_count(),
        "finished": time.strftime("%Y-%m-%d %H:%M:%S %z"),
    }


def held_hardware(folder: Path) -> dict[str, str]:
    """Return the devices and the precision of a run's training; empty if none has begun.

    Raises:
        RunError: `environment.json` is damaged.
    """
    stored = read_object(folder / FILE) or {}
    return {key: str(stored[key]) for key in HARDWARE if key in stored}


def hold_hardware(folder: Path, device: str, precision: str) -> None:
    """Store what a run is trained on, from the start; a further device is added to the earlier.

    Raises:
        RunError: `environment.json` is damaged.
    """
    stored = read_object(folder / FILE) or {}
    devices = [one for one in str(stored.get("device", "")).split(THEN) if one]
    if device not in devices:
        devices.append(device)
    write_json(folder / FILE, {**stored, "device": THEN.join(devices), "precision": precision})


def machine() -> str:
    """Return the processor, its cores that this process may use, and the GPU if there is one."""
    import torch

    cores = own_cores()
    parts = [_processor(), f"{cores} core{'s' if cores != 1 else ''}"]
    if torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name())
    return ", ".join(parts)


def _processor() -> str:
    """Return the model of the processor, or its architecture if the system does not name it."""
    with suppress(OSError):
        known = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        for line in known.splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine()


def command_line() -> str:
    """Return the command line of this process as it was typed, without the program's folder.

    Passwords and signatures in addresses are left out.
    """
    return " ".join([Path(sys.argv[0]).name, *map(clean, sys.argv[1:])])


def commit() -> str:
    """Return the git commit of the code, with a plus if files differ.

    Where git does not hold this code, as in an image, `VQA_COMMIT` says the commit; else it is
    `unknown`.
    """
    try:
        # An installed copy may lie in a folder of somebody else's repository.
        _git("ls-files", "--error-unmatch", Path(__file__).name)
        commit = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return os.environ.get("VQA_COMMIT", "").strip()[:64] or "unknown"
    return commit + ("+" if changed else "")


def _git(*words: str) -> str:
    """Return what git says in the folder of this code.

    Raises:
        OSError: there is no git.
        subprocess.SubprocessError: git failed or took 10 s.
    """
    return subprocess.run(
        ["git", *words], cwd=Path(__file__).parent, capture_output=True, encoding="utf-8",
        errors="replace", check=True, timeout=10,
    ).stdout.strip()  # fmt: skip
