"""The connection to a Ray cluster."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vqa.commands.configuration import UsageError
from vqa.commands.engines.settings import LOCAL, EngineSettings


@contextmanager
def connected(settings: EngineSettings) -> Iterator[Any]:
    """Connect to the cluster that the settings name, and yield the package `ray`.

    With `auto` it is the cluster of RAY_ADDRESS or of this machine; without one, and with `local`,
    a new one starts here and ends with this process.

    Raises:
        UsageError: Ray is missing, or the cluster cannot be reached.
    """
    try:
        import ray
    except ImportError as error:
        raise UsageError(
            "engine=ray: expected the package ray, found none; run `pip install 'vqa[ray]'`"
        ) from error
    address = None if settings.address == "auto" else settings.address
    own: dict[str, Any] = {"include_dashboard": False} if settings.address == LOCAL else {}
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.WARNING, **own)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UsageError(
            f"engine.address={settings.address}: expected a Ray cluster, found none that answers "
            f"({' '.join(str(error).split())[:200]}); correct the address"
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()
