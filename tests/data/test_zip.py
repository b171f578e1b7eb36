"""Zips of images: the same data as the folder, nothing extracted, and archives that are refused."""

import struct
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from advnets import data
from advnets.errors import AdvnetsError, BadInput, Damaged, TooBig, Unsupported
from image_files import BAD, encoded, expect_left_out, photos, pixels, put, random, refused

FILES = {f"{'ab'[i % 2]}/{i:02d}.png": encoded(random()) for i in range(20)}


def zipped(path: Path, files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def changed(path: Path, signature: bytes, offset: int, value: bytes, last: bool = False) -> Path:
    """The archive with some bytes of a record replaced."""
    whole = bytearray(path.read_bytes())
    at = (whole.rindex if last else whole.index)(signature) + offset
    whole[at : at + len(value)] = value
    path.write_bytes(whole)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("top", ["", "photos/"])
def test_a_zip_holds_the_same_data_as_the_folder(tmp_path: Path, method: int, top: str) -> None:
    files = {top + name: content for name, content in FILES.items()}
    clutter = {"__MACOSX/._a.png": b"x", f"{top}.DS_Store": b"x"}
    before = data.load(put(tmp_path / "folder", FILES))
    path = zipped(tmp_path / "set.zip", files | clutter, method)
    dataset = data.load(path)
    assert dataset.digest == before.digest
    assert dataset.survey.class_names == ["a", "b"]
    assert sorted(item.name for item in tmp_path.iterdir()) == ["folder", "set.zip"]
    assert torch.equal(pixels(data.load(str(path))), pixels(before))


def test_a_bad_image_in_a_zip_expect_left_out_by_name(tmp_path: Path) -> None:
    files = {f"{i}.png": encoded(random()) for i in range(110)} | {"huge.png": BAD["huge.png"]}
    dataset = data.load(zipped(tmp_path / "set.zip", files))
    assert list(dataset.survey.unreadable) == ["huge.png"]
    assert "set.zip: huge.png" in dataset.survey.unreadable["huge.png"]


def test_a_sum_that_does_not_match_is_a_broken_image(tmp_path: Path) -> None:
    path = zipped(tmp_path / "set.zip", FILES)
    whole = bytearray(path.read_bytes())
    whole[whole.index(b"IDAT") + 8] ^= 1
    path.write_bytes(whole)
    expect_left_out(path, "a/00.png", "Bad CRC-32")


@pytest.mark.parametrize(
    "name",
    ["../a.png", "a/../../b.png", "/a.png", "C:a.png", "C:\\a.png", "x" * 2000 + ".png", "..", "a/..",
     "..\\a.png", "a\\..\\..\\b.png", "\\a.png", "\\\\host\\a.png", "a/..\\..\\b.png"],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    refused(zipped(tmp_path / "set.zip", FILES | {name: b""}), BadInput, "expected names inside the archive only")


@pytest.mark.parametrize("form", ["shots/2024-05-01 12:30:{}.png", "photos\\{}.png", "a: b/{}.png"])
def test_names_with_colons_or_backslashes_are_read_as_the_folder_is(tmp_path: Path, form: str) -> None:
    files = {form.format(name.replace("/", "\\" if "\\" in form else "/")): one for name, one in FILES.items()}
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, "photos\\": b""}.items():
            info = zipfile.ZipInfo("x")
            info.filename = name
            archive.writestr(info, content)
    folder = put(tmp_path / "set", {name.replace("\\", "/"): content for name, content in files.items()})
    from_zip, from_folder = data.load(path), data.load(folder)
    assert from_zip.digest == from_folder.digest
    assert from_zip.survey == from_folder.survey


def test_two_files_that_are_one_with_slashes_are_refused(tmp_path: Path) -> None:
    refused(zipped(tmp_path / "set.zip", FILES | {"a\\00.png": b""}), Damaged, "has two files 'a/00.png'")


def test_a_nul_in_a_name_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "set.zip", FILES | {"zz.png#.txt": encoded(random())})
    path.write_bytes(path.read_bytes().replace(b"zz.png#", b"zz.png\0"))
    refused(path, BadInput, "expected names inside")


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o010666])
def test_links_devices_and_pipes_are_refused(tmp_path: Path, mode: int) -> None:
    info = zipfile.ZipInfo("link.png")
    info.external_attr = mode << 16
    path = zipped(tmp_path / "set.zip", FILES)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, "/etc/passwd")
    refused(path, BadInput, "is a link or a device")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "set.zip", FILES)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("a/00.png", FILES["a/00.png"])
    refused(path, Damaged, "has two files 'a/00.png'")


def test_entries_that_overlap_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "set.zip", FILES)
    refused(changed(path, b"PK\1\2", 42, struct.pack("<I", 0), last=True), Damaged, "overlaps")
    path = zipped(tmp_path / "set.zip", FILES)
    whole = path.read_bytes()
    second = whole.index(b"PK\3\4", 4)
    refused(changed(path, b"PK\1\2", 20, struct.pack("<I", second)), Damaged, "overlaps what follows")


def test_bombs_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    path = zipped(tmp_path / "set.zip", FILES | {"bomb.png": bytes(30 * 2**20)}, zipfile.ZIP_DEFLATED)
    refused(path, TooBig, "over 200 times")


def test_sizes_that_lie_are_broken_images(tmp_path: Path) -> None:
    for size, says in ((10, "Bad CRC-32"), (10_000, "expected 10,000")):
        path = zipped(tmp_path / "set.zip", FILES, zipfile.ZIP_DEFLATED)
        expect_left_out(changed(path, b"PK\1\2", 24, struct.pack("<I", size)), "a/00.png", says)


def test_other_packings_and_passwords_are_refused(tmp_path: Path) -> None:
    refused(zipped(tmp_path / "set.zip", FILES, zipfile.ZIP_LZMA), Unsupported, "packed by method 14")
    path = zipped(tmp_path / "set.zip", FILES)
    refused(changed(path, b"PK\1\2", 8, b"\1"), Unsupported, "is encrypted")


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\5\6" + bytes(18), b"PK\3\4" + bytes(200), encoded(random())])
def test_what_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "set.zip"
    path.write_bytes(content)
    with pytest.raises(AdvnetsError, match=r"set\.zip"):
        data.load(path)


def test_a_million_entries_are_refused_unlisted(tmp_path: Path) -> None:
    entry = b"PK\1\2" + bytes(42)
    path = tmp_path / "set.zip"
    for count, size in ((65535, len(entry) * 10**6), (3, len(entry) * 10**7)):
        end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, count, count, size, 0, 0)
        longer = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 10**6, 10**6, size, 0)
        locator = b"PK\6\7" + struct.pack("<IQI", 0, len(entry) * 10**6, 1)
        path.write_bytes(entry * 10**6 + longer + locator + end)
        began = time.process_time()
        refused(path, TooBig, "the limit is 250,000")
        assert time.process_time() - began < 2


def test_every_truncation_of_a_zip_is_refused(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "set.zip", FILES).read_bytes()
    for length in range(0, len(whole), 53):
        (tmp_path / "set.zip").write_bytes(whole[:length])
        with pytest.raises(AdvnetsError, match=r"set\.zip"):
            data.load(tmp_path / "set.zip")


def test_a_zip_of_nothing_to_see_is_refused(tmp_path: Path) -> None:
    refused(zipped(tmp_path / "set.zip", {}), BadInput, "nothing at all")
    refused(zipped(tmp_path / "set.zip", {"a.txt": b""}), Unsupported, "1 .txt")
    refused(zipped(tmp_path / "set.zip", {"a.png": encoded(random())}), BadInput, "found 1 images")
    assert photos(tmp_path).is_dir()
