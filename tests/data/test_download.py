"""Downloads against a real server on the loopback interface that misbehaves in every way we know of."""

import hashlib
import logging
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pooch
import pytest

from advnets.data import fetch
from advnets.errors import AdvnetsError, Damaged, Missing

BODY = bytes(range(256)) * 400
SHA256 = hashlib.sha256(BODY).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """The first folder of the path says how to behave."""

    requests: list[str]

    def do_GET(self) -> None:
        kind = self.path.split("/")[1]
        self.requests.append(kind)
        if kind == "absent":
            self.send_error(404)
            return
        body = b"<html>moved</html>" if kind == "wrong" else BODY
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) + (1000 if kind == "broken" else 0)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    requests: list[str] = []
    handler = type("Counted", (Handler,), {"requests": requests})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}", requests
        httpd.shutdown()
        thread.join()


@pytest.fixture
def closed() -> str:
    """The address of a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return f"http://127.0.0.1:{port}/"


def mirrors(server: tuple[str, list[str]], *kinds: str) -> list[str]:
    return [f"{server[0]}/{kind}/" for kind in kinds]


def test_a_good_mirror_is_asked_once(server: tuple[str, list[str]], tmp_path: Path) -> None:
    path = fetch("f.gz", SHA256, mirrors(server, "good"), folder=tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "f.gz"
    assert path.read_bytes() == BODY
    assert fetch("f.gz", SHA256, mirrors(server, "good"), folder=path.parent) == path
    assert server[1] == ["good"]


@pytest.mark.parametrize("bad", ["absent", "wrong", "broken"])
def test_a_bad_mirror_is_followed_by_a_good_one(server: tuple[str, list[str]], tmp_path: Path, bad: str) -> None:
    path = fetch("f.gz", SHA256, mirrors(server, bad, "good", "absent"), folder=tmp_path)
    assert path.read_bytes() == BODY
    assert server[1] == [bad, "good"]
    assert [file.name for file in tmp_path.iterdir()] == ["f.gz"]


@pytest.mark.parametrize(
    ("kinds", "kind", "says"),
    [
        (["absent"], Missing, "404"),
        (["broken"], Missing, "broken/f.gz"),
        (["wrong"], Damaged, "not the published ones"),
        (["absent", "wrong", "broken"], Damaged, "wrong/f.gz"),
    ],
)
def test_nothing_is_left_and_the_error_says_what_to_do(
    server: tuple[str, list[str]], tmp_path: Path, kinds: list[str], kind: type[AdvnetsError], says: str
) -> None:
    with pytest.raises(kind, match=says) as caught:
        fetch("f.gz", SHA256, mirrors(server, *kinds), folder=tmp_path)
    assert type(caught.value) is kind
    assert server[1] == kinds
    assert list(tmp_path.iterdir()) == []
    for part in ("by hand", str(tmp_path), SHA256, *kinds):
        assert part in str(caught.value)


def test_no_network(closed: str, tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"(?s)ConnectionError.*by hand and put it into"):
        fetch("f.gz", SHA256, [closed, closed], folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_network_then_a_good_mirror(server: tuple[str, list[str]], closed: str, tmp_path: Path) -> None:
    assert fetch("f.gz", SHA256, [closed, *mirrors(server, "good")], folder=tmp_path).read_bytes() == BODY


def test_a_file_with_other_bytes_is_replaced(server: tuple[str, list[str]], tmp_path: Path) -> None:
    (tmp_path / "f.gz").write_bytes(BODY[:-1])
    assert fetch("f.gz", SHA256, mirrors(server, "good"), folder=tmp_path).read_bytes() == BODY


def test_a_folder_that_cannot_be_made(server: tuple[str, list[str]], tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Missing, match="cannot be written"):
        fetch("f.gz", SHA256, mirrors(server, "good"), folder=tmp_path / "file" / "inside")


def test_it_is_quiet_and_leaves_the_logger_as_it_was(
    server: tuple[str, list[str]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pooch.get_logger().setLevel(logging.INFO)
    fetch("f.gz", SHA256, mirrors(server, "good"), folder=tmp_path)
    assert pooch.get_logger().level == logging.INFO
    assert capfd.readouterr() == ("", "")
