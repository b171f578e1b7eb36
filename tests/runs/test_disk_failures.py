"""A save at whose every system call the process is killed, or the disk fails: the newest or the one before loads."""

import errno
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from saves import advance, found, goes_on, stand
from syscalls import CALLS, DONE, TOLD, Ended, calls, needs_strace, under_strace

ERRORS = ("ENOSPC", "EIO", "EROFS", "EDQUOT")
REASONS = {"ENOSPC": "the disk is full", "EROFS": "the disk is read-only", "EDQUOT": "the quota is used up",
           "EIO": os.strerror(errno.EIO)}  # fmt: skip


def check(path: Path) -> int:
    """The next start: it sweeps, reads the newest or the one before, and saves the next; returns what was read."""
    step = found(path)
    assert step in (2, 3)
    goes_on(path, step)
    return step


def points(folder: Path) -> Iterator[tuple[str, int]]:
    """Every call of one save, by name and number."""
    ended = under_strace(lambda: advance(stand(folder / "whole"), 3), folder)
    assert ended.code == DONE, ended.told
    before = calls(under_strace(lambda: stand(folder / "before"), folder).log)
    for name, n in (calls(ended.log) - before).items():
        yield from ((name, number) for number in range(1, n + 1))


def each(folder: Path, what: list[str], passed: tuple[str, ...] = ()) -> Iterator[tuple[str, str, Ended, Path]]:
    """Every call of a save, failing in each of these ways: its name, the way, how it ended, and the run."""
    template = stand(folder / "template")
    for name, number in points(folder):
        for way in what if name not in passed else ():
            path = folder / "run"
            shutil.copytree(template, path)
            ended = under_strace(lambda path=path: advance(path, 3), folder, f"{name}:{way}:when={number}")  # type: ignore[misc]
            assert ended.injected, f"{name} {number} was not met"
            yield name, way, ended, path
            shutil.rmtree(path)


@needs_strace
def test_a_kill_at_every_call_of_a_save(tmp_path: Path) -> None:
    met, read, began = Counter[str](), Counter[int](), time.monotonic()
    for name, _, ended, path in each(tmp_path, ["signal=SIGKILL"]):
        assert ended.code == -9
        read[check(path)] += 1
        met[name] += 1
    print(f"{met.total()} kills in {time.monotonic() - began:.0f} s: {dict(met)}; then read: {dict(read)}")
    assert {"write", "fsync", "renameat", "unlinkat", "mkdirat", "openat"} <= set(met)
    assert met.total() >= 30
    assert min(read[2], read[3]) >= 5


def is_pruned(item: Path) -> bool:
    """Whether it is a checkpoint that was being removed; the next start removes what is left of it."""
    return (item / "MANIFEST.json").exists() and "00000003" in [other.name for other in item.parent.iterdir()]


def fail_everywhere(tmp_path: Path, errors: tuple[str, ...], *passed: str) -> None:
    met, told, began = Counter[str](), Counter[str](), time.monotonic()
    for name, way, ended, path in each(tmp_path, [f"error={error}" for error in errors], passed):
        error = way.removeprefix("error=")
        assert ended.code in (DONE, TOLD), f"{name} {way}: {ended.code}"
        if ended.code == TOLD:
            kind = ended.told.partition(":")[0]
            assert kind in ("CannotWrite", "Damaged"), f"{name} {way}: {ended.told}"
            assert str(path) in ended.told
            reason = REASONS[error] if kind == "CannotWrite" else os.strerror(getattr(errno, error))
            assert reason in ended.told, f"{name} {way}: {ended.told}"
            told[kind] += 1
        left = [item for item in path.rglob(".tmp-*") if not (name == "openat" and is_pruned(item))]
        assert not left or name.startswith(("unlink", "rmdir")), f"{name} {way} left a file"
        check(path)
        met[f"{name} {error}"] += 1
    print(f"{met.total()} failures in {time.monotonic() - began:.0f} s: {dict(met)}; told: {dict(told)}")
    assert told["CannotWrite"] >= met.total() // 3


@needs_strace
def test_a_full_disk_at_every_call_that_changes_it(tmp_path: Path) -> None:
    fail_everywhere(tmp_path, ERRORS[:1], "openat")


@needs_strace
@pytest.mark.parametrize("error", ["ENOSPC", "EROFS"])
def test_a_disk_that_fails_from_some_call_on(error: str, tmp_path: Path) -> None:
    template, told = stand(tmp_path / "template"), 0
    changing = ",".join(name for name in CALLS if name != "openat" and (error == "EROFS" or not name.startswith("un")))
    most = max(Counter(name for name, _ in points(tmp_path) if name != "openat").values())
    for number in range(1, most + 1):
        path = tmp_path / "run"
        shutil.copytree(template, path)
        ended = under_strace(lambda path=path: advance(path, 3), tmp_path, f"{changing}:error={error}:when={number}+")  # type: ignore[misc]
        assert ended.injected
        assert ended.code in (DONE, TOLD)
        if ended.code == TOLD:
            told += 1
            assert ended.told.startswith(f"CannotWrite: {path}")
            assert REASONS[error] in ended.told
        check(path)
        shutil.rmtree(path)
    assert told >= most - 3


@needs_strace
@pytest.mark.slow
def test_every_error_at_every_call_of_a_save(tmp_path: Path) -> None:
    fail_everywhere(tmp_path, ERRORS)
