"""The split and the class of each image, by the folders in which they lie, or by a dataset.json."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from advnets.data.conversion import MAX_CLASSES
from advnets.data.images.layout import find_layout
from advnets.data.splits import fixed_order
from advnets.errors import BadInput, Damaged, TooBig

MAX_LABELS_BYTES = 2**27


@dataclass(frozen=True)
class Arrangement:
    """The images of each split, and their classes.

    Attributes:
        splits: Places in the list of names by "train", "validation" and "test", in a fixed random order.
        labels: Class of each name, or None.
        classes: Names of the classes, or None.
        notes: Decisions that were made, for people to read.
    """

    splits: Mapping[str, Sequence[int]]
    labels: Sequence[int] | None
    classes: Sequence[str] | None
    notes: Sequence[str]


def arrange(names: Sequence[str], table: Mapping[str, int] | None, where: str) -> Arrangement:
    """Assign images to splits and classes.

    Sub-folders train, validation and test, under the names that `layout.find_layout` knows, are the splits; a missing
    one takes a tenth of train. Without such sub-folders all images are split 80 : 10 : 10. Each other sub-folder is a
    class, unless there is a table.

    Args:
        names: Paths of the images inside the folder or archive, sorted.
        table: Label of each path, as `read_table` returns it, or None.
        where: Folder or archive, for the errors.

    Returns:
        The splits and classes.

    Raises:
        BadInput: If folders or labels contradict each other.
    """
    layout = find_layout(names, where)
    by_split = _places_by_split(layout.split_of)
    notes = list(layout.notes)
    if by_split is None:
        notes.append("split 80 : 10 : 10 by a fixed random order of the names")
    splits = _shuffle_splits(by_split or {"train": list(range(len(names)))}, len(names), where)
    if by_split and set(by_split) < set(splits):
        missing = " and ".join(sorted(set(splits) - set(by_split)))
        notes.append(f"no folder for {missing}: a tenth of train each, by a fixed random order")
    if table is not None:
        return Arrangement(splits, _labels_from_table(names, table, where), _class_numbers(table), notes)
    labels, classes, remarks = _labels_from_folders(layout.inside)
    if classes and by_split:
        _check_classes(splits, labels or [], classes, where)
    return Arrangement(splits, labels, classes, [*notes, *remarks])


def read_table(content: bytes, where: str) -> dict[str, int] | None:
    """Read the labels of a dataset.json, {"labels": [["path", class], ...]}, as StyleGAN's tools write it.

    Args:
        content: Bytes of the file.
        where: Name of the file, for the errors.

    Returns:
        The label of each path, or None where `labels` is null.

    Raises:
        TooBig: If there are more than `MAX_LABELS_BYTES`.
        Damaged: If it is not JSON.
        BadInput: If it is of another form, a path is there twice, or a class is no number from 0.
    """
    if len(content) > MAX_LABELS_BYTES:
        raise TooBig(
            f"{where}: has {len(content):,} bytes or more, the limit is {MAX_LABELS_BYTES:,}. Keep labels only."
        )
    try:
        value = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{where}: is not JSON ({str(error)[:120]}). Write it again.") from error
    expected = 'expected {"labels": [["path", class], ...]}, each class a whole number from 0'
    if not isinstance(value, dict) or "labels" not in value:
        raise BadInput(f"{where}: found no `labels`, {expected}. Mend it, or move it away.")
    if value["labels"] is None:
        return None
    rows = value["labels"]
    if not isinstance(rows, list):
        raise BadInput(f"{where}: `labels` is a {type(rows).__name__}, {expected}. Mend it.")
    table: dict[str, int] = {}
    for row in rows:
        if not (isinstance(row, list) and len(row) == 2 and isinstance(row[0], str) and type(row[1]) is int):
            raise BadInput(f"{where}: found the label {str(row)[:80]}, {expected}. Mend it.")
        name = row[0].replace("\\", "/").removeprefix("./")
        if name in table:
            raise BadInput(f"{where}: {name!r} has two labels. Keep one.")
        if not 0 <= row[1] < MAX_CLASSES:
            raise BadInput(f"{where}: {name!r} has the class {row[1]}, expected 0..{MAX_CLASSES - 1}. Mend it.")
        table[name] = row[1]
    return table


def _places_by_split(split_of: Sequence[str] | None) -> dict[str, list[int]] | None:
    """The places of the names by split, or None where no folders are splits."""
    if split_of is None:
        return None
    places: dict[str, list[int]] = {}
    for place, split in enumerate(split_of):
        places.setdefault(split, []).append(place)
    return places


def _shuffle_splits(by_split: Mapping[str, Sequence[int]], n: int, where: str) -> dict[str, list[int]]:
    """Each split in a fixed random order; a missing one takes a tenth of train."""
    shuffled = {}
    for name, places in by_split.items():
        shuffled[name] = [places[place] for place in fixed_order(len(places))]
    train, tenth = shuffled["train"], len(by_split["train"]) // 10
    for name in ("test", "validation"):
        if name not in shuffled:
            if tenth < 1:
                raise BadInput(
                    f"{where}: found {len(train)} images to split, expected at least 10, as a tenth is the {name} "
                    "split. Add images."
                )
            train, shuffled[name] = train[:-tenth], train[-tenth:]
    return {"train": train, "validation": shuffled["validation"], "test": shuffled["test"]}


def _labels_from_table(names: Sequence[str], table: Mapping[str, int], where: str) -> list[int]:
    there = set(names)
    for kind, missing in (
        ("labels without images", [name for name in table if name not in there]),
        ("images without labels", [name for name in names if name not in table]),
    ):
        if missing:
            raise BadInput(
                f"{where}/dataset.json: found {len(missing):,} {kind}, {missing[0]!r} first, expected one label for "
                "each image. Mend it, or move it away."
            )
    return [table[name] for name in names]


def _class_numbers(table: Mapping[str, int]) -> list[str]:
    return [str(number) for number in range(max(table.values(), default=-1) + 1)]


def _labels_from_folders(inside: Sequence[str]) -> tuple[list[int] | None, list[str] | None, list[str]]:
    """Labels, classes and notes by the first folder of each name."""
    tops = [name.partition("/")[0] if "/" in name else "" for name in inside]
    classes = sorted(set(tops) - {""})
    if not classes:
        return None, None, []
    if "" in tops:
        return None, None, [f"no labels: {tops.count('')} images lie beside the folders, {len(tops)} in all"]
    if len(classes) > MAX_CLASSES:
        return None, None, [f"no labels: {len(classes):,} folders, more than {MAX_CLASSES:,} classes"]
    number = {name: place for place, name in enumerate(classes)}
    return [number[top] for top in tops], classes, []


def _check_classes(
    splits: Mapping[str, Sequence[int]], labels: Sequence[int], classes: Sequence[str], where: str
) -> None:
    trained = {labels[place] for place in splits["train"]}
    for name, places in splits.items():
        for place in places:
            if labels[place] not in trained:
                raise BadInput(
                    f"{where}: {name} has a class {classes[labels[place]]!r} that train has not. Give train images of "
                    "it, or move it away."
                )
