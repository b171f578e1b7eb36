"""Two kinds of images, A and B: pairs in one file or in two folders, and folders that nothing pairs."""

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from advnets.data.dataset import Dataset, Split, Survey
from advnets.data.images.decode_image import cut_half
from advnets.data.images.folder import load_source, open_source
from advnets.data.images.folder_source import FileEntry, FileListing, ImageSource
from advnets.data.images.image_options import UNPAIRED, ImageOptions
from advnets.data.images.layout import find_domain
from advnets.data.images.unreadable import expect_readable, list_names
from advnets.errors import BadInput

KINDS = ("A", "B")
SIDE_BY_SIDE = "side by side"
PURPOSES = ("to train", "to validate", "to test")


class DomainSource:
    """The images of one kind in a source, by their names without the folders that say the kind, sorted by stem.

    Args:
        source: All images.
        domain: "A" or "B".
    """

    def __init__(self, source: ImageSource, domain: str) -> None:
        self._source = source
        self.path = Path(f"{source.path} ({domain})")
        listing, self._names = source.files, dict[str, str]()
        images: list[FileEntry] = []
        for entry in listing.images:
            found, name = find_domain(full_inside(source, entry))
            if found == domain:
                self._names[name] = entry.name
                images.append(replace(entry, name=name))
        images.sort(key=lambda entry: stem_of(entry.name))
        self.files = FileListing(tuple(images), None, listing.others)

    @property
    def stems(self) -> list[str]:
        """Names without endings, in order."""
        return [stem_of(entry.name) for entry in self.files.images]

    def full_name(self, name: str) -> str:
        """Return what the errors call a file."""
        return self._source.full_name(self._names[name])

    def open_file(self, name: str) -> IO[bytes]:
        """Open a file at its start. Raises BadInput if it cannot be read."""
        return self._source.open_file(self._names[name])

    def read(self, name: str) -> bytes:
        """Read the bytes of a file. Raises BadInput if it cannot be read."""
        return self._source.read(self._names[name])

    def hold_open(self) -> AbstractContextManager[None]:
        """Return a context within which files can be read."""
        return self._source.hold_open()


class HalfSource:
    """The left or the right halves of images that are twice as wide as high.

    Each half is decoded and scaled as an image of its own, so that nothing of one is mixed into the other.

    Args:
        source: The whole images.
        domain: "A" for the left halves, "B" for the right ones.
    """

    def __init__(self, source: ImageSource, domain: str) -> None:
        self._source, self._domain = source, domain
        self.path = Path(f"{source.path} ({domain})")
        self.files = replace(source.files, labels_file=None)

    def full_name(self, name: str) -> str:
        """Return what the errors call a file."""
        return self._source.full_name(name)

    def open_file(self, name: str) -> IO[bytes]:
        """Open a half as a file at its start. Raises BadInput if it cannot be read, or is not twice as wide as high."""
        return BytesIO(self.read(name))

    def read(self, name: str) -> bytes:
        """Read the bytes of a half, as a PNG. Raises what `open_file` does."""
        return cut_half(self._source.read(name), self.full_name(name), right=self._domain == "B")

    def hold_open(self) -> AbstractContextManager[None]:
        """Return a context within which files can be read."""
        return self._source.hold_open()


def load_pairs(path: str | os.PathLike[str], options: ImageOptions) -> Dataset:
    """Load two kinds of images, A and B, of which one is given and the other is to be made.

    Pairs are images twice as wide as high, A on the left and B on the right, as pix2pix's data sets have them; or two
    folders A and B with equal names of files, which may lie in the splits or hold them, as in A/train and train/A;
    trainA and trainB are both at once. Without pairs, the folders may hold unlike numbers of images by any names.
    Splits are found, or made, as `load_images` does it, in each kind alike.

    Args:
        path: Folder or archive, which is read in place.
        options: How image files become tensors, with a direction. A size is that of one kind: the halves'.

    Returns:
        The data set: what is to be made are its values, what is given is its `given`. It has no labels.

    Raises:
        BadInput: As `load_images` does, and for an empty kind, pairs of unlike numbers, names or sizes, and files that
            are not twice as wide as high.
    """
    path = Path(path)
    source, name = open_source(path), path.resolve().name if path.is_dir() else path.stem
    found = {find_domain(full_inside(source, entry))[0] for entry in source.files.images}
    kinds: list[ImageSource]
    if found <= {""}:
        _expect_pairs(path, options)
        kinds, how = [HalfSource(source, kind) for kind in KINDS], SIDE_BY_SIDE
    elif found != set(KINDS):
        raise _kinds_error(path, source, found)
    else:
        folders = [DomainSource(source, kind) for kind in KINDS]
        how = "each shuffled by itself" if options.direction == UNPAIRED else "by their names"
        if options.direction != UNPAIRED:
            _expect_partners(path, *(kind.stems for kind in folders))
        kinds = [*folders]
    plain = replace(options, direction=None, any_unreadable=options.direction != UNPAIRED or options.any_unreadable)
    a, b = (load_source(one, f"{name}-{kind}", plain) for kind, one in zip(KINDS, kinds, strict=True))
    assert a.survey is not None
    assert b.survey is not None
    if isinstance(kinds[0], DomainSource) and options.direction != UNPAIRED:
        _expect_all_readable(path, {"A": a.survey, "B": b.survey})
    elif not options.any_unreadable:  # halves are left out together
        expect_readable(path, a.survey)
    joined = _join(path, name, a, b, how=how, direction=options.direction)
    return replace(joined.turn(), name=name) if options.direction == "BtoA" else joined


def _expect_pairs(path: Path, options: ImageOptions) -> None:
    if options.direction == UNPAIRED:
        raise BadInput(
            f"{path}: found no folders of two kinds of images; expected trainA and trainB, or A and B. Move the images "
            "into them."
        )


def full_inside(source: ImageSource, entry: FileEntry) -> str:
    """Return the path of an image in its source, with a folder A or B that all images lie in."""
    folders = source.files.wrapper.rstrip("/").split("/")
    return f"{folders[-1]}/{entry.name}" if find_domain(f"{folders[-1]}/x")[0] else entry.name


def stem_of(name: str) -> str:
    """Return a path without its ending."""
    return str(PurePosixPath(name).with_suffix(""))


def _kinds_error(path: Path, source: ImageSource, found: set[str]) -> BadInput:
    if found in ({"A"}, {"B"}):
        (one,) = found
        other = "B" if one == "A" else "A"
        return BadInput(
            f"{path}: found {len(source.files.images):,} images in {one} and none in {other}; expected both. Put "
            f"images into a folder {other}, or train{other}."
        )
    lone = next(entry.name for entry in source.files.images if not find_domain(full_inside(source, entry))[0])
    return BadInput(
        f"{path}: found folders A and B, and {lone} in neither; expected all images in them. Move the others away."
    )


def _expect_partners(path: Path, a: Sequence[str], b: Sequence[str]) -> None:
    if a == b:
        return
    lone = sorted(set(a) ^ set(b))
    what = (
        f"{lone[0]!r} is in {'A' if lone[0] in a else 'B'} alone" if lone else f"{_first_twice(a, b)!r} is there twice"
    )
    raise BadInput(
        f"{path}: found {len(a):,} images in A and {len(b):,} in B, and {what}; expected pairs, each by one name in "
        "both. Add or remove what has no partner; images without pairs are translated by the recipe cyclegan."
    )


def _first_twice(*sides: Sequence[str]) -> str:
    return next(name for side in sides for name in side if side.count(name) > 1)


def _expect_all_readable(path: Path, surveys: Mapping[str, Survey]) -> None:
    """Expect that every image of two folders of pairs can be read."""
    unread = {
        f"{kind}/{name}": reason for kind, survey in surveys.items() for name, reason in survey.unreadable.items()
    }
    if unread:
        some = "1 image" if len(unread) == 1 else f"{len(unread):,} images"
        lone = "its partner has" if len(unread) == 1 else "their partners have"
        raise BadInput(
            f"{path}: {some} cannot be read, so that {lone} none: {list_names(unread)}. Mend them. The first: "
            f"{next(iter(unread.values()))}"
        )


def _join(path: Path, name: str, a: Dataset, b: Dataset, *, how: str, direction: str | None) -> Dataset:
    """Two data sets as one, A given and B to be made; the note tells the direction in which they are taken."""
    if a.shape[1:] != b.shape[1:]:
        found = " and ".join(f"{kind} of {one.shape[2]} x {one.shape[1]}" for kind, one in (("A", a), ("B", b)))
        raise BadInput(f"{path}: found images {found} pixels; expected one size. Give --image-size, such as 128.")
    surveys = {"A": a.survey, "B": b.survey}
    parts = [
        Split(of_b.values, None, of_a.values, of_b.is_mapped, of_b.check, direction != UNPAIRED)
        for of_a, of_b in zip(a.splits.values(), b.splits.values(), strict=True)
    ]
    train, validation, test = parts
    note = _count_unpaired(a, b, how) if direction == UNPAIRED else _count_pairs(parts, how, direction)
    return Dataset(name, train, validation, test, None, str(path), survey=_join_surveys(surveys, note))


def _count_unpaired(a: Dataset, b: Dataset, how: str) -> str:
    pairs = zip(a.splits.values(), b.splits.values(), PURPOSES, strict=True)
    counts = [f"{len(of_a):,} of A and {len(of_b):,} of B {purpose}" for of_a, of_b, purpose in pairs]
    return f"images of A and B without pairs, {how}: {', '.join(counts)}"


def _count_pairs(parts: Sequence[Split], how: str, direction: str | None) -> str:
    train, validation, test = (f"{len(part):,}" for part in parts)
    halves = {"A": ", the left half", "B": ", the right half"} if how == SIDE_BY_SIDE else {"A": "", "B": ""}
    given, made = (f"{kind}{halves[kind]}" for kind in (("B", "A") if direction == "BtoA" else ("A", "B")))
    return (
        f"{train} pairs {PURPOSES[0]}, {validation} {PURPOSES[1]}, {test} {PURPOSES[2]}, {how}. Given: {given}. "
        f"Made: {made} (--direction)"
    )


def _join_surveys(surveys: Mapping[str, Survey | None], note: str) -> Survey:
    a, b = surveys["A"], surveys["B"]
    assert a is not None
    assert b is not None
    return replace(
        b,
        sizes=_sum(a.sizes, b.sizes),
        modes=_sum(a.modes, b.modes),
        unreadable={**a.unreadable, **b.unreadable},
        class_names=None,
        layout=[note, *(f"{kind}: {text}" for kind, one in (("A", a), ("B", b)) for text in one.layout)],
        changes=[f"{kind}: {text}" for kind, one in (("A", a), ("B", b)) for text in one.changes],
    )


def _sum(*counts: Mapping[str, int]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in counts:
        for name, number in one.items():
            total[name] = total.get(name, 0) + number
    return total
