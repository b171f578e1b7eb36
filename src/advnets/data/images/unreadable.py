"""Images that cannot be read: how many may be left out of a data set, and how they are named."""

from collections.abc import Collection, Mapping
from pathlib import Path

from advnets.data.dataset import Survey
from advnets.errors import Damaged

MOST_SHARE, MOST_OF_FEW = 0.01, 3
"""Images that may be left out: this share of all, or so many if that is more."""
MOST_SHARE_OF_FEW = 0.1
"""The share that is never exceeded, however few images there are."""
MOST_NAMES = 20


def most_left_out(total: int) -> int:
    """Return how many unreadable images a data set may have.

    Args:
        total: Images in all.

    Returns:
        The number.

    Example:
        >>> [most_left_out(total) for total in (10, 29, 61, 1000)]
        [1, 2, 3, 10]
    """
    return int(min(max(MOST_SHARE * total, MOST_OF_FEW), MOST_SHARE_OF_FEW * total))


def list_names(names: Collection[str]) -> str:
    """Return names as a list in a sentence, which is cut where it is long.

    Args:
        names: The names.

    Returns:
        The list.
    """
    shown = ", ".join(list(names)[:MOST_NAMES])
    return shown if len(names) <= MOST_NAMES else f"{shown} and {len(names) - MOST_NAMES:,} more"


def note_of_left_out(names: Collection[str]) -> str:
    """Return a note on images that are left out.

    Args:
        names: Their names, one at least.

    Returns:
        The note, as a sentence without its full stop.
    """
    some = "1 image cannot be read and is" if len(names) == 1 else f"{len(names):,} images cannot be read and are"
    return f"{some} left out: {list_names(names)}"


def expect_readable(path: str | Path, survey: Survey) -> None:
    """Expect that few images of a folder or an archive cannot be read.

    Args:
        path: Where they lie, for the error.
        survey: What was found there.

    Raises:
        Damaged: If they are more than `most_left_out`; all are named, or the first ones of very many.
    """
    total = sum(survey.sizes.values()) + len(survey.unreadable)
    most = most_left_out(total)
    if len(survey.unreadable) > most:
        allowed = "none may be left out" if most == 0 else f"at most {most:,} may be left out"
        raise too_many_error(path, survey.unreadable, total, f", and {allowed}")


def too_many_error(path: str | Path, unreadable: Mapping[str, str], total: int, allowed: str = "") -> Damaged:
    """Return the error for images of which too many cannot be read.

    Args:
        path: Where they lie.
        unreadable: Reason by the name of each.
        total: Images in all.
        allowed: How many may be left out, as the end of a sentence.

    Returns:
        The error.
    """
    return Damaged(
        f"{path}: {len(unreadable):,} of {total:,} images cannot be read{allowed}: {list_names(unreadable)}. Mend them "
        f"or take them away. The first: {next(iter(unreadable.values()))}"
    )
