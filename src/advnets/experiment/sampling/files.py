"""Files of samples that are written while they are drawn, a block in memory at a time."""

import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from advnets import runs
from advnets.disk import Folder
from advnets.errors import Unsupported
from advnets.figures import encode_pngs

FILES = (".png", ".webp", ".npz", ".zip")
"""Endings of samples in one file; another name is that of a folder."""
PLACES = "FILE.png, FILE.webp, FILE.npz, FILE.zip or FOLDER/"
OF_POINTS = (".png", ".npz")
"""Endings of files that hold points."""
LEVEL = 1
"""Level of deflate in FILE.npz; a higher one takes longer than to draw the samples."""

Values = NDArray[Any]
"""A block: images, uint8 (b, h, w, c), or points, float32 (b, d)."""


def expect_place_for_samples(path: str | Path, *, points: bool = False, overwrite: bool = False) -> None:
    """Expect a place where samples can be written, before they are drawn.

    Args:
        path: FILE.png, FILE.webp, FILE.npz, FILE.zip or FOLDER/.
        points: Whether the samples are points and not images.
        overwrite: Whether a file may be there; a folder that is not empty never may.

    Raises:
        BadInput: If the place is taken.
        Unsupported: For another ending, and for points as pictures one by one.
        CannotWrite: If nothing can be written there.
    """
    text, path = str(path), Path(path)
    ending = path.suffix.lower()
    if path.suffix and ending not in FILES and not text.endswith("/"):
        raise Unsupported(f"samples cannot be written as {path.name!r}; expected {PLACES}")
    if points and ending not in OF_POINTS:
        raise Unsupported("points are not pictures to be written one by one; use FILE.npz or FILE.png")
    if ending in FILES:
        runs.expect_new(path, overwrite=overwrite)
    else:
        runs.expect_new_folder(path, "")


def is_streamed(path: str | Path) -> bool:
    """Return whether samples are written at this place while they are drawn; a picture of all holds all at once.

    Args:
        path: The place, as `Samples.save` takes it.

    Returns:
        False for a .png and a .webp; True for all else.
    """
    return Path(path).suffix.lower() not in (".png", ".webp")


def write_blocks(path: Path, blocks: Iterable[Values], shape: tuple[int, ...], *, overwrite: bool = False) -> Path:
    """Write samples as FILE.zip (a PNG each), FILE.npz or FOLDER/ (a PNG each), a block at a time.

    A second thread encodes and writes a block while the next one is drawn, so that two blocks are in memory. The same
    samples give the same bytes. FILE.zip keeps a list of its files in memory, some 400 bytes a sample.

    Args:
        path: The place, which must be free.
        blocks: The samples, in their order.
        shape: That of all samples together: (n, h, w, c) or (n, d).
        overwrite: Whether a file that is there is replaced; a folder never is.

    Returns:
        The path; what is there is whole.

    Raises:
        BadInput: If the place is taken, be it since this call began.
        CannotWrite: If the disk fails or is full.
    """
    ending = path.suffix.lower()
    if ending == ".npz":
        return runs.write_new(path, partial(_write_npz, blocks, shape), overwrite=overwrite)
    if ending == ".zip":
        return runs.write_new(path, partial(_write_zip, blocks, shape[0]), overwrite=overwrite)
    return runs.write_new_folder(path, partial(_write_folder, blocks, shape[0]))


def _write_npz(blocks: Iterable[Values], shape: tuple[int, ...], file: IO[bytes]) -> None:
    """One array, `images` or `points`, whose head says how many samples will follow."""
    images = len(shape) == 4
    head = {"descr": "|u1" if images else "<f4", "fortran_order": False, "shape": shape}
    name = "images.npy" if images else "points.npy"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        with archive.open(name, "w", force_zip64=True) as array:
            np.lib.format.write_array_header_1_0(array, head)
            _write_behind(lambda values: array.write(np.ascontiguousarray(values).data), blocks)


def _write_zip(blocks: Iterable[Values], n: int, file: IO[bytes]) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        _write_pngs(blocks, n, lambda name, content: archive.writestr(_entry(name), content))


def _write_folder(blocks: Iterable[Values], n: int, folder: Folder) -> None:
    _write_pngs(blocks, n, partial(folder.create, force=False))


def _write_pngs(blocks: Iterable[Values], n: int, write: Callable[[str, bytes], object]) -> None:
    """Write 000000.png, 000001.png and so on, with as many digits as sort by name."""
    numbers, digits = count(), max(6, len(str(n - 1)))

    def write_block(images: Values) -> None:
        for content in encode_pngs(images):
            write(f"{next(numbers):0{digits}d}.png", content)

    _write_behind(write_block, blocks)


def _write_behind(write: Callable[[Values], object], blocks: Iterable[Values]) -> None:
    """Write each block in a second thread while the next one is drawn in this one."""
    with ThreadPoolExecutor(1) as writer:
        before: Future[object] | None = None
        for block in blocks:
            if before is not None:
                before.result()
            before = writer.submit(write, block)
        if before is not None:
            before.result()


def _entry(name: str) -> zipfile.ZipInfo:
    """A file of an archive, stored as it is, of a time that does not change, which all may read."""
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o644 << 16
    return entry
