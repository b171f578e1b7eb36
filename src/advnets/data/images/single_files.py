"""Image files one by one, in their own sizes, as they are translated."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from advnets.data.images.decode_image import FORMATS, decode_whole, strict_pillow
from advnets.data.images.folder_source import MAX_FILE, FolderSource, size_error
from advnets.disk import open_regular_file
from advnets.errors import BadInput, Damaged, Missing


@dataclass(frozen=True)
class ImageFile:
    """An image file that is read when it is asked for.

    Attributes:
        name: Its name without its ending; of a file in a folder, the path inside of it.
        path: What errors call it.
        read_bytes: Returns its bytes; raises BadInput where it cannot be read.
    """

    name: str
    path: str
    read_bytes: Callable[[], bytes]

    def read(self, channels: int) -> NDArray[np.uint8]:
        """Decode it in its own size.

        Args:
            channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.

        Returns:
            The pixels, uint8 (c, h, w).

        Raises:
            BadInput: As `decode_whole` does, and if it cannot be read.
        """
        with strict_pillow():
            return decode_whole(self.read_bytes(), self.path, channels)


def find_image_files(paths: Iterable[str | os.PathLike[str]]) -> list[ImageFile]:
    """Find image files by their paths and in folders.

    Args:
        paths: Image files, and folders of image files and of folders of them.

    Returns:
        The files, in the order of the paths and by name in each folder.

    Raises:
        Missing: If a path is not there.
        BadInput: If there is no path, if a folder has no images, and if two files have one name but for their endings.
    """
    found: list[ImageFile] = []
    for path in map(Path, paths):
        found += _files_in(path) if path.is_dir() else [_one_file(path)]
    by_name: dict[str, str] = {}
    for file in found:
        if file.name in by_name:
            raise BadInput(
                f"{file.path}: found the name {file.name!r} twice, of {by_name[file.name]} too; expected names that "
                "differ in more than their endings, for each is written by its name. Rename one."
            )
        by_name[file.name] = file.path
    if not found:
        raise BadInput("found no image, expected an image file or a folder of them. Name one.")
    return found


def _files_in(folder: Path) -> list[ImageFile]:
    source = FolderSource(folder)
    if not source.files.images:
        raise BadInput(f"{folder}: found no images, expected files in {', '.join(FORMATS)}. Check the path.")
    return [
        ImageFile(
            str(PurePosixPath(source.files.wrapper + entry.name).with_suffix("")),
            source.full_name(entry.name),
            partial(source.read, entry.name),
        )
        for entry in source.files.images
    ]


def _one_file(path: Path) -> ImageFile:
    if not path.exists():
        raise Missing(f"{path}: there is no such file or folder. Check the path.")
    return ImageFile(path.stem, str(path), partial(_read, path))


def _read(path: Path) -> bytes:
    try:
        with open_regular_file(path) as file:
            content = file.read(MAX_FILE + 1)
    except OSError as error:
        raise Damaged(f"{path}: cannot be read ({error.strerror or error}). Check the disk and permissions.") from error
    if len(content) > MAX_FILE:
        raise size_error(str(path), len(content))
    return content
