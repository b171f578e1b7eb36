"""Two data sets as two kinds of images that nothing pairs."""

from advnets.data.dataset import Dataset, Split
from advnets.errors import BadInput


def join_unpaired(a: Dataset, b: Dataset) -> Dataset:
    """Return two data sets as one, in which nothing pairs the images: A is given, and B is to be made.

    Each split is that of both. Classes stay known where both have the same ones.

    Args:
        a: Images of one kind.
        b: Images of the other kind, of the same shape.

    Returns:
        The data set, whose digest covers both.

    Raises:
        BadInput: For points, for images of unlike shapes, and for data that have given images already.
    """
    for kind, one in (("A", a), ("B", b)):
        if not one.is_image or one.given_shape is not None:
            found = "pairs of images" if one.is_image else "points"
            raise BadInput(f"{one.name}: found {found} as {kind}, expected images of one kind. Name other data.")
    if a.shape != b.shape:
        found = " and ".join(f"{_describe_shape(one)} in {one.name}" for one in (a, b))
        raise BadInput(
            f"found images of {found}; expected one size and as many channels, for what is made of one kind is "
            "translated back. Take data of one shape; folders are brought to one by --image-size and --image-channels."
        )
    is_labelled = a.classes is not None and (a.classes, a.class_names) == (b.classes, b.class_names)
    parts = [
        Split(
            of_b.values,
            of_b.labels if is_labelled else None,
            of_a.values,
            of_b.is_mapped,
            of_b.check,
            is_paired=False,
            given_labels=of_a.labels if is_labelled else None,
        )
        for of_a, of_b in zip(a.splits.values(), b.splits.values(), strict=True)
    ]
    for split in a.splits.values():
        split.verify()
    train, validation, test = parts
    classes, names = (b.classes, b.class_names) if is_labelled else (None, None)
    source = f"{a.source} and {b.source}"
    return Dataset(f"{a.name} to {b.name}", train, validation, test, classes, source, class_names=names)


def _describe_shape(dataset: Dataset) -> str:
    channels, height, width = dataset.shape
    return f"{width} x {height} pixels and {channels} channel{'s' * (channels > 1)}"
