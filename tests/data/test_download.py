"""Downloads against a real server on the loopback interface that misbehaves in every way we know of."""

import gzip
import hashlib
import io
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pooch
import pytest

from advnets import data
from advnets.data import fetch
from advnets.data.sets import download, mnist as mnist_files
from advnets.errors import AdvnetsError, Damaged, Missing

BODY = bytes(range(256)) * 400
SHA256 = hashlib.sha256(BODY).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """The first folder of the path says how to behave."""

    requests: list[str]
    sent: list[int]

    def do_GET(self) -> None:
        kind = self.path.split("/")[1]
        self.requests.append(kind)
        if kind == "absent":
            self.send_error(404)
            return
        if kind in ("redirect", "turn"):
            self.send_response(302)
            self.send_header("Location", "/good/f.gz" if kind == "redirect" else self.path)
            self.end_headers()
            self.send_without_end()
            return
        body = {"wrong": BODY[::-1], "broken": BODY[:-1000], "bomb": gzip.compress(bytes(2**24))}.get(kind, BODY)
        self.send_response(200)
        if kind != "endless":
            self.send_header("Content-Length", str(len(BODY if kind == "broken" else body)))
        if kind in ("bomb", "packed"):  # the second says so wrongly, as some mirrors do of files that end in .gz
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)
        if kind == "endless":
            self.send_without_end()

    def send_without_end(self) -> None:
        """Up to a gigabyte, until the other side goes away."""
        with suppress(ConnectionError):
            for _ in range(2**10):
                self.wfile.write(bytes(2**20))
                self.sent.append(2**20)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    requests, sent = list[str](), list[int]()
    handler = type("Counted", (Handler,), {"requests": requests, "sent": sent})
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
    path = fetch("f.gz", SHA256, mirrors(server, "good"), size=len(BODY), folder=tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "f.gz"
    assert path.read_bytes() == BODY
    assert fetch("f.gz", SHA256, mirrors(server, "good"), size=len(BODY), folder=path.parent) == path
    assert server[1] == ["good"]


@pytest.mark.parametrize("bad", ["absent", "wrong", "broken", "endless", "bomb"])
def test_a_bad_mirror_is_followed_by_a_good_one(server: tuple[str, list[str]], tmp_path: Path, bad: str) -> None:
    path = fetch("f.gz", SHA256, mirrors(server, bad, "good", "absent"), size=len(BODY), folder=tmp_path)
    assert path.read_bytes() == BODY
    assert server[1] == [bad, "good"]
    assert [file.name for file in tmp_path.iterdir()] == ["f.gz"]


@pytest.mark.parametrize(
    ("kinds", "kind", "says"),
    [
        (["absent"], Missing, "404"),
        (["broken"], Missing, "broken/f.gz"),
        (["wrong"], Damaged, "not the published ones"),
        (["endless"], Damaged, r"endless/f.gz: its bytes are not .* \(more than the 102,400 of the published file\)"),
        (["turn"], Missing, "[Ee]xceeded . redirects"),
        (["absent", "wrong", "broken"], Damaged, "wrong/f.gz"),
    ],
)
def test_nothing_is_left_and_the_error_says_what_to_do(
    server: tuple[str, list[str]], tmp_path: Path, kinds: list[str], kind: type[AdvnetsError], says: str
) -> None:
    with pytest.raises(kind, match=says) as caught:
        fetch("f.gz", SHA256, mirrors(server, *kinds), size=len(BODY), folder=tmp_path)
    assert type(caught.value) is kind
    assert server[1] == kinds or set(server[1]) == {"turn"}
    assert list(tmp_path.iterdir()) == []
    for part in ("by hand", str(tmp_path), SHA256, *kinds):
        assert part in str(caught.value)


def test_no_network(closed: str, tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"refused.*by hand and put it into"):
        fetch("f.gz", SHA256, [closed, closed], size=len(BODY), folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_network_then_a_good_mirror(server: tuple[str, list[str]], closed: str, tmp_path: Path) -> None:
    assert (
        fetch("f.gz", SHA256, [closed, *mirrors(server, "good")], size=len(BODY), folder=tmp_path).read_bytes() == BODY
    )


def test_a_file_with_other_bytes_is_replaced(server: tuple[str, list[str]], tmp_path: Path) -> None:
    (tmp_path / "f.gz").write_bytes(BODY[:-1])
    assert fetch("f.gz", SHA256, mirrors(server, "good"), size=len(BODY), folder=tmp_path).read_bytes() == BODY


def test_a_folder_that_cannot_be_made(server: tuple[str, list[str]], tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Missing, match="cannot be written"):
        fetch("f.gz", SHA256, mirrors(server, "good"), size=len(BODY), folder=tmp_path / "file" / "inside")


def test_it_is_quiet_and_leaves_the_logger_as_it_was(
    server: tuple[str, list[str]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pooch.get_logger().setLevel(logging.INFO)
    fetch("f.gz", SHA256, mirrors(server, "good"), size=len(BODY), folder=tmp_path)
    assert pooch.get_logger().level == logging.INFO
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def most_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of what was written when a download ended, good or bad."""
    sizes: list[int] = []
    receive = download._Transfer._receive

    def measured(self: download._Transfer, url: str, stream: object, file: io.BufferedWriter, began: float) -> None:
        try:
            receive(self, url, stream, file, began)
        finally:
            file.flush()
            sizes.append(sum(path.stat().st_size for path in tmp_path.iterdir()))

    monkeypatch.setattr(download._Transfer, "_receive", measured)
    return sizes


@pytest.mark.parametrize("kind", ["endless", "bomb", "redirect"])
def test_no_more_bytes_are_taken_than_the_file_has(
    server: tuple[str, list[str]], tmp_path: Path, most_on_disk: list[int], kind: str
) -> None:
    if kind == "redirect":
        assert fetch("f.gz", SHA256, mirrors(server, kind), size=len(BODY), folder=tmp_path).read_bytes() == BODY
    else:
        with pytest.raises((Damaged, Missing)):
            fetch("f.gz", SHA256, mirrors(server, kind), size=len(BODY), folder=tmp_path)
    assert most_on_disk
    assert max(most_on_disk) <= len(BODY)


def test_a_file_that_is_said_to_be_packed_is_taken_as_it_is(server: tuple[str, list[str]], tmp_path: Path) -> None:
    path = fetch("f.gz", SHA256, mirrors(server, "packed"), size=len(BODY), folder=tmp_path)
    assert path.read_bytes() == BODY


def test_a_transfer_that_is_too_slow_is_left(
    server: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    download.expect_pace("url", 0, 59)
    download.expect_pace("url", 2**14 * 60, 119)
    with pytest.raises(Missing, match="sent 70 bytes in 61 seconds, fewer than 16,384 a second, and was left"):
        download.expect_pace("url", 70, 61)
    clock = iter(range(0, 10**9, 1000))
    monkeypatch.setattr(download.time, "monotonic", lambda: next(clock))
    with pytest.raises(Missing, match="and was left"):
        fetch("f.gz", SHA256, mirrors(server, "good"), size=len(BODY), folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("drip", [True, False])
def test_every_part_that_comes_is_looked_at_however_small(drip: bool, tmp_path: Path) -> None:
    """A read that waited for a whole block would not see that a mirror sends a byte a second."""

    class Stream:
        left = 70_000

        def read1(self, amount: int, decode_content: bool) -> bytes:
            assert not decode_content
            taken = min(self.left, 1 if drip else amount)
            self.left -= taken
            return bytes(taken)

    stream = Stream()
    with (tmp_path / "file").open("wb") as file:
        download._Transfer(70_000)._receive("url", stream, file, time.monotonic())
    assert (tmp_path / "file").stat().st_size == 70_000


def test_published_sizes_are_known_of_every_file() -> None:
    assert set(mnist_files.BYTES) == {f"{name}.gz" for name in mnist_files.FILES}


def test_published_sizes_are_those_of_the_files(mnist: data.Dataset) -> None:
    folder = Path(os.environ["ADVNETS_DATA"]) / "mnist"
    sizes = {path.name: path.stat().st_size for path in folder.glob("*.gz")}
    assert sizes.items() <= mnist_files.BYTES.items()


def test_the_error_is_one_line_that_says_why(closed: str, tmp_path: Path) -> None:
    with pytest.raises(Missing) as caught:
        fetch("f.gz", SHA256, [closed], size=len(BODY), folder=tmp_path)
    assert "\\n" not in str(caught.value)  # which is what a line feed is shown as
    assert "object at 0x" not in str(caught.value)
    assert "Pool" not in str(caught.value)
