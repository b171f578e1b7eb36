"""Files in which one bit is flipped, and whether that is noticed."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path


def flips(content: bytes, n: int) -> Iterator[bytes]:
    """So many contents, each with another bit flipped, or one for each bit if there are fewer."""
    bits = range(8 * len(content))
    for bit in random.Random(0).sample(bits, min(n, len(bits))):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def count_unnoticed(path: Path, n: int, is_noticed: Callable[[], bool]) -> int:
    """Of so many flips of a file, how many are not noticed; the file is as it was at the end."""
    content = path.read_bytes()
    unnoticed = 0
    for changed in flips(content, n):
        path.write_bytes(changed)
        unnoticed += not is_noticed()
    path.write_bytes(content)
    return unnoticed


def is_refused(read: Callable[[], object], *errors: type[Exception]) -> bool:
    """Whether reading raises one of these errors."""
    try:
        read()
    except errors:
        return True
    return False
