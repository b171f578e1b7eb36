"""Options by which the image files of a folder or a zip become tensors of one shape."""

import json
import re
from dataclasses import asdict, dataclass, fields
from typing import Any

from PIL import ImageColor

from advnets.errors import BadInput, unknown

FITS = ("crop", "pad")
CHANNELS = ("grey", "rgb")
UNPAIRED = "unpaired"
DIRECTIONS = ("AtoB", "BtoA", UNPAIRED)
KEEP = "keep"
BACKGROUND = "white"
MAX_SIDE = 4096
CACHE_MEMORY = "2GiB"
UNITS = {"": 1, "B": 1, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


@dataclass(frozen=True)
class ImageOptions:
    """How image files become tensors; an option that is None is chosen by the files.

    Attributes:
        size: Pixels, as one number (square), (h, w) or "HxW". None takes the size of all files, or a power of two that
            suits them.
        fit: "crop" cuts the centre to the aspect of the size, "pad" keeps the whole image and adds borders. None crops.
        alpha: "keep" keeps transparency as a further channel. A colour, by name or #rrggbb, is put behind transparent
            pixels and is the colour of borders. None takes white.
        channels: "grey" or "rgb". None takes grey if every file is stored so, and RGB otherwise.
        cache_memory: Decoded images of more bytes ("200MiB") are mapped from the cache, not read. None takes 2 GiB.
        verify: Whether the contents of every file are compared with the cache, and not only sizes and times.
        direction: "AtoB" or "BtoA" reads pairs, of which the first kind is given and the second is to be made;
            "unpaired" reads two kinds of images that nothing pairs, A given. See `pairs.load_pairs`.
        any_unreadable: Whether the data are read however many images cannot be, as it is for a description of them.

    Raises:
        BadInput: If a value is none of these.
    """

    size: int | str | tuple[int, int] | None = None
    fit: str | None = None
    alpha: str | None = None
    channels: str | None = None
    cache_memory: int | str | None = None
    verify: bool = False
    direction: str | None = None
    any_unreadable: bool = False

    def __post_init__(self) -> None:
        if self.size is not None:
            _size(self.size)
        if self.fit is not None and self.fit not in FITS:
            raise unknown("image fit", self.fit, FITS)
        if self.channels is not None and self.channels not in CHANNELS:
            raise unknown("image channels", self.channels, CHANNELS)
        if self.direction is not None and self.direction not in DIRECTIONS:
            raise unknown("direction", self.direction, DIRECTIONS)
        _colour(self.alpha)
        _bytes(self.cache_memory)

    @property
    def height_width(self) -> tuple[int, int] | None:
        """Size (h, w) in pixels, or None."""
        return None if self.size is None else _size(self.size)

    @property
    def background(self) -> tuple[int, int, int]:
        """Colour behind transparent pixels and of borders, RGB."""
        return _colour(self.alpha)

    @property
    def memory_bytes(self) -> int:
        """Number of bytes above which decoded images are mapped."""
        return _bytes(self.cache_memory)

    @property
    def chosen_flags(self) -> list[str]:
        """Flags of the options that are not the defaults, for the errors of data that they do not apply to."""
        flags = {"size": "--image-size", "fit": "--image-fit", "alpha": "--image-alpha",
                 "channels": "--image-channels", "cache_memory": "--cache-memory", "verify": "--verify",
                 "direction": "--direction"}  # fmt: skip
        chosen = [spec.name for spec in fields(self) if getattr(self, spec.name) != spec.default]
        return [flags[name] for name in chosen if name in flags]

    def key(self) -> str:
        """Return the options that the decoded images depend on, as text.

        Returns:
            A JSON object of "size", "fit", "alpha" and "channels".
        """
        values: dict[str, Any] = {**asdict(self), "size": self.height_width, "alpha": [self.alpha, self.background]}
        return json.dumps({name: values[name] for name in ("size", "fit", "alpha", "channels")})


def _size(size: int | str | tuple[int, int]) -> tuple[int, int]:
    sides: tuple[Any, ...] = ()
    if isinstance(size, str) and re.fullmatch(r"[0-9]{1,6}(x[0-9]{1,6})?", size):
        sides = tuple(int(side) for side in size.split("x"))
    elif isinstance(size, int):
        sides = (size,)
    elif isinstance(size, tuple | list):
        sides = tuple(size)
    if len(sides) not in (1, 2) or not all(type(side) is int and 1 <= side <= MAX_SIDE for side in sides):
        raise BadInput(
            f"image size: found {size!r}, expected one number or HEIGHTxWIDTH, each 1..{MAX_SIDE}. Give pixels."
        )
    return sides[0], sides[-1]


def _colour(name: str | None) -> tuple[int, int, int]:
    if name == KEEP:
        name = None
    try:
        red, green, blue, *_ = ImageColor.getrgb(name or BACKGROUND)
    except ValueError:
        raise BadInput(
            f"image alpha: found {name!r}, expected keep, or the colour behind transparent pixels. Give white, black, "
            "grey, another colour's name, or #rrggbb."
        ) from None
    return red, green, blue


def _bytes(size: int | str | None) -> int:
    text = CACHE_MEMORY if size is None else str(size)
    found = re.fullmatch(r"([0-9]{1,15})\s*([A-Za-z]{0,3})", text.strip())
    if isinstance(size, bool) or not found or found[2].upper() not in UNITS:
        raise BadInput(
            f"cache memory: found {size!r}, expected a number of bytes. Give 200MiB or 2GiB, or 0 to map always."
        )
    return int(found[1]) * UNITS[found[2].upper()]
