"""A client of the live page that sends what no browser would: raw requests to ASGI, and bytes over sockets."""

import asyncio
import atexit
import contextlib
import functools
import json
import queue
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.websockets import WebSocket

from advnets.web import Guard, Keys, Limits, Page, server

PORT = 8123
HOST = f"127.0.0.1:{PORT}"
ORIGIN = f"http://{HOST}"
CANARY = b"the-canary-that-nobody-may-read"


@dataclass
class Answer:
    """What a server answered: 101 for a WebSocket that it accepted."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    app: Any,
    path: str | bytes = "/",
    *,
    method: str = "GET",
    headers: Sequence[tuple[str, str]] = (("host", HOST),),
    body: bytes = b"",
    kind: str = "http",
) -> Answer:
    """Send one request, as ASGI has it, and return the answer."""
    raw, _, query = (path.encode("latin-1") if isinstance(path, str) else path).partition(b"?")
    scope = {
        "type": kind, "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": unquote_to_bytes(raw).decode(errors="replace"), "raw_path": raw, "query_string": query,
        "root_path": "", "headers": [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers],
        "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", PORT), "subprotocols": [],
    }  # fmt: skip
    if kind == "websocket":
        del scope["method"]
        events = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]
    else:
        events = [{"type": "http.request", "body": body, "more_body": False}, {"type": "http.disconnect"}]
    answer = Answer()

    async def receive() -> dict[str, Any]:
        return events.pop(0) if len(events) > 1 else events[0]

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")
        elif message["type"] == "websocket.accept":
            answer.status = 101
        elif message["type"] == "websocket.close" and not answer.status:
            answer.status = 403

    loop().run_until_complete(app(scope, receive, send))
    return answer


@functools.cache
def loop() -> asyncio.AbstractEventLoop:
    """One loop for all requests: a new one for each takes longer than the request."""
    made = asyncio.new_event_loop()
    atexit.register(made.close)
    return made


def guarded(page: Page, keys: Keys, limits: Limits = Limits(requests_at_once=1e9)) -> Guard:  # noqa: B008
    return Guard(page.application(), port=PORT, keys=keys, limits=limits, uploads=page.uploads)


def with_token(keys: Keys, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [("host", HOST), ("authorization", f"Bearer {keys.token}"), *more]


def with_cookie(keys: Keys, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [("host", HOST), ("cookie", f"advnets-{PORT}={keys.session}"), *more]


async def echo(socket_: WebSocket) -> None:
    """A WebSocket for tests, which says what it hears."""
    await socket_.accept()
    with contextlib.suppress(Exception):
        while True:
            await socket_.send_text(await socket_.receive_text())


@contextlib.contextmanager
def running(page: Page, limits: Limits = Limits()) -> Iterator[tuple[int, str]]:  # noqa: B008
    """A real server: its port, and its token."""
    told: queue.Queue[str] = queue.Queue()
    end = threading.Event()
    thread = threading.Thread(
        target=server.serve, args=(page,), kwargs={"show": told.put, "until": end.is_set, "limits": limits}
    )
    thread.start()
    try:
        address = told.get(timeout=30)
        port, _, token = address.removeprefix("http://127.0.0.1:").partition("/?token=")
        yield int(port), token
    finally:
        end.set()
        thread.join(30)


def talk(port: int, content: bytes, *, seconds: float = 10.0) -> bytes:
    """Send bytes, and return all that comes until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(content)
        parts = []
        with contextlib.suppress(TimeoutError, ConnectionError):
            while part := connection.recv(65536):
                parts.append(part)
    return b"".join(parts)


def watched_runs(folder: Path, name: str = "one") -> Path:
    """A folder with a small run, written by hand, beside canaries in all places that a path might lead to."""
    run = folder / "runs" / name
    (run / "previews").mkdir(parents=True)
    (run / "journal.jsonl").write_text("".join(json.dumps({"step": step, "D(x)": 0.5}) + "\n" for step in (10, 20)))
    (run / "status.json").write_text(json.dumps({"state": "finished", "step": 20, "message": name}))
    (run / "previews" / "00000010.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"picture")
    for place in ("outside.png", "runs2/00000010.png", "runs2/one/journal.jsonl"):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(b"\x89PNG\r\n\x1a\n" + CANARY)
    (run / "previews" / "00000030.png").symlink_to(folder / "outside.png")
    (folder / "runs" / "linked").symlink_to(folder / "runs2" / "one")
    (run / "secret.txt").write_bytes(CANARY)
    return folder / "runs"
