"""The pass over image files that writes a cache: headers first, which decide the shape, then pixels, in order."""

import hashlib
import math
import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from advnets.data.dataset import Survey
from advnets.data.images.arrangement import Arrangement, arrange, read_table
from advnets.data.images.cache import Writer
from advnets.data.images.decode_image import (
    FORMATS,
    WHITES,
    ImageHeader,
    ImageShape,
    NoPair,
    check_keeps_alpha,
    decode,
    read_header,
)
from advnets.data.images.folder_source import FileEntry, ImageSource
from advnets.data.images.image_options import KEEP, ImageOptions
from advnets.data.images.unreadable import list_names, note_of_left_out, too_many_error
from advnets.errors import AdvnetsError, BadInput, TooBig

THREADS = 2
CHUNK = 64
"""Files that a thread takes at a time."""
AHEAD = 4
"""Chunks in progress; more would pile up in memory where the disk is slower than the decoding."""
LARGEST_OWN, LARGEST_CHOSEN = 256, 64
"""Sides in pixels. Images of one size keep it up to the first; a size that is chosen for them is at most the second."""
NEARLY_BLACK = 64
"""Images of which no level reaches this one are nearly black to the eye."""
DIGEST = 16
In = TypeVar("In")
Out = TypeVar("Out")


@dataclass
class FolderDecoder:
    """Decodes all files of a source into a cache file.

    Attributes:
        source: Folder or archive of image files.
        options: How image files become tensors.
        unreadable: Reason by the name of an image that cannot be read.
        sizes: Number of images by their own size, "HxW".
        brightest: Largest level of all images, 0..255, alpha left out.
    """

    source: ImageSource
    options: ImageOptions
    unreadable: dict[str, str] = field(default_factory=dict)
    sizes: Counter[str] = field(default_factory=Counter)
    brightest: int = 0

    def run(self, key: str, place: Path) -> None:
        """Decode everything into a cache file.

        Args:
            key: Hash of all that the decoded images depend on.
            place: Path of the cache file.

        Raises:
            BadInput: If folders, labels or options contradict each other, if no image of a split can be read, and for
                images that are no pairs where each is to be one.
            TooBig: If the disk has no room.
        """
        images = self.source.files.images
        names = [item.name for item in images]
        plan = arrange(names, self._table(), str(self.source.path))
        headers = self._headers(images)
        readable = [header for header in headers if header]
        if not readable:
            raise too_many_error(self.source.path, self.unreadable, len(images))
        shape, notes = _shape(readable, self.options, str(self.source.path))
        _check_space(place, len(names) * shape.channels * shape.height * shape.width)
        writer = Writer(place, shape.chw)
        try:
            contents = np.zeros((len(names), DIGEST), np.uint8)
            written = {split: self._write(writer, places, shape, contents) for split, places in plan.splits.items()}
            self._check_splits(written)
            labels = _labels(plan, written)
            counts = {split: len(places) for split, places in written.items()}
            survey = self._survey(readable, plan, notes)
            writer.finish(counts, labels, contents, {"key": key, "survey": survey.as_json()})
        finally:
            writer.discard()

    def _table(self) -> dict[str, int] | None:
        labels_file = self.source.files.labels_file
        if labels_file is None:
            return None
        return read_table(self.source.read(labels_file.name), self.source.full_name(labels_file.name))

    def _headers(self, images: Sequence[FileEntry]) -> list[ImageHeader | None]:
        """The header of each image, None where it cannot be read."""

        def one(item: FileEntry) -> ImageHeader | AdvnetsError:
            try:
                with self.source.open_file(item.name) as stream:
                    return read_header(stream, self.source.full_name(item.name))
            except BadInput as error:
                return error

        headers: list[ImageHeader | None] = []
        no_pairs: dict[str, NoPair] = {}
        for item, found in zip(images, map_in_order(one, images), strict=True):
            if isinstance(found, NoPair):
                no_pairs[item.name] = found
            elif isinstance(found, AdvnetsError):
                self.unreadable[item.name] = str(found)
            headers.append(None if isinstance(found, AdvnetsError) else found)
        if no_pairs:
            raise _no_pairs_error(no_pairs, len(images))
        return headers

    def _write(
        self, writer: Writer, places: Sequence[int], shape: ImageShape, contents: NDArray[np.uint8]
    ) -> list[int]:
        """Decode the images at some places and write them; returns the places of those that could be read."""
        images = self.source.files.images

        def one(place: int) -> tuple[NDArray[np.uint8], tuple[int, int]] | AdvnetsError:
            name = images[place].name
            try:
                content = self.source.read(name)
                contents[place] = hash_bytes(content)
                return decode(content, self.source.full_name(name), shape, self.options)
            except BadInput as error:
                return error

        written: list[int] = []
        for place, found in zip(places, map_in_order(one, places), strict=True):
            if isinstance(found, AdvnetsError):
                self.unreadable[images[place].name] = str(found)
                continue
            pixels, (height, width) = found
            writer.append(pixels[None])
            self.sizes[f"{height}x{width}"] += 1
            self.brightest = max(self.brightest, int(pixels[: 3 if shape.channels > 2 else 1].max()))
            written.append(place)
        return written

    def _check_splits(self, written: dict[str, list[int]]) -> None:
        for split, places in written.items():
            if not places:
                unread = f" Those that cannot: {list_names(self.unreadable)}." if self.unreadable else ""
                raise BadInput(
                    f"{self.source.path}: no image of {split} can be read, expected at least one. Add images.{unread}"
                )

    def _survey(self, headers: Sequence[ImageHeader], plan: Arrangement, notes: list[str]) -> Survey:
        modes = Counter(("grey" if header.grey else "rgb") + (" alpha" if header.alpha else "") for header in headers)
        if self.brightest < NEARLY_BLACK:
            notes = [
                *notes,
                f"no level of any image is above {self.brightest} of 255, which is nearly black: if the files hold "
                "class numbers, or 10 or 12 bits in colours of 16, scale them to the whole range first",
            ]
        others = self.source.files.others
        return Survey(
            sizes=dict(self.sizes.most_common()),
            modes=dict(modes.most_common()),
            others=others,
            unreadable=dict(sorted(self.unreadable.items())),
            class_names=None if plan.classes is None else list(plan.classes),
            layout=[*self._wrapper_notes(), *plan.notes, *self._left_out_notes()],
            changes=notes,
        )

    def _wrapper_notes(self) -> list[str]:
        wrapper = self.source.files.wrapper
        return [f"all images lie in {wrapper}, whose folders are looked at"] if wrapper else []

    def _left_out_notes(self) -> list[str]:
        notes = [note_of_left_out(sorted(self.unreadable))] if self.unreadable else []
        others = self.source.files.others
        if not others:
            return notes
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in list(others.items())[:5])
        return [*notes, f"{sum(others.values()):,} files are no images in {', '.join(FORMATS)} ({kinds})"]


def _no_pairs_error(no_pairs: Mapping[str, NoPair], total: int) -> BadInput:
    first, *others = no_pairs
    more = f" So are {len(others):,} others of {total:,} images: {list_names(others)}." if others else ""
    return BadInput(f"{no_pairs[first]}{more}")


def _labels(plan: Arrangement, written: Mapping[str, Sequence[int]]) -> NDArray[np.int64] | None:
    """The classes of the images that were written, in the order of the splits."""
    if plan.labels is None:
        return None
    return np.array([plan.labels[place] for places in written.values() for place in places], np.int64)


def _shape(headers: Sequence[ImageHeader], options: ImageOptions, where: str) -> tuple[ImageShape, list[str]]:
    """The shape of every image, and notes of the decisions."""
    alpha = sum(header.alpha for header in headers)
    check_keeps_alpha(options, alpha > 0, where)
    (height, width), notes = _size(headers, options)
    grey = options.channels == "grey" or (options.channels is None and all(header.grey for header in headers))
    if options.channels is None and not grey and (greys := sum(header.grey for header in headers)):
        notes.append(f"{greys:,} of {len(headers):,} images are grey and become RGB like the others")
    if alpha and options.alpha is None:
        notes.append(f"{alpha:,} of {len(headers):,} images have alpha and are flattened on white")
    white, remarks = _white(headers)
    return ImageShape(height, width, (1 if grey else 3) + (options.alpha == KEEP), white), [*notes, *remarks]


def _white(headers: Sequence[ImageHeader]) -> tuple[int, list[str]]:
    """The level of 16-bit grey files that becomes white: the largest of the fewest bits that hold all their levels."""
    levels = [header.brightest for header in headers if header.brightest]
    white = next(white for white in WHITES if white >= max(levels, default=WHITES[-1]))
    if white == WHITES[-1]:
        return white, []
    return white, [
        f"{len(levels):,} images have 16 bits, and no level above {max(levels):,}: they are read as images of "
        f"{white.bit_length()} bits, of which {white:,} is white"
    ]


def _size(headers: Sequence[ImageHeader], options: ImageOptions) -> tuple[tuple[int, int], list[str]]:
    sizes = {(header.height, header.width) for header in headers}
    first = (headers[0].height, headers[0].width)
    if options.height_width is None and len(sizes) == 1 and max(first) <= LARGEST_OWN:
        return first, []
    height, width = options.height_width or (_chosen_side(headers),) * 2
    if sizes == {(height, width)}:
        return first, []
    found = f"are {first[0]}x{first[1]}" if len(sizes) == 1 else f"have {len(sizes):,} sizes"
    cut = "padded" if options.fit == "pad" else "their centre cut"
    hint = "" if options.height_width else " (--image-size chooses another)"
    return (height, width), [f"images {found}: {cut} and scaled to {height}x{width}{hint}"]


def _chosen_side(headers: Sequence[ImageHeader]) -> int:
    shorter = float(np.median([min(header.height, header.width) for header in headers]))
    return min(LARGEST_CHOSEN, 1 << math.floor(math.log2(max(shorter, 1))))


def _check_space(place: Path, need: int) -> None:
    free = shutil.disk_usage(place.parent).free
    if free < need:
        raise TooBig(
            f"{place.parent}: {need:,} bytes are needed for the decoded images, {free:,} are free. Free some space, "
            "choose another folder by $ADVNETS_CACHE, or a smaller --image-size."
        )


def hash_bytes(content: bytes) -> NDArray[np.uint8]:
    """Return the BLAKE2b hash of a file's bytes, (16,) uint8.

    Args:
        content: Bytes of the file.
    """
    return np.frombuffer(hashlib.blake2b(content, digest_size=DIGEST).digest(), np.uint8)


def map_in_order(function: Callable[[In], Out], inputs: Iterable[In]) -> Iterator[Out]:
    """Apply a function to every input, by two threads that are at most some chunks ahead.

    Args:
        function: Function to apply.
        inputs: Inputs, read at once.

    Yields:
        The results, in the order of the inputs.
    """
    inputs = list(inputs)
    chunks = iter(range(0, len(inputs), CHUNK))
    with ThreadPoolExecutor(THREADS) as pool:

        def begin(start: int) -> Future[list[Out]]:
            return pool.submit(lambda: [function(one) for one in inputs[start : start + CHUNK]])

        under_way = deque(begin(start) for _, start in zip(range(AHEAD), chunks, strict=False))
        try:
            while under_way:
                yield from under_way.popleft().result()
                under_way.extend(begin(start) for start in [next(chunks, None)] if start is not None)
        finally:
            for future in under_way:
                future.cancel()
