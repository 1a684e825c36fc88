"""Copies of videos at web addresses: only from allowed hosts, never from a private network.

The address that was checked is the address that is connected to, so that a name cannot point
elsewhere between the two.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from vqa.commands.serving.jobs import suffix_of
from vqa.commands.serving.limits import Limits, Refusal, too_large
from vqa.remote.addresses import public

CHUNK_BYTES = 2**16
LONGEST_ADDRESS = 2000
MOST_REDIRECTS = 3
LOOK_S = 0.2  # how often a copy looks whether it is still wanted
PORTS = {"https": 443, "http": 80}


class Allowed(NamedTuple):
    """What an address may be.

    Attributes:
        scheme: `https`, or `http` for a host that was allowed with it.
        host: Its name.
        port: Its port.
        target: Path and query.
        exact: Whether the host was allowed by its whole name.
    """

    scheme: str
    host: str
    port: int
    target: str
    exact: bool

    @property
    def named(self) -> str:
        """The host as requests name it: without the usual port, which signatures leave out."""
        return self.host if self.port == PORTS[self.scheme] else f"{self.host}:{self.port}"


def checked(url: object, allowed: Sequence[str]) -> Allowed:
    """Return the parts of an address that may be fetched.

    Args:
        url: The address.
        allowed: Names of hosts, for https, or `http://host[:port]`; `*.host` allows all below.

    Raises:
        Refusal: 400 for no address; 403 for a host that is not allowed.
    """
    if not isinstance(url, str) or len(url) > LONGEST_ADDRESS or not url.isprintable():
        raise Refusal(400, "expected an address as text", 'send {"url": "https://..."}')
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if parts.scheme not in PORTS or not host or " " in url or not url.isascii():
        raise Refusal(400, "expected a web address", "send an address such as https://host/a.mp4")
    if "@" in parts.netloc:
        raise Refusal(
            400, "expected an address without a user or password", "leave out what precedes @"
        )
    port = port or PORTS[parts.scheme]
    for one in allowed:
        scheme, _, place = one.rpartition("://")
        name, _, its_port = place.partition(":")
        its_port = its_port or str(PORTS[scheme or "https"])
        name = name.lower()
        fits = host == name or (name.startswith("*.") and host.endswith(name[1:]))
        if fits and (scheme or "https", its_port) == (parts.scheme, str(port)):
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            return Allowed(parts.scheme, host, port, target, host == name)
    raise Refusal(
        403,
        f"expected an address of an allowed host, found {parts.scheme}://{host}:{port}",
        "upload the file, or start the service with --allow-url for this host",
    )


def fetch(
    url: str,
    path: Path,
    allowed: Sequence[str],
    limits: Limits,
    goes_on: Callable[[], bool] = lambda: True,
) -> Path:
    """Copy a video to `path` with the suffix of its address; return the path.

    Args:
        url: The address.
        path: Where it is copied to.
        allowed: See `checked`.
        limits: Its size, pace and time.
        goes_on: Returns whether the copy is still wanted.

    Raises:
        Refusal: It cannot be copied.
    """
    end = time.monotonic() + min(limits.upload_s, limits.job_s)
    path = path.with_name(path.name + suffix_of(urlsplit(url).path))

    def unwanted() -> bool:
        return time.monotonic() > end or not goes_on()

    try:
        for _ in range(MOST_REDIRECTS + 1):
            place = checked(url, allowed)
            moved = _answer(place, path, limits, unwanted)
            if moved is None:
                return path
            url = urljoin(url, moved)
    except (OSError, http.client.HTTPException) as error:
        path.unlink(missing_ok=True)
        reason = "it takes too long" if unwanted() else _reason(error)
        raise _cannot(url, reason) from error
    except Refusal:
        path.unlink(missing_ok=True)
        raise
    raise _cannot(url, f"more than {MOST_REDIRECTS} redirects")


def _answer(place: Allowed, path: Path, limits: Limits, unwanted: Callable[[], bool]) -> str | None:
    """Copy what a server answers; return the address that it names instead, if it does."""
    shown = f"{place.scheme}://{place.host}{place.target}"
    link = _connected(place, limits.idle_s)
    connection = http.client.HTTPConnection(place.host, place.port)
    connection.sock = link
    headers = {"Host": place.named, "User-Agent": "vqa", "Accept-Encoding": "identity"}
    try:
        with link, closing(connection), _shut_down(link, unwanted):
            connection.request("GET", place.target, headers=headers)
            with connection.getresponse() as answer:
                if answer.status in (301, 302, 303, 307, 308):
                    return answer.getheader("Location") or ""
                if answer.status != 200:
                    raise _cannot(shown, f"the server answers {answer.status}")
                size = int(answer.getheader("Content-Length") or 0)
                if size > limits.max_bytes:
                    raise too_large(limits)
                got = _written(answer, path, limits, shown)
        if unwanted():
            raise _cannot(shown, "it takes too long")
        if got < size:
            raise _cannot(shown, f"it ends after {got} of {size} bytes")
        return None
    except ValueError as error:
        raise _cannot(shown, "the server's answer is no HTTP") from error


def _written(answer: http.client.HTTPResponse, path: Path, limits: Limits, shown: str) -> int:
    """Write a video to a file while it arrives; return its bytes."""
    begun, got = time.monotonic(), 0
    with path.open("wb") as file:
        while data := answer.read1(CHUNK_BYTES):
            got += len(data)
            if got > limits.max_bytes:
                raise too_large(limits)
            if limits.too_slow(got, time.monotonic() - begun):
                raise _cannot(shown, f"less than {limits.slowest_bytes_s / 1000:g} kB per second")
            file.write(data)
    return got


@contextmanager
def _shut_down(link: socket.socket, unwanted: Callable[[], bool]) -> Iterator[None]:
    """End a connection as soon as its answer is unwanted, also while the block waits for it."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_S):
            if unwanted():
                with suppress(OSError):
                    socket.socket.shutdown(link, socket.SHUT_RDWR)  # also below TLS
                return

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _connected(place: Allowed, timeout_s: float) -> socket.socket:
    """Connect to a host; in a private network it must be allowed by its whole name."""
    failed = OSError("the host has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(
        place.host, place.port, type=socket.SOCK_STREAM
    ):
        number = ipaddress.ip_address(str(address[0]).partition("%")[0])
        if not number.is_global and not place.exact:
            raise Refusal(
                403,
                f"expected a public address, but {place.host} is in a private network",
                "upload the file, or allow the host by its whole name (--allow-url)",
            )
        link = socket.socket(family, kind, protocol)
        link.settimeout(timeout_s)
        try:
            link.connect(address)
            if place.scheme == "http":
                return link
            return ssl.create_default_context().wrap_socket(link, server_hostname=place.host)
        except OSError as error:  # the next address of the host may answer
            link.close()
            failed = error
    raise failed


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "the server is silent"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


def _cannot(url: str, why: str) -> Refusal:
    return Refusal(
        502, f"cannot copy {public(url)}: {why}", "check the address, or upload the file"
    )
