"""Archives read in place: as Python's tarfile writes them, and as no one should."""

import gzip
import io
import tarfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from advnets.data.formats import tarball
from advnets.data.formats.tarball import read_members
from advnets.errors import AdvnetsError, BadInput, Damaged, Missing, TooBig, Unsupported
from fuzzing import assert_only_our_errors, fuzz, needs_fork, within

FILES = {"a/one": b"1" * 1000, "a/two": bytes(512), "a/three": b""}
WANTED = dict.fromkeys(FILES, 2000)


def member(name: str, data: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def packed(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.USTAR_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=form) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def good(form: int = tarfile.USTAR_FORMAT) -> bytes:
    folder = member("a", type=tarfile.DIRTYPE)
    files = [member(name, data, mtime=1.5) for name, data in FILES.items()]
    return packed(
        folder, member("a/readme" + "x" * (0 if form == tarfile.USTAR_FORMAT else 150), b"read me"), *files, form=form
    )


def read(folder: Path, data: bytes) -> dict[str, bytes]:
    (folder / "it.tar.gz").write_bytes(data)
    return dict(read_members(folder / "it.tar.gz", WANTED))


def refused(folder: Path, data: bytes, kind: type[AdvnetsError], says: str) -> None:
    with pytest.raises(kind, match=says) as caught:
        read(folder, data)
    assert type(caught.value) is kind
    assert str(caught.value).startswith(str(folder / "it.tar.gz"))


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_archives_of_each_format_are_read(tmp_path: Path, form: int) -> None:
    assert read(tmp_path, good(form)) == FILES


def test_names_that_start_with_a_dot_and_prefixes(tmp_path: Path) -> None:
    assert read(tmp_path, packed(member("./a/one", b"x"))) == {"a/one": b"x"}


@pytest.mark.parametrize(
    ("name", "fields", "kind", "says"),
    [
        ("../a/one", {}, BadInput, "leads outside"),
        ("a/../../one", {}, BadInput, "leads outside"),
        ("a\\one", {}, BadInput, "leads outside"),
        ("C:one", {}, BadInput, "leads outside"),
        ("a/one", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, Unsupported, "a link, a device"),
        ("a/one", {"type": tarfile.LNKTYPE, "linkname": "a/two"}, Unsupported, "a link, a device"),
        ("a/one", {"type": tarfile.CHRTYPE}, Unsupported, "a link, a device"),
        ("a/one", {"type": tarfile.BLKTYPE}, Unsupported, "a link, a device"),
        ("a/one", {"type": tarfile.FIFOTYPE}, Unsupported, "a link, a device"),
        ("a/one", {"type": b"S"}, Unsupported, "a link, a device"),
    ],
)
def test_hostile_members_are_refused(
    tmp_path: Path, name: str, fields: dict[str, Any], kind: type[AdvnetsError], says: str
) -> None:
    refused(tmp_path, packed(member(name, **fields)), kind, says)
    assert [path.name for path in tmp_path.iterdir()] == ["it.tar.gz"]


def changed(data: bytes, at: int, value: bytes) -> bytes:
    """An archive with other bytes in its first header, and the sum that belongs to them."""
    raw = bytearray(gzip.decompress(data))
    raw[at : at + len(value)] = value
    raw[148:156] = b"%06o\0 " % (sum(raw[:148]) + 256 + sum(raw[156:512]))
    return gzip.compress(raw, mtime=0)


def test_an_absolute_name_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, changed(packed(member("a/one", b"x")), 0, b"/"), BadInput, "leads outside")


@pytest.mark.parametrize("size", [b"-1", b"+1", b"1_0", b"0o1", b"- 1", b"8"])
@pytest.mark.parametrize("name", ["a/one", "unwanted"])
def test_a_size_that_is_no_octal_number_is_refused(tmp_path: Path, name: str, size: bytes) -> None:
    data = changed(packed(member(name, b"x")), 124, size.ljust(12, b"\0"))
    refused(tmp_path, data, Damaged, "for a number")


@pytest.mark.parametrize(
    ("data", "kind", "says"),
    [
        (b"", Damaged, "ends before its end mark"),
        (b"no archive", Damaged, "not gzip's"),
        (good()[:-30], Damaged, "too few"),
        (gzip.compress(gzip.decompress(good())[:1500], mtime=0), Damaged, "ends before its end mark"),
        (gzip.compress(b"x" * 1024, mtime=0), Damaged, "for a number"),
        (gzip.compress(b"1" * 1024, mtime=0), Damaged, "another checksum"),
        (packed(member("a/one", b"x"), member("a/one", b"y")), Damaged, "twice"),
        (packed(member("a/one", bytes(2001))), TooBig, "2,001 bytes, expected at most 2,000"),
        (packed(*[member(f"b/{i}") for i in range(1001)]), TooBig, "more than 1,000 members"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,  # bytes hold the time of their making
)
def test_broken_archives_are_refused(tmp_path: Path, data: bytes, kind: type[AdvnetsError], says: str) -> None:
    refused(tmp_path, data, kind, says)


def test_a_missing_archive_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"it\.tar\.gz: cannot be read"):
        list(read_members(tmp_path / "it.tar.gz", WANTED))


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tarball, "MAX_UNPACKED", 8 * 2**20)
    data = packed(member("b", bytes(16 * 2**20)))
    tracemalloc.start()
    refused(tmp_path, data, TooBig, "unpacks to more than 8,388,608 bytes")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * 2**20


@needs_fork
@pytest.mark.parametrize("n", [pytest.param(300, id="some"), pytest.param(5_000, id="all", marks=pytest.mark.slow)])
def test_any_bytes_give_only_our_errors(tmp_path: Path, n: int) -> None:
    seeds = [good(), good(tarfile.GNU_FORMAT), good(tarfile.PAX_FORMAT)]
    told = fuzz(
        lambda path: dict(read_members(path, WANTED)), seeds, n, folder=tmp_path, name="it.tar.gz",
        mutators=[within(gzip.decompress, gzip.compress)],
    )  # fmt: skip
    assert_only_our_errors(told, refused=0.4)
