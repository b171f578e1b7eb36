"""A user's .npz: round trips, a battery of wrong files, hostile archives, and random mutations."""

import io
import random
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from advnets.data import describe, load
from advnets.errors import AdvnetsError, BadInput, Damaged, TooBig, Unsupported

RNG = np.random.RandomState(0)
IMAGES = RNG.randint(0, 256, (23, 4, 5), dtype=np.uint8)
LABELS = np.arange(23) % 3


def saved(folder: Path, **arrays: Any) -> Path:
    path = folder / "mine.npz"
    np.savez_compressed(path, **arrays)
    return path


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=(1, 0))
    return buffer.getvalue()


def zipped(folder: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    path = folder / "mine.npz"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def header(text: str) -> bytes:
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode()


def claim(shape: str, descr: str = "'|u1'") -> bytes:
    return header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n")


def refused(path: Path, kind: type[AdvnetsError], says: str) -> None:
    with pytest.raises(kind, match=says) as caught:
        load(path)
    assert type(caught.value) is kind
    assert str(caught.value).startswith(str(path))
    assert ". " in str(caught.value)  # a second sentence says what to do


@pytest.mark.parametrize("channels", [None, 1, 3, 4])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_every_image_is_in_one_split_with_its_label(
    tmp_path: Path, channels: int | None, order: Any, save: Any
) -> None:
    images = RNG.randint(0, 256, (23, 4, 5) if channels is None else (23, 4, 5, channels), dtype=np.uint8)
    save(tmp_path / "mine.npz", images=np.asarray(images, order=order), labels=LABELS)
    data = load(tmp_path / "mine.npz")
    assert data.shape == (channels or 1, 4, 5)
    assert [len(split) for split in data.splits.values()] == [19, 2, 2]
    expected = images[:, None] if channels is None else images.transpose(0, 3, 1, 2)
    rows = {row.tobytes(): label for row, label in zip(expected, LABELS, strict=True)}
    for split in data.splits.values():
        assert split.labels is not None
        for value, label in zip(split.values.numpy(), split.labels.tolist(), strict=True):
            assert rows.pop(value.tobytes()) == label
    assert rows == {}


def test_name_source_classes_and_digest(tmp_path: Path) -> None:
    data = load(saved(tmp_path, images=IMAGES, labels=LABELS))
    assert (data.name, data.source, data.classes) == ("mine", str(tmp_path / "mine.npz"), 3)
    assert data.digest == load(str(tmp_path / "mine.npz")).digest
    assert describe(data)["splits"]["train"]["count"] == 19
    bare = load(saved(tmp_path, images=IMAGES))
    assert bare.classes is None
    assert bare.train.labels is None
    assert torch.equal(bare.train.values, data.train.values)


@pytest.mark.parametrize("dtype", ["u1", "i1", "<i2", ">i4", "<u8", ">i8"])
def test_labels_of_every_integer_type(tmp_path: Path, dtype: str) -> None:
    assert load(saved(tmp_path, images=IMAGES, labels=LABELS.astype(dtype))).classes == 3


def test_ten_images_are_enough(tmp_path: Path) -> None:
    assert [len(split) for split in load(saved(tmp_path, images=IMAGES[:10])).splits.values()] == [8, 1, 1]


@pytest.mark.parametrize(
    ("arrays", "kind", "says"),
    [
        ({"images": IMAGES / 255}, BadInput, r"float64, expected uint8.*astype\('uint8'\)"),
        ({"images": IMAGES.astype(np.int64)}, BadInput, "int64, expected uint8"),
        ({"images": IMAGES[0]}, BadInput, r"shape \(4, 5\)"),
        ({"images": np.zeros((23, 5, 5, 2), np.uint8)}, BadInput, "c in 1, 3, 4. Reshape"),
        ({"images": np.zeros((23, 3, 4, 5), np.uint8)}, BadInput, "transpose"),
        ({"images": IMAGES[:9]}, BadInput, "at least 10 images"),
        ({"images": IMAGES[:0]}, BadInput, "at least 10 images"),
        ({"images": np.zeros((23, 0, 5), np.uint8)}, BadInput, "at least one pixel"),
        ({"images": np.array(["a"] * 12)}, Unsupported, "objects, strings"),
        ({"images": np.array([None] * 12)}, Unsupported, "objects, strings"),
        ({"images": np.zeros(12, [("r", "u1"), ("g", "u1")])}, Unsupported, "records"),
        ({"images": np.zeros(12, "M8[s]")}, Unsupported, "dates"),
        ({"image": IMAGES}, BadInput, "unknown array 'image'. Did you mean 'images'"),
        ({"images": IMAGES, "Label": LABELS}, BadInput, "unknown array 'Label'. Did you mean 'labels'"),
        ({"images": IMAGES, "zzz": LABELS}, BadInput, "unknown array 'zzz'. Known: images, labels"),
        ({"labels": LABELS}, BadInput, "has no array `images`"),
        ({}, Damaged, "expected a zip archive"),
        ({"images": IMAGES, "labels": LABELS[:-1]}, BadInput, r"shape \(22,\), expected \(23,\)"),
        ({"images": IMAGES, "labels": LABELS[:, None]}, BadInput, r"shape \(23, 1\)"),
        ({"images": IMAGES, "labels": LABELS * 1.0}, BadInput, r"float64, expected integers.*astype\('int64'\)"),
        ({"images": IMAGES, "labels": LABELS - 1}, BadInput, "run from -1 to 1"),
        ({"images": IMAGES, "labels": LABELS + 10_000}, BadInput, "run from 10000"),
        ({"images": IMAGES, "labels": np.full(23, 2**64 - 1, np.uint64)}, BadInput, "run from 18446744073709551615"),
    ],
)
def test_wrong_arrays_are_refused(tmp_path: Path, arrays: dict[str, Any], kind: type[AdvnetsError], says: str) -> None:
    refused(saved(tmp_path, **arrays), kind, says)


@pytest.mark.parametrize(
    ("data", "kind", "says"),
    [
        (b"", Damaged, "expected a zip archive"),
        (b"GIF89a", Damaged, "expected a zip archive"),
        (npy(IMAGES), Unsupported, "single .npy array"),
        (b"PK\3\4" + bytes(100), Damaged, "archive is broken"),
    ],
)
def test_files_that_are_no_archives_are_refused(
    tmp_path: Path, data: bytes, kind: type[AdvnetsError], says: str
) -> None:
    path = tmp_path / "mine.npz"
    path.write_bytes(data)
    refused(path, kind, says)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.npz").mkdir()
    refused(tmp_path / "mine.npz", BadInput, "found a folder")


@pytest.mark.parametrize(
    ("entry", "kind", "says"),
    [
        (b"", Damaged, "ends inside its header"),
        (b"no header at all", Damaged, "expected a .npy header"),
        (b"\x93NUMPY\4\0" + npy(IMAGES)[8:], Damaged, "expected a .npy header"),
        (npy(IMAGES)[:40], Damaged, "ends inside its header"),
        (npy(IMAGES)[:-1], Damaged, "by its header"),
        (npy(IMAGES) + b"\0", Damaged, "by its header"),
        (b"\x93NUMPY\2\0" + struct.pack("<I", 2**31) + bytes(99), Damaged, "header of 2,147,483,648 bytes"),
        (claim("(100000, 1000, 1000)"), Damaged, "claims 100,000,000"),
        (claim(f"({10**18 - 1}, {10**18 - 1}, {10**18 - 1})"), Damaged, "by its header"),
        (claim(f"({10**30},)"), Damaged, "claims the shape"),
        (claim("(-1, 4, 5)"), Damaged, "not one of NumPy's"),
        (claim("(12, 4, 5)", "'u3'"), Damaged, "NumPy does not know"),
        (claim("(12, 4, 5)", "'O'"), Unsupported, "objects"),
        (header("{'shape': __import__('os').system('true')}"), Damaged, "not one of NumPy's"),
        (header("(" * 5000), Damaged, "not one of NumPy's"),
    ],
)
def test_lying_headers_are_refused_without_memory(
    tmp_path: Path, entry: bytes, kind: type[AdvnetsError], says: str
) -> None:
    path = zipped(tmp_path, {"images.npy": entry})
    tracemalloc.start()
    refused(path, kind, says)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 2**20


@pytest.mark.parametrize(
    "name",
    ["../images.npy", "a/../images.npy", "/images.npy", "..\\images.npy", "C:images.npy", "images.txt", "images"],
)
def test_hostile_names_are_refused(tmp_path: Path, name: str) -> None:
    refused(zipped(tmp_path, {name: npy(IMAGES)}), BadInput, "expected arrays such as images.npy only")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_arrays_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", npy(IMAGES))
        archive.writestr("images.npy", npy(IMAGES))
    refused(path, Damaged, "two arrays 'images'")


def test_a_ratio_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = saved(tmp_path, images=np.zeros((3000, 100, 100), np.uint8))
    tracemalloc.start()
    refused(path, TooBig, "over 200 times")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 2**20
    np.savez(path, images=np.zeros((3000, 30, 30), np.uint8))
    assert load(path).shape == (1, 30, 30)


def test_too_many_entries_and_too_many_bytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(zipped(tmp_path, {f"a{i}.npy": b"" for i in range(65)}), TooBig, "found 65 arrays or more, the limit is 64")
    monkeypatch.setattr("advnets.data.formats.npz_archive.MAX_BYTES", 100)
    refused(saved(tmp_path, images=IMAGES), TooBig, "the limit is 100")


def test_another_packing_and_a_password_are_refused(tmp_path: Path) -> None:
    refused(zipped(tmp_path, {"images.npy": npy(IMAGES)}, zipfile.ZIP_LZMA), Unsupported, "method 14")
    path = zipped(tmp_path, {"images.npy": npy(IMAGES)})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    refused(path, Unsupported, "encrypted")


def test_an_entry_quoted_inside_another_is_refused(tmp_path: Path) -> None:
    # CVE-2024-0450: the pixels hold a whole second entry, sums and all, and the directory points at it there.
    quoted = zipped(tmp_path, {"labels.npy": npy(LABELS)}).read_bytes()
    quoted = quoted[: quoted.index(b"PK\1\2")]
    pixels = np.frombuffer(quoted.ljust(23 * 400, b"\0"), np.uint8).reshape(23, 20, 20)
    path = zipped(tmp_path, {"images.npy": npy(pixels), "labels.npy": npy(LABELS)})
    assert load(path).classes == 3
    whole = path.read_bytes()
    later = whole.rindex(b"PK\1\2")
    path.write_bytes(whole[: later + 42] + struct.pack("<I", whole.index(quoted)) + whole[later + 46 :])
    refused(path, Damaged, "array 'images.npy' overlaps")


def test_one_entry_given_twice_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"images.npy": npy(IMAGES), "labels.npy": npy(LABELS)})
    whole = path.read_bytes()
    later = whole.rindex(b"PK\1\2")
    path.write_bytes(whole[: later + 42] + struct.pack("<I", 0) + whole[later + 46 :])
    refused(path, Damaged, "overlaps")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_bit_that_flips_in_the_pixels_is_noticed(tmp_path: Path, save: Any) -> None:
    path = tmp_path / "mine.npz"
    save(path, images=IMAGES)
    data = bytearray(path.read_bytes())
    data[300] ^= 4
    path.write_bytes(data)
    refused(path, Damaged, "broken|by its header")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_mutations_give_only_our_errors(tmp_path: Path, save: Any) -> None:
    rng = random.Random(2)
    path = tmp_path / "mine.npz"
    save(path, images=IMAGES[:10], labels=LABELS[:10])
    whole = path.read_bytes()
    refusals = unnamed = 0
    for _ in range(600):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.choice([0, 1, 127, 255, rng.randrange(256)])
        path.write_bytes(data[: rng.choice([len(data), len(data), rng.randrange(len(data))])])
        try:
            load(path)
        except AdvnetsError as error:
            refusals += str(path) in str(error)
            unnamed += str(path) not in str(error)
    assert unnamed == 0
    # The check is not vacuous: what may pass is a date, a version or a spare field of the archive.
    assert refusals > 300
