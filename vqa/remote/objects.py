"""Files in object stores and on web servers, through fsspec: looked at, listed and copied.

Credentials come from the environment and from fsspec's own configuration files, never from here.
Every error is one line without secrets.
"""

import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from vqa.files import shown
from vqa.remote.addresses import PACKAGES, WEB, clean, protocol_of, public

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

TRIES = 3
WAIT_S = 0.5  # before the second try, and twice as long before each further one
LISTING_S = 600.0  # for which the states of a listing are taken for the present ones
MOST_LISTED = 2**17
CHUNK_BYTES = 2**26  # of a range that is held in memory
PARTS_ONLY = "the server sends no parts of files, which a tar needs: download it and name the copy"
CHATTY = ("aiobotocore", "botocore")  # say where they found credentials
LONGEST = 200  # characters of an error
# What identifies a version of a file, the first that a store gives: other names, the same things.
TAGS = ("ETag", "etag", "Content-MD5", "md5Hash", "generation")
TIMES = ("LastModified", "Last-Modified", "last_modified", "updated", "mtime", "created")

Result = TypeVar("Result")


class FetchError(OSError):
    """A file elsewhere that cannot be read; the message says why, without secrets."""


class Object(NamedTuple):
    """What a store says of a name.

    Attributes:
        is_folder: Whether names begin with it, and it is no file itself.
        size: Bytes; None if the server does not say.
        state: What changes with the content: size and ETag, or size and time; empty if unknown.
    """

    is_folder: bool
    size: int | None
    state: str


def look(address: str) -> Object:
    """Ask a store for a name, in one request.

    Raises:
        FetchError: There is no such name, no access, no answer, or no package for the protocol.
    """
    return described(
        trying(lambda: _info(*filesystem(address)), address), is_folder=address.endswith("/")
    )


def listed(address: str) -> Iterator[tuple[str, Object]]:
    """Yield all files below a folder, or those that match a glob pattern, sorted.

    Yields:
        Address and description of each.

    Raises:
        FetchError: As `look`.
    """
    system, path = filesystem(address)
    protocol = protocol_of(address)

    def find() -> Mapping[str, Any]:
        if is_pattern(address):
            return system.glob(path, detail=True)
        return system.find(path, detail=True)

    found = trying(find, address)
    for name in sorted(found):
        one, each = described(found[name]), f"{protocol}://{name.lstrip('/')}"
        if len(_LISTED) < MOST_LISTED:
            _LISTED[each] = time.monotonic(), one.state
        yield each, one


def state_of(address: str) -> str:
    """Return what a store says of the present version; empty if it says nothing of use.

    A file that was listed in the last minutes is not asked for again.

    Raises:
        FetchError: As `look`.
    """
    moment, state = _LISTED.pop(address, (-LISTING_S, ""))
    return state if time.monotonic() - moment < LISTING_S else look(address).state


_LISTED: dict[str, tuple[float, str]] = {}  # moment and state


def is_pattern(address: str) -> bool:
    """Return whether an address may match several names; `?` of a web address is no pattern."""
    return protocol_of(address) not in WEB and any(sign in address for sign in "*?[")


def copy(address: str, path: Path, found: Object) -> None:
    """Copy a file that was looked at, whole; it must be the same before and after.

    Raises:
        FetchError: It cannot be read, or changed.
        OSError: The copy cannot be written.
    """
    system, name = filesystem(address)
    trying(lambda: system.get_file(name, str(path)), address)
    if look(address) != found or found.size not in (None, path.stat().st_size):
        raise FetchError("the file changed while it was read; rerun the command to score it again")


def parts(address: str, start: int, size: int) -> Generator[bytes, None, None]:
    """Yield a range of bytes in parts.

    Raises:
        FetchError: It cannot be read, or the server sends other bytes than it was asked for.
    """
    system, name = filesystem(address)
    for low in range(start, start + size, CHUNK_BYTES):
        high = min(low + CHUNK_BYTES, start + size)
        data = trying(partial(system.cat_file, name, start=low, end=high), address)
        if len(data) != high - low:
            raise FetchError(f"the server did not send bytes {low} to {high} of the tar as asked")
        yield data


def filesystem(address: str) -> "tuple[AbstractFileSystem, str]":
    """Return fsspec's file system of an address, and its name there.

    Raises:
        FetchError: Another protocol, or its package is missing.
    """
    protocol = protocol_of(address)
    if protocol not in PACKAGES or "::" in address:
        known = ", ".join(f"{name}://" for name in PACKAGES if name not in ("s3a", "gcs", "memory"))
        raise FetchError(
            f"{public(address)}: expected a path or an address that begins with {known}"
        )
    import fsspec  # here, because `vqa --help` needs none

    for package in CHATTY:
        logging.getLogger(package).setLevel(logging.WARNING)

    options: dict[str, Any] = {"use_listings_cache": False}
    try:
        if protocol in WEB:
            import aiohttp

            # Its own limit is five minutes for a whole file.
            limit = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)
            options["client_kwargs"] = {"timeout": limit}
        system, name = fsspec.core.url_to_fs(address, **options)
    except ImportError as error:
        raise FetchError(
            f"{public(address)}: a package for {protocol}:// is not installed; pip install "
            f"{PACKAGES[protocol]}"
        ) from error
    except Exception as error:  # of any store's own package
        raise _error(error, address) from error
    return system, name


def trying(act: Callable[[], Result], address: str) -> Result:
    """Do something with a file elsewhere, again after a while if the error may pass.

    Raises:
        FetchError: It failed for good, or three times.
    """
    for left in reversed(range(TRIES)):
        try:
            return act()
        except Exception as error:  # of any store's own package
            if isinstance(error, FetchError):
                raise
            cause = _unwrapped(error)
            if not left or not _may_pass(cause):
                raise _error(cause, address) from error
        time.sleep(WAIT_S * 2 ** (TRIES - 1 - left))
    raise AssertionError  # the last try returns or raises


def described(info: Mapping[str, Any], *, is_folder: bool = False) -> Object:
    """Return what a store's own description of a name says."""
    size = info.get("size")
    tag = next((f"{info[key]}" for key in TAGS if info.get(key)), "")
    moment = next((f"{info[key]}" for key in TIMES if info.get(key)), "")
    known = f"etag {tag}" if tag else f"time {moment}" if moment else ""
    state = f"{known}, {size} bytes" if known and size is not None else ""
    return Object(is_folder or info.get("type") == "directory", size, state)


def _info(system: "AbstractFileSystem", name: str) -> Mapping[str, Any]:
    return system.info(name)


def _unwrapped(error: Exception) -> Exception:
    """Return the cause of an error: fsspec calls every answer of a web server "not found"."""
    cause = error.__cause__
    if isinstance(error, FileNotFoundError) and isinstance(cause, Exception):
        name = type(cause).__name__
        if name.startswith(("Client", "Server")) or isinstance(cause, OSError):
            return cause
    return error


def _may_pass(error: Exception) -> bool:
    """Return whether another try may succeed."""
    status = getattr(error, "status", None)  # of a web server
    if status is not None:
        return status >= 500 or status in (408, 429)
    final = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
    other = (ImportError, NotImplementedError, ValueError, TypeError)
    return not isinstance(error, final + other) and "Credential" not in type(error).__name__


def _error(error: Exception, address: str) -> FetchError:
    """Return an error in one line, without secrets."""
    status = getattr(error, "status", None)
    text = " ".join(shown(clean(str(error))).split())[:LONGEST]
    if isinstance(error, FileNotFoundError) or status in (404, 410):
        bucket = f" ({text})" if "bucket does not exist" in text else ""
        cause = f"no such file: {public(address)}{bucket}"
    elif isinstance(error, PermissionError) or status in (401, 403):
        cause = f"no access to {public(address)}: check the credentials in the environment"
    elif isinstance(error, ImportError):
        cause = f"{text}; pip install {PACKAGES.get(protocol_of(address), '')}"
    elif "range requests" in text:
        cause = PARTS_ONLY
    elif status is not None:
        cause = f"the server answered {status} to {public(address)}"
    else:
        cause = f"cannot read {public(address)}: {text or type(error).__name__}"
    return FetchError(cause)
