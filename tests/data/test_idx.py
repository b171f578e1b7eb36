"""The idx reader: round trips, a battery of wrong files, and random mutations."""

import gzip
import random
import tracemalloc
from pathlib import Path

import pytest
import torch

from advnets.data.formats.idx import MAX_BYTES, read_images, read_labels, read_pair
from advnets.errors import AdvnetsError, BadInput, Damaged, Missing, TooBig, Unsupported


def header(*dims: int, code: int = 0x08) -> bytes:
    return bytes([0, 0, code, len(dims)]) + b"".join(dim.to_bytes(4, "big") for dim in dims)


PIXELS = bytes(random.Random(0).randbytes(5 * 3 * 4))
IMAGES = header(5, 3, 4) + PIXELS
LABELS = header(5) + bytes([0, 9, 4, 4, 1])


def written(folder: Path, data: bytes, *, packed: bool = False) -> Path:
    path = folder / ("some-idx.gz" if packed else "some-idx")
    path.write_bytes(gzip.compress(data) if packed else data)
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_what_was_written_is_read(tmp_path: Path, packed: bool) -> None:
    images = read_images(written(tmp_path, IMAGES, packed=packed))
    assert images.dtype == torch.uint8
    assert images.shape == (5, 1, 3, 4)
    assert bytes(images.flatten().tolist()) == PIXELS
    labels = read_labels(written(tmp_path, LABELS, packed=packed), 10)
    assert labels.dtype == torch.int64
    assert labels.tolist() == [0, 9, 4, 4, 1]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("data", "kind", "says"),
    [
        (b"", Damaged, "ends inside its header"),
        (IMAGES[:3], Damaged, "ends inside its header"),
        (IMAGES[:10], Damaged, "ends inside its header"),
        (b"<html>not found</html>", Damaged, "two zero bytes"),
        (b"\1" + IMAGES[1:], Damaged, "two zero bytes"),
        (header(5, 3, 4, code=0x07) + PIXELS, Damaged, "type code 0x07"),
        (header(5, 3, 4, code=0x0D) + PIXELS, Unsupported, "float32 values"),
        (header(5, 3, 4, code=0x0E) + PIXELS, Unsupported, "float64 values"),
        (LABELS, BadInput, "found labels.*exchanged"),
        (header(5, 12) + PIXELS, BadInput, "found 2 dimensions"),
        (header(*[1] * 255), BadInput, "found 255 dimensions"),
        (header(0, 3, 4), BadInput, "no values"),
        (header(5, 0, 4), BadInput, "no values"),
        (IMAGES[:-1], Damaged, "declares 60 bytes"),
        (header(5, 3, 4), Damaged, "declares 60 bytes"),
        (IMAGES + b"\0", Damaged, "found more"),
        (header(2**32 - 1, 2**32 - 1, 2**32 - 1) + PIXELS, TooBig, "limit is 1,073,741,824"),
        (header(2**31, 2**31, 4) + PIXELS, TooBig, "limit is"),
        (header(1, 2**15, 2**15) + PIXELS, Damaged, "can hold"),
    ],
)
def test_wrong_images_are_refused(
    tmp_path: Path, data: bytes, kind: type[AdvnetsError], says: str, packed: bool
) -> None:
    path = written(tmp_path, data, packed=packed)
    with pytest.raises(kind, match=says) as caught:
        read_images(path)
    assert type(caught.value) is kind
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).count(". ") >= 1  # a second sentence says what to do


def test_images_given_as_labels_and_labels_out_of_range(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"found images .* expected labels"):
        read_labels(written(tmp_path, IMAGES), 10)
    with pytest.raises(Damaged, match=r"some-idx: found label 10 at 2, expected 0\.\.9"):
        read_labels(written(tmp_path, header(3) + bytes([1, 9, 10])), 10)


def test_counts_at_odds_name_both_files(tmp_path: Path) -> None:
    images, labels = tmp_path / "images", tmp_path / "labels"
    images.write_bytes(IMAGES)
    labels.write_bytes(header(4) + bytes(4))
    with pytest.raises(BadInput, match=r"labels: found 4 labels, expected 5.*images"):
        read_pair(images, labels, 10)
    labels.write_bytes(LABELS)
    values, classes = read_pair(images, labels, 10)
    assert len(values) == len(classes) == 5


@pytest.mark.parametrize("cut", [1, 5, 9, 20, 40])
def test_a_gzip_stream_cut_short_is_damaged(tmp_path: Path, cut: int) -> None:
    path = written(tmp_path, IMAGES, packed=True)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(Damaged, match=r"broken|declares"):
        read_images(path)


def test_a_wrong_checksum_and_bytes_after_the_stream_are_damaged(tmp_path: Path) -> None:
    path = written(tmp_path, IMAGES, packed=True)
    whole = bytearray(path.read_bytes())
    path.write_bytes(whole + b"more")
    with pytest.raises(Damaged, match="gzip stream is broken"):
        read_images(path)
    whole[-6] ^= 1
    path.write_bytes(whole)
    with pytest.raises(Damaged, match="CRC"):
        read_images(path)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    small_claim = written(tmp_path, header(1, 1, 1) + bytes(50_000_000), packed=True)
    tracemalloc.start()
    with pytest.raises(Damaged, match="found more"):
        read_images(small_claim)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 2**20


def test_a_claim_that_the_file_cannot_hold_allocates_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, header(MAX_BYTES // 4, 2, 2) + PIXELS, packed=True)
    tracemalloc.start()
    with pytest.raises(Damaged, match="can hold"):
        read_images(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 2**20


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="no such file"):
        read_images(tmp_path / "none")
    with pytest.raises(BadInput, match="found a folder"):
        read_images(tmp_path)


@pytest.mark.parametrize("packed", [False, True])
def test_mutations_give_only_our_errors(tmp_path: Path, packed: bool) -> None:
    rng = random.Random(1)
    path = written(tmp_path, IMAGES, packed=packed)
    whole = path.read_bytes()
    refused = unnamed = 0
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(min(len(data), rng.choice([24, len(data)])))] = rng.choice(
                [0, 1, 127, 255, rng.randrange(256)]
            )
        path.write_bytes(data[: rng.choice([len(data), rng.randrange(len(data))])])
        try:
            read_images(path)
        except AdvnetsError as error:
            refused += str(path) in str(error)
            unnamed += str(path) not in str(error)
    assert unnamed == 0
    # The check is not vacuous: changed pixels of a plain file are the only thing that may pass.
    assert refused > 250
