"""The server over real sockets: where it listens, how much it takes, and how it ends."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import websockets
from starlette.routing import WebSocketRoute

from advnets.errors import BadInput
from advnets.web import Limits, Page, server
from web_client import echo, running, talk, watched_runs

SMALL = Limits(connections=6, header_seconds=0.5, body_seconds=0.5, messages_per_second=5, messages_at_once=20)
PAGE = Page("watch.html", [WebSocketRoute("/api/echo", echo)])


def get(port: int, token: str, path: str = "/static/theme.css") -> bytes:
    head = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    )
    return talk(port, head.encode())


def test_it_listens_on_this_machine_alone_and_answers_with_the_token() -> None:
    with running(PAGE) as (port, token):
        listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        own = [line[1] for line in listening if line[3] == "0A" and line[1].endswith(f":{port:04X}")]
        assert own == [f"0100007F:{port:04X}"]
        assert get(port, token).startswith(b"HTTP/1.1 200")
        assert get(port, "wrong").startswith(b"HTTP/1.1 401")
        assert b"server:" not in get(port, token).lower()


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.0\r\n", "GET http://evil.com/ HTTP/1.1\r\nHost: evil.com\r\n", "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.com\r\n", "GET / HTTP/1.1\r\nHost: evil.com:{port}\r\n",
        "GET /\x00 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n", "nonsense\r\n",
        "POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX: " + "a" * 100_000 + "\r\n",
    ],
)  # fmt: skip
def test_raw_bytes_are_refused(head: str) -> None:
    with running(PAGE, SMALL) as (port, token):
        sent = head.replace("{port}", str(port)) + f"Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        answer = talk(port, sent.encode("latin-1"))
        assert not answer.startswith(b"HTTP/1.1 2")


def test_connections_that_bring_nothing_are_closed_and_more_than_so_many_are_refused() -> None:
    with running(PAGE, SMALL) as (port, token):
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(SMALL.connections)]
        time.sleep(0.1)
        assert get(port, token).startswith(b"HTTP/1.1 503")
        begun = time.monotonic()
        for number, connection in enumerate(idle):  # some drip, which is no request either
            connection.settimeout(10)
            if number % 2:
                connection.sendall(b"GET / HT")
        for connection in idle:
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(1) == b""
            connection.close()
        assert time.monotonic() - begun < 8
        assert get(port, token).startswith(b"HTTP/1.1 200")


def test_idle_connections_stay_where_nobody_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The saboteur of the test above: uvicorn's own connections."""
    monkeypatch.setattr(server, "bounded_connections", lambda limits: "h11")
    with running(PAGE, SMALL) as (port, token):
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(SMALL.connections)]
        time.sleep(0.1)
        assert get(port, token).startswith(b"HTTP/1.1 200")
        idle[0].settimeout(1)
        with pytest.raises(TimeoutError):
            idle[0].recv(1)
        for connection in idle:
            connection.close()


async def flood(port: int, token: str, messages: list[str]) -> int | None:
    """Send messages at once; the code by which the server closes, None if it takes them all."""
    headers = {"Authorization": f"Bearer {token}"}
    async with websockets.connect(f"ws://127.0.0.1:{port}/api/echo", additional_headers=headers, proxy=None) as client:
        try:
            for message in messages:
                await client.send(message)
            for _ in messages:
                await client.recv()
        except websockets.ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 0
    return None


def test_floods_of_a_websocket_end_it_and_others_go_on() -> None:
    with running(PAGE, SMALL) as (port, token):
        assert asyncio.run(flood(port, token, ["a"] * 10)) is None
        assert asyncio.run(flood(port, token, ["a"] * 2000)) == 1008
        assert asyncio.run(flood(port, token, ["a" * (SMALL.message_bytes + 1)])) == 1009
        assert asyncio.run(flood(port, token, ["a"] * 10)) is None
        with pytest.raises(websockets.InvalidStatus):
            asyncio.run(flood(port, "wrong", ["a"]))


def test_a_flood_passes_where_messages_are_not_counted() -> None:
    with running(PAGE, Limits(messages_at_once=1e9)) as (port, token):
        assert asyncio.run(flood(port, token, ["a"] * 2000)) is None


def test_requests_are_bounded() -> None:
    with running(PAGE, Limits(requests_per_second=1, requests_at_once=5)) as (port, token):
        codes = [get(port, token).split()[1] for _ in range(8)]
        assert codes.count(b"429") >= 2
        assert codes[0] == b"200"


def test_a_body_that_does_not_come_ends_its_request() -> None:
    with running(PAGE, SMALL) as (port, token):
        head = f"POST /api/x HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        assert (
            b" 408 " in talk(port, f"{head}Connection: close\r\nContent-Length: 9\r\n\r\nab".encode()).splitlines()[0]
        )


def test_a_port_that_is_taken_is_named() -> None:
    with running(PAGE) as (port, _), pytest.raises(BadInput, match=f"--port {port} is in use"):
        server.serve(PAGE, port=port)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
def test_a_signal_ends_the_command_with_its_code_and_without_a_trace(number: int, code: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "advnets", "watch", str(watched_runs(tmp_path)), "--no-browser"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ})
    assert child.stdout is not None
    address = child.stdout.readline()
    assert address.startswith("http://127.0.0.1:")
    child.send_signal(number)
    _, error = child.communicate(timeout=60)
    assert (child.returncode, error) == (code, "")
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=False).stdout
    assert address.strip().rpartition("=")[2] not in listed


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_page_beside_a_training_ends_with_it(tmp_path: Path) -> None:
    words = ["train", "paper-adam", "--data", "digits", "--minutes", "0.5", "--watch", "--out", str(tmp_path / "run")]
    command = [sys.executable, "-m", "advnets", *words]
    told = tmp_path / "told.txt"
    with told.open("w") as file:
        child = subprocess.Popen(command, stderr=file, stdout=file, env={**os.environ, "BROWSER": "true"})
        until = time.monotonic() + 100
        while "watch: http://127.0.0.1:" not in told.read_text() and time.monotonic() < until:
            time.sleep(0.2)
        port = int(told.read_text().partition("watch: http://127.0.0.1:")[2].partition("/")[0])
        socket.create_connection(("127.0.0.1", port)).close()
        child.kill()  # however it ends
        child.wait()
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.2)
    raise AssertionError("the page is still served")
