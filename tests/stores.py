"""An object store and a web server on this machine, for tests of files elsewhere."""

import io
import logging
import tarfile
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ADDRESS = "127.0.0.1"


@contextmanager
def object_store():
    """Run moto's S3 server; yields the environment that leads to it."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address=ADDRESS, port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "word", "AWS_DEFAULT_REGION": "us-east-1",
        }  # fmt: skip
    finally:
        server.stop()


class WebServer:
    """Files of a dictionary by path, on a port of this machine; with ranges and ETags.

    Attributes:
        files: Content by path, such as `/a.mp4`.
        failing: Status codes that the next requests for a path get.
        asked: Method and path with query of each request.
        ranges: Whether parts of files are sent.
        wait_s: Pause before each answer.
    """

    def __init__(self):
        self.files, self.failing, self.asked, self.ranges = {}, {}, [], True
        self.wait_s = 0.0
        handler = type("Handler", (_Handler,), {"web": self})
        self._server = ThreadingHTTPServer((ADDRESS, 0), handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # a reader that hangs up early
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def address(self, path, user=""):
        return f"http://{user}{ADDRESS}:{self.port}{path}"

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    web: WebServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self._answer(sends=False)

    def do_GET(self):
        self._answer(sends=True)

    def _answer(self, *, sends):
        self.web.asked.append((self.command, self.path))
        time.sleep(self.web.wait_s)
        path = self.path.partition("?")[0]
        content = self.web.files.get(path)
        if codes := self.web.failing.get(path):
            return self._send(codes.pop(0))
        if content is None:
            return self._send(404)
        part, status, headers = content, 200, {"ETag": f'"{hash(content):x}"'}
        asked = self.headers.get("Range", "")
        if asked and self.web.ranges:
            first, last = asked.removeprefix("bytes=").split("-")
            part, status = content[int(first) : int(last or len(content)) + 1], 206
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        return self._send(status, part if sends else b"", len(part), headers)

    def _send(self, status, data=b"", size=0, headers=None):
        self.send_response(status)
        for name, value in {"Content-Length": size, **(headers or {})}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def tar_of(files, **options):
    """The bytes of a tar with these contents by name."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", **options) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return data.getvalue()
