"""Which sub-folders of a folder or an archive are splits, under all the names that people give them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from advnets.errors import BadInput

SPLIT_OF = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validate": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
"""The split that a folder of this name is, in capitals or not."""
# The word stands alone, as in training_set, val2017 and trainA; "contest", "invalid" and "trainer" have none.
WORD = re.compile(
    r"(?<![a-z])(?:training|train|testing|test|validation|validate|valid|val)(?=$|[^a-z])"
    r"|(?<![a-zA-Z])(?:Training|Train|Testing|Test|Validation|Validate|Valid|Val)(?=$|[^a-z])"
    r"|(?<![a-zA-Z])(?:TRAINING|TRAIN|TESTING|TEST|VALIDATION|VALIDATE|VALID|VAL)(?=$|[^a-zA-Z])"
)
DOMAINS = frozenset({"a", "b"})
"""What is left of trainA and trainB, as CycleGAN's data sets call the folders of two kinds of images without pairs."""


@dataclass(frozen=True)
class Layout:
    """How the folders of a list of images are understood.

    Attributes:
        split_of: Split of each image, or None where no folders are splits.
        inside: Name of each image without the folder of its split; the first folder that is left is a class.
        notes: How the folders were understood, for people to read.
    """

    split_of: Sequence[str] | None
    inside: Sequence[str]
    notes: Sequence[str]


@dataclass(frozen=True)
class _SplitFolder:
    split: str
    domain: str = ""


def names_held_out(folder: str) -> bool:
    """Whether a folder of this name is a validation or a test split, where it stands beside training images.

    Args:
        folder: Name of the folder.

    Example:
        >>> names_held_out("Val"), names_held_out("test_set"), names_held_out("train"), names_held_out("contest")
        (True, True, False, False)
    """
    found = WORD.search(folder)
    return found is not None and SPLIT_OF[found[0].lower()] != "train"


def find_layout(names: Sequence[str], where: str) -> Layout:
    """Find the folders that are splits: train, training, val, valid, validate, validation, test and testing.

    Capitals do not matter. A word more is allowed where it is the same for several splits, as in training_set and
    test_set, train2017 and val2017, or trainA and testA. The folders of the classes may lie inside of the splits or
    around them. The folders trainA and trainB, and testA and testB, are splits of the two classes A and B.

    Args:
        names: Paths of the images inside the folder or archive.
        where: Folder or archive, for the errors.

    Returns:
        The layout.

    Raises:
        BadInput: If some images lie in no split beside others that do, if two folders are one split, or if there are
            test images, but no training images. Such images would otherwise be trained on.
    """
    paths = [name.split("/") for name in names]
    levels: list[set[str]] = [set() for _ in range(max((len(path) for path in paths), default=1) - 1)]
    for path in paths:
        for level, folder in zip(levels, path[:-1], strict=False):
            level.add(folder)
    for depth, folders in enumerate(levels):
        found = _find_split_folders(folders, where, inside_classes=depth > 0)
        if found:
            return _layout(names, paths, depth, found, where)
    return Layout(None, names, _refuse_lone_test(levels[0], where) if levels else [])


def is_split_name(folder: str) -> bool:
    """Return whether a folder's name alone says that it is a split, or one of trainA and trainB.

    Args:
        folder: Name of the folder.
    """
    split, rest = _split_and_rest(folder)
    return bool(split) and rest in ("", *DOMAINS)


def find_domain(name: str) -> tuple[str, str]:
    """Return which of two kinds of images, A or B, a name lies in by its folders, and the name without that.

    Folders A and B may hold the splits, or lie in them; trainA and trainB are both at once.

    Args:
        name: Path of an image inside the folder or archive.

    Returns:
        "A" or "B", and the rest, such as "train/1.jpg"; "" and the name where its folders say neither.
    """
    *folders, file = name.split("/")
    for depth, folder in enumerate(folders[:2]):
        split, rest = _split_and_rest(folder)
        if folder.lower() in DOMAINS:
            return folder.upper(), "/".join([*folders[:depth], *folders[depth + 1 :], file])
        if split and rest in DOMAINS:
            return rest.upper(), "/".join([*folders[:depth], split, *folders[depth + 1 :], file])
    return "", name


def _find_split_folders(folders: Iterable[str], where: str, *, inside_classes: bool) -> dict[str, _SplitFolder]:
    """The folders of one level that are splits, or nothing where they are classes."""
    by_rest: dict[str, dict[str, str]] = {}
    for folder in folders:
        split, rest = _split_and_rest(folder)
        if split:
            by_rest.setdefault(rest, {})[folder] = split
    sets = {
        rest: found
        for rest, found in by_rest.items()
        if "train" in found.values() and (len(set(found.values())) > 1 or (not rest and not inside_classes))
    }
    domains = {rest: found for rest, found in by_rest.items() if rest in DOMAINS}
    if len(domains) == 2 and all("train" in found.values() for found in domains.values()):
        sets |= domains
    if len(sets) > 1 and set(sets) != DOMAINS:
        some = _join(sorted(folder for found in sets.values() for folder in found))
        raise BadInput(
            f"{where}: found {len(sets)} sets of splits, {some}, expected one. Move the folders of the others away."
        )
    for found in sets.values():
        _refuse_one_split_twice(found, where)
    several = len(sets) > 1
    return {
        folder: _SplitFolder(split, rest.upper() if several else "")
        for rest, found in sets.items()
        for folder, split in found.items()
    }


def _split_and_rest(folder: str) -> tuple[str, str]:
    """The split of which a folder's name has the word, and the rest of the name; empty where there is no one word."""
    words = list(WORD.finditer(folder))
    if len(words) != 1:
        return "", ""
    (word,) = words
    rest = f"{folder[: word.start()]} {folder[word.end() :]}".strip(" _-.").lower()
    return SPLIT_OF[word[0].lower()], rest


def _refuse_one_split_twice(folders: Mapping[str, str], where: str) -> None:
    for split in set(folders.values()):
        same = sorted(folder for folder, found in folders.items() if found == split)
        if len(same) > 1:
            raise BadInput(
                f"{where}: found {_join(same)}, which are both the {split} split, expected one folder for it. Move the "
                "other away, or their images together."
            )


def _layout(
    names: Sequence[str], paths: Sequence[Sequence[str]], depth: int, folders: Mapping[str, _SplitFolder], where: str
) -> Layout:
    """The layout where the folders of one depth are splits."""
    split_of, inside = [], []
    for name, path in zip(names, paths, strict=True):
        if len(path) <= depth + 1 or path[depth] not in folders:
            beside = f"the folder {'/'.join(path[: depth + 1])}" if len(path) > depth + 1 else f"the image {name}"
            raise BadInput(
                f"{where}: found the splits {_join(sorted(folders))}, and {beside} beside them, expected every image "
                "in a split. Move the others away; if these folders are classes, give them other names."
            )
        folder = folders[path[depth]]
        split_of.append(folder.split)
        left = [*path[:depth], *path[depth + 1 :]]
        inside.append("/".join([folder.domain, *left] if folder.domain else left))
    return Layout(split_of, inside, _notes(folders, depth))


def _notes(folders: Mapping[str, _SplitFolder], depth: int) -> list[str]:
    order = {"train": 0, "validation": 1, "test": 2}
    listed = sorted(folders, key=lambda folder: (order[folders[folder].split], folder))
    notes = ["folders are splits: " + ", ".join(f"{folder} is {folders[folder].split}" for folder in listed)]
    if depth:
        notes.append("the folders around the splits are the classes")
    if any(folder.domain for folder in folders.values()):
        notes.append(
            "A and B are read as two classes of one data set, for there are no pairs. To train on one of them, give a "
            "folder whose train and test are links to its folders"
        )
    return notes


def _refuse_lone_test(tops: Iterable[str], where: str) -> list[str]:
    """Refuse test images without training images; the notes where folders with a split's name are classes."""
    named = {folder: _split_and_rest(folder)[0] for folder in tops if is_split_name(folder)}
    if not named:
        return []
    if set(named) == set(tops) or "test" in named.values():
        raise BadInput(
            f"{where}: found the folder {_join(sorted(named))}, but no train beside it, which is what is trained on. "
            "Add train, give the inner folder itself, or, if it is a class, give it another name."
        )
    return [f"no folder is train, so that {_join(sorted(named))} is a class like the others"]


def _join(names: Sequence[str]) -> str:
    shown = [*names[:6], *([f"{len(names) - 6:,} more"] if len(names) > 6 else [])]
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
