"""Connections of clients: those on which no whole request arrives are closed.

uvicorn limits the time between two requests, not the time that a request takes to arrive. A client
could hold any number of silent connections, until there are none left for others.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


def protocol(most_s: float) -> type[asyncio.Protocol]:
    """Return the protocol of a server whose clients have so many seconds to send a request."""

    class Impatient(H11Protocol):
        """HTTP; a connection is closed if the head of a request does not arrive in time."""

        _late: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._unwatch()

        def _watch(self) -> None:
            """Measure the time while a request is awaited, not while one is answered."""
            if self.cycle is not None and not self.cycle.response_complete:
                self._unwatch()
            elif self._late is None:
                self._late = self.loop.call_later(most_s, self.transport.close)

        def _unwatch(self) -> None:
            if self._late is not None:
                self._late.cancel()
                self._late = None

    return Impatient
