"""A connection to a Ray cluster: one that runs, or a new one on this machine."""

import importlib.util
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from vqa.commands.configuration import UsageError
from vqa.commands.engines.settings import EngineSettings
from vqa.commands.printing import say

STORE_BYTES = 2 * 10**8  # of a cluster of our own: only paths, rows and a model go through it
KNOCK_S = 20.0
AUTO, OWN = "auto", "local"


@contextmanager
def connected(settings: EngineSettings) -> Iterator[Any]:
    """Connect to the cluster of an engine, say what it has, and disconnect at the end.

    A cluster that was started here ends with the block, or with this process.

    Yields:
        The module `ray`.

    Raises:
        UsageError: Ray is not installed, or no cluster answers at the address.
    """
    if importlib.util.find_spec("ray") is None:
        raise UsageError("engine=ray: expected the package ray; pip install 'vqa[ray]'")
    # GPUs stay hidden from workers that asked for none; without a choice Ray warns about it.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")
    ray: Any = import_module("ray")
    if ray.is_initialized():  # by a program that uses us as a library
        yield ray
        return
    _connect(ray, settings.address)
    try:
        found = ray.cluster_resources()
        nodes = sum(one["Alive"] for one in ray.nodes())
        words = f"Ray: {nodes} node{'s' * (nodes != 1)}, {found.get('CPU', 0):g} CPUs"
        say(f"{words}, {found.get('GPU', 0):g} GPUs", sys.stderr)
        yield ray
    finally:
        ray.shutdown()


def room(ray: Any, settings: EngineSettings) -> int:
    """Return how many workers fit on the cluster as it is now, at least one: it may grow."""
    found = ray.cluster_resources()
    rooms = [found.get("CPU", 0) / (settings.cpus or 1)]
    if settings.gpus:
        rooms.append(found.get("GPU", 0) / settings.gpus)
    if settings.memory_gb is not None:
        rooms.append(found.get("memory", 0) / (settings.memory_gb * 2**30))
    return max(1, int(min(rooms)))


def _connect(ray: Any, address: str) -> None:
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    own = {"address": OWN, "include_dashboard": False, "object_store_memory": STORE_BYTES}
    if address == AUTO:
        address = os.environ.get("RAY_ADDRESS", AUTO)
    if address == OWN:
        ray.init(**own, **quiet)
        return
    try:
        _knock(address)
        ray.init(address=address, **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        if address == AUTO and isinstance(error, ConnectionError):
            ray.init(**own, **quiet)
            return
        cause = " ".join(str(error).split())[:200]
        raise UsageError(
            f"engine.address={address}: no Ray cluster answers there ({cause}); expected auto, "
            "local, or the address of a cluster that runs"
        ) from error


def _knock(address: str) -> None:
    """Look whether somebody listens at `host:port`, because Ray itself waits for minutes.

    Raises:
        OSError: Nobody does.
    """
    host, _, port = address.rpartition("://")[2].rstrip("/").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), KNOCK_S).close()
