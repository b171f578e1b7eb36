"""A model hub on the loopback: the routes that advnets and huggingface_hub call, in memory; and hubs that lie."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hf_aTokenThatNobodyMaySee"


@dataclass
class LoopbackHub:
    """What the hub holds, and what it was asked.

    Attributes:
        files: The newest files, by repository and name.
        commits: The files of each commit.
        asked: Method, path and Authorization of each request.
        lie: Called with a handler before an answer; True if it has answered.
        told: Called with what the hub tells of a revision; what it returns is told.
    """

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: dict[str, bool] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    lie: Callable[[Any], bool] = lambda handler: False
    told: Callable[[dict[str, Any]], dict[str, Any]] = lambda told: told
    url: str = ""

    def commit(self, repository: str, **files: bytes) -> str:
        """Add files to a repository; names have "__" for ".". Returns the commit."""
        held = {**self.files.get(repository, {}), **{name.replace("__", "."): text for name, text in files.items()}}
        self.files[repository] = held
        digest = hashlib.sha1(repr(sorted(held.items())).encode() + str(len(self.commits)).encode()).hexdigest()
        self.commits[digest] = held
        return digest

    def info(self, repository: str, commit: str) -> dict[str, Any]:
        """What the hub tells of a commit."""
        siblings = []
        for name, content in self.commits[commit].items():
            told: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": "0" * 40}
            if not name.endswith(".md"):
                told["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
            siblings.append(told)
        return self.told({"id": repository, "sha": commit, "private": False, "siblings": siblings})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: LoopbackHub

    def log_message(self, *words: Any) -> None:
        """Say nothing."""

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:  # who asked has seen enough
            self.close_connection = True

    def _begin(self) -> bool:
        self.hub.asked.append((self.command, self.path, self.headers.get("Authorization")))
        return self.hub.lie(self)

    def answer(self, content: Any, status: int = 200, **headers: str) -> None:
        """Answer with bytes, or with JSON."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if self._begin():
            return
        path = self.path.split("?")[0]
        if path == "/api/whoami-v2":
            known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
            self.answer({"name": "ada"} if known else {"error": "no"}, 200 if known else 401)
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/([^/]+)", path):
            self._tell(found[1], found[2])
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/([^/]+)", path):
            content = self.hub.commits.get(found[2], {}).get(found[3])
            self.answer(*((b"none", 404) if content is None else (content,)))
        else:
            self.answer(b"none", 404)

    def _tell(self, repository: str, revision: str) -> None:
        commit = revision
        if revision == "main" and repository in self.hub.files:
            commit = next(name for name, held in self.hub.commits.items() if held is self.hub.files[repository])
        if commit not in self.hub.commits:
            self.answer({"error": "Repository not found"}, 404)
        else:
            self.answer(self.hub.info(repository, commit))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self._begin():
            return
        path = self.path.split("?")[0]
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.answer({"error": "no"}, 401)
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif path == "/api/validate-yaml":
            self.answer({"errors": [], "warnings": []})
        elif "/preupload/" in path:
            modes = {True: "regular", False: "lfs"}
            told = [
                {"path": one["path"], "uploadMode": modes[one["path"].endswith(".md")], "shouldIgnore": False}
                for one in json.loads(body)["files"]
            ]
            self.answer({"files": told})
        elif path.endswith("/info/lfs/objects/batch"):
            self.answer({"transfer": "basic", "objects": [self._place(one) for one in json.loads(body)["objects"]]})
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/main", path):
            self._commit(found[1], [json.loads(line) for line in body.splitlines()])
        else:
            self.answer(b"none", 404)

    def _create(self, asked: dict[str, Any]) -> None:
        repository = f"{asked['organization']}/{asked['name']}"
        is_new = repository not in self.hub.private
        self.hub.private.setdefault(repository, asked.get("visibility") == "private" or asked.get("private") is True)
        self.answer({"url": f"{self.hub.url}/{repository}"}, 200 if is_new else 409)

    def _place(self, one: dict[str, Any]) -> dict[str, Any]:
        return {**one, "actions": {"upload": {"href": f"{self.hub.url}/store/{one['oid']}"}}}

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._begin():
            return
        self.hub.objects[self.path.rsplit("/", 1)[1]] = body
        self.answer(b"")

    def _commit(self, repository: str, lines: list[dict[str, Any]]) -> None:
        files = {}
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
        oid = self.hub.commit(repository, **files)
        self.answer({"commitUrl": f"{self.hub.url}/{repository}/commit/{oid}", "commitOid": oid})


@contextmanager
def open_loopback_hub() -> Iterator[LoopbackHub]:
    """A hub that answers within."""
    hub = LoopbackHub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
