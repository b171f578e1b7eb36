"""Mutated images and zips: our errors only, in bounded time and memory. 20,000 a format and 5,000 zips are slow."""

import functools
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from advnets import data
from advnets.data.images.decode_image import ImageShape, decode, read_header, strict_pillow
from advnets.data.images.image_options import ImageOptions
from advnets.errors import Damaged
from fuzzing import Mutator, assert_only_our_errors, fuzz, mutated, needs_fork

pytestmark = needs_fork
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "GIF": ("L", "P", "RGB"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "WEBP": ("L", "RGB", "RGBA"),
}
COUNT, ZIPS = 300, 60


def picture(mode: str, side: int = 24) -> Image.Image:
    pixels = np.random.RandomState(side).randint(0, 256, (side, side - 3, 4), np.uint8)
    if mode == "I;16":
        return Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    image = Image.fromarray(pixels, "RGBA")
    return image if mode == "RGBA" else image.convert("RGB").convert(mode)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@functools.cache
def seeds(kind: str) -> tuple[bytes, ...]:
    exif = Image.Exif()
    exif[0x0112] = 6
    made = [encoded(picture(mode), kind) for mode in MODES[kind]]
    if kind != "BMP":
        made.append(encoded(picture("RGB"), kind, icc_profile=bytes(300)))
        made.append(encoded(picture("RGB", 40), kind, exif=exif.tobytes()))
    if kind in ("GIF", "WEBP", "PNG"):
        made.append(encoded(picture("RGB"), kind, save_all=True, append_images=[picture("RGB"), picture("L")]))
    if kind == "JPEG":
        made += [encoded(picture("RGB", 64), kind, progressive=True), encoded(picture("L"), kind, quality=5)]
    if kind == "PNG":
        made.append(encoded(picture("P"), kind, transparency=3))
    return tuple(made)


def read(path: Path) -> None:
    content = path.read_bytes()
    with strict_pillow():
        read_header(io.BytesIO(content), str(path))
        for shape, options in (
            (ImageShape(8, 8, 3), ImageOptions()),
            (ImageShape(9, 7, 2), ImageOptions(fit="pad", alpha="keep")),
        ):
            decode(content, str(path), shape, options)


def chunks(content: bytes, rng: random.Random) -> bytes:
    """A PNG whose chunks are mutated, left out, doubled or resized, with sums that are right."""
    at, parts = 8, []
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        parts.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    place = rng.randrange(len(parts)) if parts else 0
    for _ in range(rng.choice((1, 1, 2)) if parts else 0):
        kind, body = parts[place]
        action = rng.randrange(6)
        if action == 0:
            body = mutated(body, rng)
        elif action == 1 and kind == b"IHDR":
            side = rng.choice((0, 1, 13_000, 60_000, 2**31 - 1, 2**31))
            body = struct.pack(">II", side, rng.choice((side, 24))) + body[8:]
        elif action == 2:
            body = b""
        elif action == 3 and kind == b"IDAT":
            body = zlib.compress(rng.randbytes(rng.randrange(3000)))
        elif action == 4:
            kind = rng.choice((b"tRNS", b"PLTE", b"iCCP", b"zTXt", b"eXIf", b"acTL", b"fcTL", b"fdAT", b"IEND"))
        parts[place] = (kind, body)
        if action == 5:
            parts.insert(place, (rng.choice((b"zTXt", b"iCCP")), b"a\0\0" + zlib.compress(bytes(2**20))))
    packed = [struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in parts]
    return content[:8] + b"".join(packed)


def entries(content: bytes, rng: random.Random) -> bytes:
    """A zip with a field of one of its records replaced."""
    signature = rng.choice((b"PK\1\2", b"PK\3\4", b"PK\5\6"))
    places = [at for at in range(len(content)) if content.startswith(signature, at)]
    if not places:
        return content
    at = rng.choice(places) + rng.randrange(4, 46)
    value = rng.choice((0, 1, 0xFF, 0xFFFF, 2**32 - 1, rng.getrandbits(16), len(content)))
    return content[:at] + struct.pack("<I", value)[: rng.choice((2, 4))] + content[at + 4 :]


def pixels_of_zip(content: bytes, rng: random.Random) -> bytes:
    """A good zip whose pictures are mutated, so that the archive passes and they are looked at."""
    return zip_of([mutated(picture, rng) if rng.random() < 0.3 else picture for picture in seeds("PNG")[:12]])


@functools.cache
def zips() -> tuple[bytes, ...]:
    some = [*seeds("PNG"), *seeds("JPEG")]
    return (zip_of(some), zip_of(some, zipfile.ZIP_DEFLATED), zip_of(some, top="photos/"))


def zip_of(pictures: list[bytes], method: int = zipfile.ZIP_STORED, top: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for number, picture in enumerate(pictures * 2):
            archive.writestr(f"{top}{'ab'[number % 2]}/{number}.png", picture)
    return buffer.getvalue()


def check(load: Callable[[Path], object], made: tuple[bytes, ...], n: int, **more: object) -> None:
    assert_only_our_errors(fuzz(load, made, n, **more))  # type: ignore[arg-type]


def mutators(kind: str) -> list[Mutator]:
    return [chunks] if kind == "PNG" else []


@pytest.mark.parametrize("kind", FORMATS)
def test_mutated_images(tmp_path: Path, kind: str) -> None:
    check(read, seeds(kind), COUNT, folder=tmp_path, name=f"case.{kind.lower()}", mutators=mutators(kind))


def test_mutated_zips(tmp_path: Path) -> None:
    check(data.load, zips(), ZIPS, folder=tmp_path, name="case.zip", mutators=[entries, pixels_of_zip])


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORMATS)
def test_twenty_thousand_mutated_images(tmp_path: Path, kind: str) -> None:
    check(read, seeds(kind), 20_000, folder=tmp_path, name=f"case.{kind.lower()}", mutators=mutators(kind), seed=1)


@pytest.mark.slow
def test_five_thousand_mutated_zips(tmp_path: Path) -> None:
    check(data.load, zips(), 5_000, folder=tmp_path, name="case.zip", mutators=[entries, pixels_of_zip], seed=1)


def test_a_palette_image_without_its_palette_is_damaged(tmp_path: Path) -> None:
    """Pillow asserts that it is there; found at case 4,884 of 20,000."""
    whole = encoded(picture("P"), "PNG")
    start = whole.index(b"PLTE") - 4
    length = int.from_bytes(whole[start : start + 4], "big")
    path = tmp_path / "case.png"
    path.write_bytes(whole[:start] + whole[start + 12 + length :])
    with pytest.raises(Damaged, match=r"case\.png: the image is broken"):
        read(path)
