"""`vqa serve`: start the workers and the server, and end them in order."""

import fcntl
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from vqa.commands.configuration import UsageError
from vqa.commands.preflight import check_folder
from vqa.commands.printing import say
from vqa.commands.serving.connections import protocol
from vqa.commands.serving.crew import Crew
from vqa.commands.serving.jobs import Jobs
from vqa.commands.serving.limits import Limits
from vqa.commands.serving.measures import Measures
from vqa.commands.serving.service import Service
from vqa.commands.serving.web import app_of
from vqa.cores import own_cores
from vqa.files import user_path

TIDY_S = 60.0  # how often old results are removed
TOKEN = "VQA_TOKEN"


def main(
    model: str,
    *,
    scoring: Mapping[str, Any],
    host: str = "127.0.0.1",
    port: int = 8000,
    folder: str | Path = "vqa-jobs",
    workers: int = 1,
    allowed: Sequence[str] = (),
    token_file: str | None = None,
    limits: Mapping[str, Any] | None = None,
) -> int:
    """Serve until a signal asks the service to stop.

    Args:
        model: A run folder, a model folder, or the name of an embedded or published model.
        scoring: Options of the scorer.
        host: Address to listen at.
        port: Its port; 0 takes a free one.
        folder: Where the jobs are kept.
        workers: Videos in work at the same time.
        allowed: Hosts that videos may be copied from.
        token_file: File with the token that clients must send.
        limits: See `Limits`.

    Returns:
        0 after a stop; running jobs are finished, or queued for the next start.

    Raises:
        UsageError: The model cannot be loaded, the folder is in use, or the address is taken.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    token = _token(token_file)
    place = user_path(folder)
    check_folder("folder", place)
    kept = Limits(**(limits or {}))
    with _locked(place), _listening(host, port) as link:
        jobs, measures = Jobs(place), Measures()
        threads = max(1, own_cores() // workers)
        options = {"model": model, **scoring}
        crew = Crew(jobs, kept, options, tuple(allowed), measures, workers, threads)
        service = Service(jobs, crew, kept, measures, allowed=tuple(allowed), token=token)
        server = _Server(config_of(service), service)
        with server.capture_signals():
            crew.start()
            while not crew.loaded.wait(0.2) and not service.stopping:
                pass
            if crew.facts is None and not service.stopping:
                crew.stop(0)
                raise UsageError(crew.fault)
            address = f"http://{link.getsockname()[0]}:{link.getsockname()[1]}"
            if not service.stopping:
                say(f"serving {model} on {address}; Ctrl-C stops", sys.stderr)
                threading.Thread(target=_tidy, args=(service,), daemon=True).start()
                server.run([link])
            crew.stop(0)
    say(f"stopped; {len(jobs.waiting())} jobs wait for the next start", sys.stderr)
    return 0


class _Server(uvicorn.Server):
    """A server that lets running jobs finish before it ends."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self.service = service

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop in order at the first signal, at once at the second."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take no more jobs, and end when the running ones have finished."""
        if self.service.stopping:
            self.should_exit = self.force_exit = True
            return
        self.service.stopping = True
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self) -> None:
        self.service.crew.stop(self.service.limits.grace_s)
        self.should_exit = True


def config_of(service: Service) -> uvicorn.Config:
    """Return the configuration of the server."""
    return uvicorn.Config(
        app_of(service), http=protocol(service.limits.idle_s), log_config=None, log_level="warning",
        access_log=False, ws="none", lifespan="off", server_header=False, timeout_keep_alive=10,
        timeout_graceful_shutdown=2, h11_max_incomplete_event_size=32 * 1024, backlog=256,
        limit_concurrency=1000,
    )  # fmt: skip


def _tidy(service: Service) -> None:
    """Remove old results, in a thread."""
    while not service.stopping:
        service.jobs.forget(time.time() - service.limits.keep_s, service.limits.keep)
        time.sleep(TIDY_S)


def _token(file: str | None) -> str:
    if file is None:
        return os.environ.get(TOKEN, "").strip()
    token = user_path(file).read_text(encoding="utf-8").strip()
    if not token or not token.isprintable():
        raise UsageError(f"--token-file {file}: expected one line with the token")
    return token


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other services out of the folder of the jobs."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"--folder {folder}: another vqa serve uses it; stop it, or name another folder"
            ) from error
        yield


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as link:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            link.bind(address)
            link.listen(256)  # clients may come as soon as the address is announced
            link.set_inheritable(False)
            yield link
    except OSError as error:
        if error.filename is not None:
            raise
        reason = (error.strerror or str(error)).lower()
        raise UsageError(
            f"--host {host} --port {port}: {reason}; choose another port or host"
        ) from error
