"""Folders that are held open: what is written reaches them where they are, follows no link, is whole or not there."""

import errno
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from advnets.disk import Folder, held_folder as disk
from advnets.errors import BadInput

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no handles of folders, and links for few")
pytestmark = posix


@pytest.fixture(params=["handles", "paths"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With handles, and as on a system that has none."""
    monkeypatch.setattr(disk, "HAS_HANDLES", request.param == "handles")
    return str(request.param)


@pytest.fixture
def folder(way: str, tmp_path: Path) -> Iterator[Folder]:
    """An open folder, which holds one file."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a").write_bytes(b"old")
    with Folder.open(tmp_path / "mine") as opened:
        yield opened


def everything(path: Path) -> dict[str, bytes | None]:
    return {str(item.relative_to(path)): item.read_bytes() if item.is_file() else None for item in path.rglob("*")}


def test_a_folder_that_was_renamed_is_written_where_it_is_and_never_its_successor(folder: Folder, way: str) -> None:
    Path("mine").rename("moved")
    Path("mine").mkdir()
    Path("mine/a").write_bytes(b"theirs")
    assert not folder.is_in_place
    acts: list[Any] = [
        lambda: folder.write("a", b"new"),
        lambda: folder.append("a", b"more"),
        lambda: folder.write_new("b", b"new"),
        lambda: folder.folder("c", make=True).close(),
        lambda: folder.remove("a"),
    ]
    for act in acts:
        if way == "handles":
            act()
        else:
            with pytest.raises(OSError, match="it was moved away or replaced"):
                act()
    assert everything(Path("mine")) == {"a": b"theirs"}
    assert everything(Path("moved")) == ({"b": b"new", "c": None} if way == "handles" else {"a": b"old"})


def test_a_link_is_replaced_or_refused_and_what_it_leads_to_is_untouched(folder: Folder) -> None:
    Path("outside").mkdir()
    Path("outside/dear").write_bytes(b"dear")
    for name, to in {"file": "../outside/dear", "inner": "../outside"}.items():
        (folder.path / name).symlink_to(to)
    with pytest.raises(BadInput, match="inner is a link, expected a file or folder of its own"):
        folder.folder("inner", make=True)
    with pytest.raises(OSError):
        folder.append("file", b"more")
    with pytest.raises(OSError, match="not a regular file"):
        folder.read("file")
    with pytest.raises(FileExistsError):
        folder.write_new("file", b"new")
    folder.write("file", b"new")
    assert folder.read("file") == b"new"
    folder.remove("inner")
    assert everything(Path("outside")) == {"dear": b"dear"}
    assert folder.names() == ["a", "file"] or sorted(folder.names()) == ["a", "file"]


def test_a_tree_is_removed_and_not_what_its_links_lead_to(folder: Folder) -> None:
    Path("outside").mkdir()
    Path("outside/dear").write_bytes(b"dear")
    (folder.path / "tree" / "deeper").mkdir(parents=True)
    (folder.path / "tree" / "deeper" / "link").symlink_to(Path("outside").resolve())
    folder.remove("tree")
    assert folder.names() == ["a"]
    assert everything(Path("outside")) == {"dear": b"dear"}


def test_a_copy_by_hard_links_stays_as_it_is(folder: Folder) -> None:
    os.link(folder.path / "a", "copy")
    folder.append("a", b" and new")
    assert Path("copy").read_bytes() == b"old"
    assert folder.read("a") == b"old and new"


def test_a_pipe_is_no_file_and_does_not_wait(folder: Folder) -> None:
    os.mkfifo(folder.path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        folder.read("pipe")
    with pytest.raises(OSError):
        folder.append("pipe", b"line")


@pytest.fixture(params=["nameless", "named", "no links"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How a new file gets its name: as this system does it, as others do, and where there are no hard links."""
    if request.param != "nameless":
        monkeypatch.setattr(Folder, "_write_nameless", lambda self, name, content: False)
    if request.param == "no links":

        def refuse(*given: Any, **more: Any) -> None:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(os, "link", refuse)
    return str(request.param)


def test_a_new_file_is_whole_and_never_over_another(kind: str, folder: Folder) -> None:
    def write_slowly(file: IO[bytes]) -> None:
        file.write(b"half")
        (folder.path / "b").write_bytes(b"theirs")

    folder.write_new("new", b"new")
    with pytest.raises(FileExistsError):
        folder.write_new("new", b"newer")
    with pytest.raises(FileExistsError):
        folder.write_new("b", write_slowly)
    assert everything(folder.path) == {"a": b"old", "new": b"new", "b": b"theirs"}


def test_a_failure_leaves_nothing(kind: str, folder: Folder) -> None:
    def fail(file: IO[bytes]) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    for act in (folder.write, folder.write_new):
        with pytest.raises(KeyboardInterrupt):
            act("a" if act == folder.write else "b", fail)
    assert everything(folder.path) == {"a": b"old"}


def test_a_kill_leaves_no_half_file(tmp_path: Path) -> None:
    """Where the system has nameless files it leaves nothing at all, else a temporary name."""

    def be_killed(file: IO[bytes]) -> None:
        file.write(b"half" * 10_000)
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    with Folder.open(tmp_path) as opened:
        if (child := os.fork()) == 0:
            opened.write_new("whole", be_killed)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        left = opened.names()
        assert all(name.startswith(".tmp-") for name in left)
        if hasattr(os, "O_TMPFILE") and opened._write_nameless("probe", b""):
            assert left == []
        opened.write_new("whole", b"whole")
        assert opened.read("whole") == b"whole"


def test_the_lock_is_the_folders_and_no_file(tmp_path: Path) -> None:
    with Folder.open(tmp_path) as one, Folder.open(tmp_path) as other:
        assert one.lock()
        assert not other.lock()
        assert os.listdir(tmp_path) == []
        one.close()
        assert other.lock()
