"""A stand-in for the Hugging Face Hub on loopback: the calls that downloads and uploads make."""

import base64
import hashlib
import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

TOKEN = "hf_stand_in"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """The server and what it holds.

    Attributes:
        models: Files of each model: {repository: {name: content}}.
        gated: Repositories that nobody may read.
        private: Whether each created model is private.
        calls: Method and path of every request.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.models, self.gated, self.private, self.calls = {}, set(), {}, []

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, content, status=200, **headers):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, code, status):
        self.answer({"error": code}, status, X_Error_Code=code, X_Error_Message=code)

    def body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        self.server.calls.append(f"{self.command} {path}")
        is_api = path.startswith("/api/models/")
        parts = path.removeprefix("/api/models").strip("/").split("/")
        repository, rest = "/".join(parts[:2]), parts[2:]
        files = self.server.models.get(repository)
        if repository in self.server.gated:
            return self.refuse("GatedRepo", 403)
        if files is None:
            return self.refuse("RepoNotFound", 404)
        if len(rest) > 1 and rest[1] not in ("main", COMMIT):
            return self.refuse("RevisionNotFound", 404)
        if not is_api:
            content = files["/".join(rest[2:])]
            tag = f'"{hashlib.sha256(content).hexdigest()}"'
            return self.answer(content, ETag=tag, X_Repo_Commit=COMMIT)
        if rest and rest[0] == "tree":
            listed = [
                {
                    "type": "file",
                    "path": name,
                    "size": len(content),
                    "oid": hashlib.sha1(content).hexdigest(),
                }
                for name, content in files.items()
            ]
            return self.answer(listed)
        siblings = [{"rfilename": name} for name in files]
        return self.answer({"id": repository, "sha": COMMIT, "siblings": siblings})

    do_HEAD = do_GET

    def do_POST(self):
        path = unquote(urlsplit(self.path).path)
        self.server.calls.append(f"POST {path}")
        body = self.body()
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.refuse("Unauthorized", 401)
        if path == "/api/validate-yaml":
            return self.answer({"errors": [], "warnings": []})
        if path == "/api/repos/create":
            asked = json.loads(body)
            repository = f"{asked['organization']}/{asked['name']}"
            page = f"{self.server.address}/{repository}"
            if repository in self.server.models:
                return self.answer({"url": page, "error": "it exists"}, 409)
            self.server.models[repository] = {}
            self.server.private[repository] = asked.get("visibility") == "private"
            return self.answer({"url": page})
        repository = "/".join(path.split("/")[3:5])
        files = self.server.models[repository]
        if "/preupload/" in path:
            answers = [
                {"path": one["path"], "uploadMode": "regular", "shouldIgnore": False}
                for one in json.loads(body)["files"]
            ]
            return self.answer({"files": answers})
        for line in body.splitlines():
            operation = json.loads(line)
            value = operation["value"]
            if operation["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif operation["key"] == "deletedFile":
                del files[value["path"]]
        page = f"{self.server.address}/{repository}"
        return self.answer({"commitUrl": f"{page}/commit/{COMMIT}", "commitOid": COMMIT})


def point_to(hub_address, cache, monkeypatch):
    """Make huggingface_hub use an address and a cache folder, with the token of the stand-in."""
    for name, value in {
        "ENDPOINT": hub_address,
        "HUGGINGFACE_CO_URL_TEMPLATE": hub_address + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(cache),
        "HF_HUB_DISABLE_XET": True,
        "HF_HUB_OFFLINE": False,
    }.items():
        monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
    monkeypatch.setenv("HF_TOKEN", TOKEN)


@contextmanager
def serving():
    """Serve an empty hub for the block."""
    with Hub() as hub:
        thread = Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()
