"""A disk that loses power: all that may be on it, of what was written but not yet forced to it.

`recorded` follows the work by Python's audit events and by os.fsync, and keeps a snapshot of the modelled disk before
every operation; `states` gives every disk that a cut at a snapshot may leave. The model, harsher than file systems are:

- the bytes of a file are certain once it was forced; till then what was added is there, half there, zeros or lost;
- an entry of a folder (made, renamed, removed) is certain once the folder was forced; till then any may be lost;
- a rename is one entry: it is there or not; a folder that is lost takes with it what is in it.
"""

import contextlib
import copy
import itertools
import math
import os
import random
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Change = tuple[str | None, str | None, int | None]
"""Of a folder: the name that goes, the name that comes, and the node that it names."""
Tree = dict[Path, bytes | None]
"""Bytes by path; None for a folder."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass
class File:
    """Bytes that are certain, and those that a program would read."""

    certain: bytes = b""
    seen: bytes = b""


@dataclass
class Folder:
    """Entries that are certain, and changes to them that are not."""

    certain: dict[str, int] = field(default_factory=dict)
    pending: list[Change] = field(default_factory=list)

    def entries(self, chosen: tuple[bool, ...] | None = None) -> dict[str, int]:
        """The entries after all changes, or after the chosen ones."""
        entries = dict(self.certain)
        for happened, (gone, made, node) in zip(chosen or itertools.repeat(True), self.pending, strict=False):
            if happened:
                entries.pop(gone or "", None)
                if made and node is not None:
                    entries[made] = node
        return entries


@dataclass
class Disk:
    """Nodes by number, the root first; done: how many marks the work had passed."""

    nodes: list[File | Folder] = field(default_factory=lambda: [Folder()])
    done: int = 0

    def paths(self) -> dict[Path, int]:
        """The node of every path below the root, as a program sees it."""
        found: dict[Path, int] = {}

        def walk(number: int, path: Path) -> None:
            found[path] = number
            node = self.nodes[number]
            if isinstance(node, Folder):
                for name, child in node.entries().items():
                    walk(child, path / name)

        walk(0, Path())
        return found

    def tree(self, folders: dict[int, tuple[bool, ...]], files: dict[int, bytes]) -> Tree:
        """What is on the disk after these choices for the folders' changes and the files' bytes."""
        found: Tree = {}

        def walk(number: int, path: Path) -> None:
            node = self.nodes[number]
            if isinstance(node, File):
                found[path] = files.get(number, node.certain)
                return
            found[path] = None
            for name, child in node.entries(folders.get(number)).items():
                walk(child, path / name)

        walk(0, Path())
        return found


def states(disk: Disk, most: int, rng: random.Random) -> Iterator[Tree]:
    """The disks that a cut of the power may leave here: all, or `most` drawn at random where there are more."""
    folders = {number: list(itertools.product((True, False), repeat=len(node.pending)))
               for number, node in enumerate(disk.nodes) if isinstance(node, Folder) and node.pending}  # fmt: skip
    files = {number: remains(node) for number, node in enumerate(disk.nodes)
             if isinstance(node, File) and node.certain != node.seen}  # fmt: skip
    choices: list[list[Any]] = [*folders.values(), *files.values()]
    if math.prod(map(len, choices)) <= most:
        drawn: Iterator[tuple[Any, ...]] = itertools.product(*choices)
    else:
        drawn = (tuple(rng.choice(options) for options in choices) for _ in range(most))
    for chosen in drawn:
        yield disk.tree(dict(zip(folders, chosen, strict=False)), dict(zip(files, chosen[len(folders) :], strict=True)))


def remains(file: File) -> list[bytes]:
    """What may be left of bytes that were not forced."""
    kept = file.certain if file.seen.startswith(file.certain) else b""
    added = file.seen[len(kept) :]
    return [file.certain, file.seen, kept + added[: len(added) // 2], kept + bytes(len(added))]


def laid_out(tree: Tree, root: Path) -> Path:
    """The tree as real files."""
    for path, content in sorted(tree.items()):
        if content is None:
            (root / path).mkdir()
        else:
            (root / path).write_bytes(content)
    return root


@contextlib.contextmanager
def recorded(root: Path) -> Iterator["Recorder"]:
    """Follow what happens below an existing folder; what is in it already is certain."""
    recorder = Recorder(root)
    _hook(recorder)
    real = os.fsync

    def fsync(descriptor: int) -> None:
        recorder.force(descriptor)
        real(descriptor)

    opening = os.open

    def open_within(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        recorder.within = dir_fd  # which the audit event of an open does not tell
        try:
            return opening(path, flags, mode, dir_fd=dir_fd)
        finally:
            recorder.within = None

    os.fsync, os.open = fsync, open_within
    try:
        yield recorder
        recorder.mark(passed=0)
    finally:
        os.fsync, os.open = real, opening
        _hook(None)


class Recorder:
    """Keeps the modelled disk, and a snapshot before each operation."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.within: int | None = None
        self.disk = Disk()
        self.moments: list[Disk] = []
        for path in sorted(self.root.rglob("*")):
            folder = self.disk.nodes[self.disk.paths()[path.parent.relative_to(self.root)]]
            assert isinstance(folder, Folder)
            content = b"" if path.is_dir() else path.read_bytes()
            folder.certain[path.name] = self._new(Folder() if path.is_dir() else File(content, content))

    def mark(self, passed: int = 1) -> None:
        """Note that the work has come to where it promises more."""
        self._moment()
        self.disk.done += passed

    def heard(self, event: str, given: tuple[Any, ...]) -> None:
        """Model an operation that is about to be done."""
        if event == "open" and isinstance(given[0], str | Path) and given[2] & WRITES:
            self._opened(self._inside(given[0], self.within), given[2])
        elif event == "os.mkdir" and (path := self._inside(given[0], given[2])) is not None:
            if path not in self.disk.paths():
                self._change(path.parent, None, path.name, lambda: self._new(Folder()))
        elif event in ("os.remove", "os.rmdir") and (path := self._inside(given[0], given[1])) is not None:
            if path in self.disk.paths():
                self._change(path.parent, path.name, None, lambda: None)
        elif event == "os.rename" and (path := self._inside(given[0], given[2])) is not None:
            to = self._inside(given[1], given[3])
            assert to is not None, "a rename out of the folder that is followed"
            assert to.parent == path.parent, "a rename from folder to folder is not modelled"
            node = self.disk.paths()[path]
            self._change(path.parent, path.name, to.name, lambda: node)

    def force(self, descriptor: int) -> None:
        """Model an fsync."""
        self._moment()
        for path, number in self.disk.paths().items():
            node = self.disk.nodes[number]
            if os.path.samestat(os.stat(self.root / path), os.fstat(descriptor)):
                if isinstance(node, Folder):
                    node.certain, node.pending = node.entries(), []
                else:
                    node.certain = node.seen

    def _opened(self, path: Path | None, flags: int) -> None:
        if path is None:
            return
        if path not in self.disk.paths():
            self._change(path.parent, None, path.name, lambda: self._new(File()))
        elif flags & os.O_TRUNC:
            self._moment()

    def _change(self, folder: Path, gone: str | None, made: str | None, node: Any) -> None:
        self._moment()
        changed = self.disk.nodes[self.disk.paths()[folder]]
        assert isinstance(changed, Folder)
        changed.pending.append((gone, made, node()))

    def _new(self, node: File | Folder) -> int:
        self.disk.nodes.append(node)
        return len(self.disk.nodes) - 1

    def _moment(self) -> None:
        for path, number in self.disk.paths().items():
            node = self.disk.nodes[number]
            if isinstance(node, File) and (self.root / path).exists():
                node.seen = (self.root / path).read_bytes()
        self.moments.append(copy.deepcopy(self.disk))

    def _inside(self, path: str | Path, folder: int | None = None) -> Path | None:
        """The path below the root, or None; of a folder's descriptor, it is found by its inode."""
        whole = Path(path)
        if folder not in (-1, None):
            there = (other for other in self.disk.paths() if (self.root / other).is_dir())
            same = (other for other in there if os.path.samestat(os.stat(self.root / other), os.fstat(folder)))
            whole = self.root / next(same, Path("/nowhere")) / path
        whole = Path(os.path.abspath(whole))
        return whole.relative_to(self.root) if whole.is_relative_to(self.root) and whole != self.root else None


_following: list[Recorder] = []
_installed: list[bool] = []


def _hook(recorder: Recorder | None) -> None:
    _following[:] = [recorder] if recorder else []
    if not _installed:  # an audit hook cannot be taken away
        sys.addaudithook(_heard)
        _installed.append(True)


def _heard(event: str, given: tuple[Any, ...]) -> None:
    if _following and event in ("open", "os.mkdir", "os.remove", "os.rmdir", "os.rename"):
        recorder = _following.pop()
        try:
            recorder.heard(event, given)
        finally:
            _following.append(recorder)


def clear(root: Path) -> None:
    """Take a laid-out tree away."""
    shutil.rmtree(root, ignore_errors=True)
