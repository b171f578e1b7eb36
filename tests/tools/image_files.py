"""Image files for tests: made, written into folders, broken on purpose, and the check that a folder is refused."""

import io
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from advnets import data
from advnets.data import Dataset, ImageOptions
from advnets.errors import AdvnetsError

RNG = np.random.RandomState(0)


def random(height: int = 6, width: int = 5, channels: int = 3) -> np.ndarray:
    return RNG.randint(0, 256, (height, width, channels), dtype=np.uint8).squeeze()


def encoded(pixels: np.ndarray | Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def put(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def photos(folder: Path, n: int = 12, **more: bytes) -> Path:
    return put(folder / "photos", {**{f"{i:03d}.png": encoded(random()) for i in range(n)}, **more})


def pixels(dataset: Dataset) -> torch.Tensor:
    return torch.cat([split.values for split in dataset.splits.values()])


def refused(path: Path, kind: type[AdvnetsError], *says: str, options: ImageOptions | None = None) -> None:
    began = time.process_time()
    with pytest.raises(AdvnetsError) as caught:
        data.load(path, options=options)
    assert time.process_time() - began < 5  # a second by the issue; this bound is for machines that are slow
    assert type(caught.value) is kind, caught.value
    assert str(path) in str(caught.value)
    for words in says:
        assert words in str(caught.value)


def expect_left_out(path: Path, name: str, *says: str) -> None:
    survey = data.load(path).survey
    assert survey is not None
    assert list(survey.unreadable) == [name]
    for words in says:
        assert words in survey.unreadable[name]


BAD = {
    "empty.png": b"",
    "text.jpg": b"not an image at all",
    "cut.png": encoded(random(64, 64))[:5000],
    "cut.jpg": encoded(random(64, 64), "JPEG")[:800],
    "cut.gif": encoded(random(64, 64), "GIF")[:900],
    "cut.bmp": encoded(random(64, 64), "BMP")[:900],
    "cut.webp": encoded(random(64, 64), "WEBP")[:500],
    "tiff.png": encoded(random(), "TIFF"),
    "sum.png": encoded(random(64, 64))[:700] + b"\0\0\0\0" + encoded(random(64, 64))[704:],
    "huge.png": encoded(Image.new("1", (13_000, 13_000))),
    "wide.png": encoded(Image.new("L", (6_000, 6_000))),
}
