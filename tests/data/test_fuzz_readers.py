"""idx and npz files of any bytes: our errors, no signal, bounded time and memory; full counts in the slow suite."""

import gzip
import io
import random
import re
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from advnets.data.formats.idx import read_images, read_pair
from advnets.data.formats.npz import load_npz
from fuzzing import Mutator, assert_only_our_errors, fuzz, mutated, needs_fork, within

pytestmark = needs_fork
COUNTS = [pytest.param(500, id="some"), pytest.param(5_000, id="all", marks=pytest.mark.slow)]
RNG = np.random.RandomState(0)
PIXELS = RNG.randint(0, 256, (12, 6, 5), dtype=np.uint8)


def idx(*dims: int, code: int = 0x08, values: bytes = b"") -> bytes:
    return bytes([0, 0, code, len(dims)]) + b"".join(struct.pack(">I", dim) for dim in dims) + values


IMAGES = idx(12, 6, 5, values=PIXELS.tobytes())
LABELS = idx(12, values=bytes(range(10)) + b"\0\1")
IDX_SEEDS = [
    IMAGES,
    LABELS,
    gzip.compress(IMAGES),
    gzip.compress(LABELS),
    idx(1, 1, 1, values=b"\7"),
    idx(3, 2, 2, code=0x0D, values=bytes(48)),
    gzip.compress(IMAGES[:200]) + gzip.compress(IMAGES[200:]),
    gzip.compress(idx(2**14, 2**8, 2**8, values=bytes(2**16))),
]


def idx_header(data: bytes, rng: random.Random) -> bytes:
    """A header that lies: dims whose product overflows 64 bits, another type, another number of dimensions."""
    dims = [rng.choice((0, 1, 2, 12, 2**16, 2**31 - 1, 2**31, 2**32 - 1, rng.getrandbits(32))) for _ in range(3)]
    dims = dims * rng.choice((1, 1, 1, 2, 85))
    code = rng.choice((0x08, 0x08, 0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E, 0xFF))
    return idx(*dims[: rng.choice((1, 3, 3, 3, 255))], code=code, values=data[16:])


def gzip_bomb(data: bytes, rng: random.Random) -> bytes:
    """A stream that unpacks to a thousand times its bytes, under a header that claims more, less or just that."""
    size = rng.choice((2**20, 2**23))
    claimed = rng.choice((size, 16, 2**30, 2**30 + 1))
    return gzip.compress(idx(claimed, 1, 1, values=bytes(size)), compresslevel=9)


IDX_MUTATORS: list[Mutator] = [idx_header, within(gzip.decompress, gzip.compress), gzip_bomb]


@pytest.mark.parametrize("n", COUNTS)
def test_any_bytes_as_images(n: int, tmp_path: Path) -> None:
    assert_only_our_errors(fuzz(read_images, IDX_SEEDS, n, folder=tmp_path, name="case-idx", mutators=IDX_MUTATORS))


@pytest.mark.parametrize("n", COUNTS)
def test_any_bytes_as_labels_of_twelve_images(n: int, tmp_path: Path) -> None:
    images = tmp_path / "images-idx"
    images.write_bytes(IMAGES)
    told = fuzz(
        lambda path: read_pair(images, path, 10),
        [LABELS, *IDX_SEEDS],
        n,
        folder=tmp_path,
        name="case-idx",
        mutators=IDX_MUTATORS,
        seed=1,
    )
    assert_only_our_errors(told)
    assert told.outcomes["BadInput"], "no case had another number of labels than images"


def npz(method: int = zipfile.ZIP_STORED, **arrays: np.ndarray) -> bytes:
    entries = {}
    for name, array in arrays.items():
        stream = io.BytesIO()
        np.lib.format.write_array(stream, array, allow_pickle=True)
        entries[f"{name}.npy"] = stream.getvalue()
    return zipped(entries, method)


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", method) as archive:
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, data in entries.items():
            archive.writestr(name, data)
    return stream.getvalue()


def unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


Y = np.arange(12) % 4
NPZ_SEEDS = [
    npz(images=PIXELS),
    npz(images=PIXELS, labels=Y),
    npz(zipfile.ZIP_DEFLATED, images=np.stack([PIXELS] * 3, -1), labels=Y.astype(np.uint8)),
    npz(zipfile.ZIP_DEFLATED, images=np.asfortranarray(PIXELS), labels=Y.astype(">i4")),
    npz(images=PIXELS, labels=np.array([{"a": 1}] * 12, dtype=object)),
    npz(zipfile.ZIP_LZMA, images=PIXELS),
]


def members(data: bytes, rng: random.Random) -> bytes:
    """The archive written anew, sums and all, around an array whose bytes are mutated."""
    entries = unzipped(data)
    name = rng.choice(list(entries))
    entries[name] = rng.choice((mutated(entries[name], rng), npy_header(entries[name], rng)))
    return zipped(entries, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


SHAPES = (b"(12, 6, 5)", b"(12,)", b"()", b"(-1, 6, 5)", b"(4294967296, 4294967296)", b"(0, 6, 5)", b"(12, 6, 5, 3)",
          b"(1e9,)", b"(12, 6, 5", b"(True, 2)", b"(999999999999999999999, 1)", b"(1,) * 99")  # fmt: skip
TYPES = (b"'|u1'", b"'<i8'", b"'|O'", b"'<f8'", b"'|S9'", b"'<U3'", b"'<M8[s]'", b"[('a', '|u1')]", b"'|V16'",
         b"'<f99'", b"'|b1'", b"'<c16'", b"'>u8'", b"__import__('os')")  # fmt: skip


def npy_header(data: bytes, rng: random.Random) -> bytes:
    """Another shape, dtype, version or header length."""
    text = data[10:].split(b"\n")[0] + b"\n"
    changed = re.sub(rb"'shape': \([^)]*\)", b"'shape': " + rng.choice(SHAPES), text)
    if rng.random() < 0.5:
        changed = re.sub(rb"'descr': ('[^']*')", b"'descr': " + rng.choice(TYPES), changed)
    length = rng.choice((len(changed), len(changed), 0, 0xFFFF, 9_999))
    version = rng.choice((b"\1\0", b"\1\0", b"\2\0", b"\3\0", b"\4\0", b"\0\0"))
    width = "<H" if version[0] < 2 else "<I"
    return b"\x93NUMPY" + version + struct.pack(width, length) + changed + data[10 + len(text) :]


def directory(data: bytes, rng: random.Random) -> bytes:
    """A field of the archive's directory or of its end, made extreme: sizes, offsets, counts, method, flags."""
    changed = bytearray(data)
    ends, entry = data.rfind(b"PK\5\6"), data.rfind(b"PK\1\2")
    field, width = rng.choice((
        (entry + 8, 2), (entry + 10, 2), (entry + 16, 4), (entry + 20, 4), (entry + 24, 4), (entry + 28, 2),
        (entry + 30, 2), (entry + 42, 4), (ends + 8, 2), (ends + 10, 2), (ends + 12, 4), (ends + 16, 4), (ends + 20, 2),
    ))  # fmt: skip
    value = rng.choice((0, 1, 2**31, 2**32 - 1, len(data), rng.getrandbits(32))) & (1 << 8 * width) - 1
    changed[field : field + width] = value.to_bytes(width, "little")
    return bytes(changed)


def names(data: bytes, rng: random.Random) -> bytes:
    """Entries of other names: twice the same, climbing, absolute, very long, none, very many."""
    body = unzipped(data)["images.npy"]
    odd = rng.choice(("../images.npy", "/images.npy", "C:images.npy", "a\\images.npy", "i" * 60_000, "x/images.npy",
                      "images", ".npy", "Images.npy", "images.npy\0.txt"))  # fmt: skip
    entries = {odd: body, "images.npy": body} | {f"{n}.npy": b"" for n in range(rng.choice((0, 0, 100)))}
    return zipped(entries)


def bomb(data: bytes, rng: random.Random) -> bytes:
    """Zeros, packed a thousand to one, with a header that is honest or not."""
    side = rng.choice((2**10, 2**12))
    head = npy_header(np_bytes(np.zeros((12, 2, 2), np.uint8)), rng)
    honest = np_bytes(np.zeros((16, side, side // 4), np.uint8))
    return zipped({"images.npy": rng.choice((head + bytes(2**22), honest))}, zipfile.ZIP_DEFLATED)


def np_bytes(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


NPZ_MUTATORS: list[Mutator] = [members, members, directory, directory, names, bomb]


@pytest.mark.parametrize("n", COUNTS)
def test_any_bytes_as_npz(n: int, tmp_path: Path) -> None:
    told = fuzz(load_npz, NPZ_SEEDS, n, folder=tmp_path, name="case.npz", mutators=NPZ_MUTATORS)
    assert_only_our_errors(told)
    assert {"Damaged", "BadInput", "Unsupported", "TooBig"} <= set(told.outcomes)
