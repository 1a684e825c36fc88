"""A service on a port of this machine, with the server's own settings."""

import asyncio
import socket
import threading
from contextlib import contextmanager


@contextmanager
def listening(service):
    """Answer for a service in a thread; yields the port."""
    import uvicorn

    from vqa.commands.serving.command import config_of

    server = uvicorn.Server(config_of(service))
    with socket.create_server(("127.0.0.1", 0)) as link:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([link])), daemon=True)
        thread.start()
        try:
            yield link.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)
