"""The decoder of one image file: a closed list of formats, a limit of pixels, and never half an image."""

import io
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, PngImagePlugin, UnidentifiedImageError

from advnets.data.images.image_options import KEEP, ImageOptions
from advnets.errors import AdvnetsError, BadInput, Damaged, TooBig

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".dib"})
MAX_PIXELS = 25_000_000
"""Pixels of one image: a camera has 6,000 x 4,000. With the copies that decoders make, one takes at most 512 MiB."""
LARGE_PIXELS = 2**22
"""Pixels from which on images are decoded one at a time, so that threads do not multiply the memory of one."""
MAX_TEXT = 2**25
"""Bytes of one text or colour profile of a PNG, unpacked; all texts of one may have Pillow's 64 MiB together."""
WHITES = (255, 1023, 4095, 16383, 65535)
"""The largest levels of 8, 10, 12, 14 and 16 bits, as detectors and scanners have them."""
WHOLE_MODES = ("L", "LA", "RGB", "RGBA", "I;16", "I")
"""Modes that a PNG holds as they are."""
WIDE_GREY = ("I;16", "I", "I;16B")
GREY = ("1", "L", "LA", "La", "I;16", "I", "I;16B")
ROWS = 64
TURNED = (5, 6, 7, 8)
ORIENTATION = 0x0112  # EXIF 2.3, table 4
# What Pillow raises on bytes that are no image; found by fuzzing, see tests/data/test_fuzz_images.py.
BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, IndexError, KeyError, TypeError,
          OverflowError, AttributeError, AssertionError, ZeroDivisionError, RuntimeError,
          UnidentifiedImageError)  # fmt: skip
BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)
Pixels = NDArray[np.uint8]
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class ImageHeader:
    """The properties of an image that are known before it is decoded.

    Attributes:
        height: Height in pixels, after EXIF's turn.
        width: Width in pixels, after EXIF's turn.
        grey: Whether it is stored without colours.
        alpha: Whether it has transparency.
        brightest: Its largest level where it is grey with 16 bits, whose scale depends on it; otherwise 0.
    """

    height: int
    width: int
    grey: bool
    alpha: bool
    brightest: int = 0


@dataclass(frozen=True)
class ImageShape:
    """The shape that every image of a data set gets.

    Attributes:
        height: Height in pixels.
        width: Width in pixels.
        channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
        white: Level of 16-bit grey files that becomes 255, one of `WHITES`.
    """

    height: int
    width: int
    channels: int
    white: int = WHITES[-1]

    @property
    def chw(self) -> tuple[int, int, int]:
        """Shape (c, h, w) in which the pixels are stored."""
        return self.channels, self.height, self.width

    @property
    def mode(self) -> str:
        """Pillow's name for such pixels."""
        return {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[self.channels]


@contextmanager
def strict_pillow() -> Iterator[None]:
    """Make Pillow raise for bombs and truncated images, read long texts, and print no warnings, within a `with`.

    These are settings of the whole process; enter it once, around all threads that decode.

    Yields:
        Nothing.
    """
    before = ImageFile.LOAD_TRUNCATED_IMAGES, PngImagePlugin.MAX_TEXT_CHUNK
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        ImageFile.LOAD_TRUNCATED_IMAGES, PngImagePlugin.MAX_TEXT_CHUNK = False, MAX_TEXT
        try:
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES, PngImagePlugin.MAX_TEXT_CHUNK = before


def read_header(stream: IO[bytes], name: str) -> ImageHeader:
    """Read the header of an image, within `strict_pillow`; only grey images of 16 bits are decoded, for their range.

    Args:
        stream: Stream at the start of the image.
        name: Name of the file, for the errors.

    Returns:
        The header.

    Raises:
        TooBig: If there are more than `MAX_PIXELS`.
        Damaged: If it is no image in one of `FORMATS`.
    """
    with _translate_errors(name), _open_image(stream, name) as image:
        height, width = image.height, image.width
        if _turn_upright(image):
            height, width = width, height
        grey, alpha = image.mode in GREY, image.has_transparency_data
        return ImageHeader(height, width, grey, alpha, _brightest(image) if image.mode in WIDE_GREY else 0)


def decode(content: bytes, name: str, shape: ImageShape, options: ImageOptions) -> tuple[Pixels, tuple[int, int]]:
    """Decode an image, within `strict_pillow`; of a film, the first image.

    Args:
        content: Bytes of the file.
        name: Name of the file, for the errors.
        shape: Shape of the result.
        options: How the image is cut, padded and flattened.

    Returns:
        The pixels, uint8 (c, h, w), and the image's own (h, w).

    Raises:
        TooBig: If there are more than `MAX_PIXELS`.
        Damaged: If it is not a whole image in one of `FORMATS`.
    """
    with _translate_errors(name), _open_image(io.BytesIO(content), name) as image:
        own, large = (image.height, image.width), image.width * image.height > LARGE_PIXELS
        with _one_at_a_time if large else nullcontext():
            if image.format == "JPEG" and large:
                # A JPEG can be read at 1/2, 1/4 or 1/8 of its size; twice what is wanted keeps the last step sharp.
                image.draft(None, (2 * max(shape.width, shape.height),) * 2)
            image.load()
            turn = image.getexif().get(ORIENTATION, 1)
            upright = image if turn == 1 else ImageOps.exif_transpose(image)
            fitted = _fit_image(_to_plain_mode(upright, shape), shape, options)
    pixels = np.asarray(fitted)
    return (pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)), own[::-1] if turn in TURNED else own


def decode_whole(content: bytes, name: str, channels: int) -> Pixels:
    """Decode an image in its own size, within `strict_pillow`.

    Args:
        content: Bytes of the file.
        name: Name of the file, for the errors.
        channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha; what has alpha and shall not is put on white.

    Returns:
        The pixels, uint8 (c, h, w).

    Raises:
        BadInput: For an image in colour that shall be grey.
        TooBig: If there are more than `MAX_PIXELS`.
        Damaged: If it is not a whole image in one of `FORMATS`.
    """
    header = read_header(io.BytesIO(content), name)
    if channels < 3 and not header.grey:
        raise BadInput(f"{name}: found an image in colour, expected a grey one. Convert it to grey first.")
    white = next(white for white in WHITES if white >= (header.brightest or WHITES[-1]))
    options = ImageOptions(alpha=KEEP if channels in (2, 4) else None)
    return decode(content, name, ImageShape(header.height, header.width, channels, white), options)[0]


class NoPair(BadInput):
    """An image that is not twice as wide as high, so that it is no pair side by side."""


def cut_half(content: bytes, name: str, *, right: bool) -> bytes:
    """Cut the left or the right half out of an image that is twice as wide as high, within `strict_pillow`.

    Args:
        content: Bytes of the file.
        name: Name of the file, for the errors.
        right: Whether it is the right half.

    Returns:
        The bytes of the half, as a PNG.

    Raises:
        NoPair: If the image is not twice as wide as high.
        TooBig: If there are more than `MAX_PIXELS`.
        Damaged: If it is not a whole image in one of `FORMATS`.
    """
    half = io.BytesIO()
    with _translate_errors(name), _open_image(io.BytesIO(content), name) as image:
        upright = ImageOps.exif_transpose(image)
        width, height = upright.size
        if width != 2 * height:
            raise NoPair(
                f"{name}: found {width} x {height} pixels, which is no pair side by side; expected images twice as "
                "wide as high, or folders A and B, or trainA and trainB, with the same names of files."
            )
        if upright.mode not in WHOLE_MODES or (upright.has_transparency_data and "A" not in upright.mode):
            upright = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
        upright.crop((height * right, 0, height * (1 + right), height)).save(half, "PNG", compress_level=0)
    return half.getvalue()


@contextmanager
def _translate_errors(name: str) -> Iterator[None]:
    try:
        yield
    except AdvnetsError:
        raise
    except (*BOMB, MemoryError) as error:
        raise TooBig(f"{name}: more pixels than the limit of {MAX_PIXELS:,}. Scale it down first.") from error
    except UnidentifiedImageError as error:
        raise Damaged(f"{name}: not an image in {', '.join(FORMATS)}. Delete it, or export it again.") from error
    except BROKEN as error:
        if "MAX_TEXT" in str(error):
            raise TooBig(
                f"{name}: a text or the colour profile has more than {MAX_TEXT:,} bytes, or all texts together more "
                "than twice as many. Save the image without them."
            ) from error
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise Damaged(
            f"{name}: the image is broken ({reason}). Delete it, or copy it again from its source."
        ) from error


@contextmanager
def _open_image(stream: IO[bytes], name: str) -> Iterator[Image.Image]:
    with Image.open(stream, formats=FORMATS) as image:
        if image.width < 1 or image.height < 1:
            raise Damaged(f"{name}: has {image.width} x {image.height} pixels, expected at least one. Delete it.")
        if image.width * image.height > MAX_PIXELS:
            raise TooBig(
                f"{name}: has {image.width:,} x {image.height:,} pixels, the limit is {MAX_PIXELS:,} in all. Scale it "
                "down first."
            )
        yield image


def _turn_upright(image: Image.Image) -> bool:
    # PNG's getexif decodes the whole image where there is no EXIF chunk before the pixels.
    if image.format in ("JPEG", "WEBP") or "exif" in image.info:
        return image.getexif().get(ORIENTATION) in TURNED
    return False


def _to_plain_mode(image: Image.Image, shape: ImageShape) -> Image.Image:
    """The image in one of the modes L, LA, RGB, RGBA; 16 bits become 8 by rounding."""
    if image.mode in WIDE_GREY:
        return _to_eight_bits(np.asarray(image), shape.white).convert(_wide_mode(shape))
    mode = "RGBA" if image.has_transparency_data else _wide_mode(shape)
    return image if image.mode == mode else image.convert(mode)


def _brightest(image: Image.Image) -> int:
    """The largest level of an image that is not decoded yet."""
    with _one_at_a_time if image.width * image.height > LARGE_PIXELS else nullcontext():
        return min(int(np.asarray(image).max()), WHITES[-1])


def _to_eight_bits(levels: NDArray[np.integer[Any]], white: int) -> Image.Image:
    """The nearest of 256 levels to each of 0..white, (h, w); in parts, as the product needs more bits."""
    grey = np.empty(levels.shape, np.uint8)
    for row in range(0, len(levels), ROWS):
        grey[row : row + ROWS] = (255 * levels[row : row + ROWS].astype(np.int64).clip(0, white) + white // 2) // white
    return Image.fromarray(grey)


def _wide_mode(shape: ImageShape) -> str:
    return "L" if shape.channels == 1 else shape.mode


def _fit_image(image: Image.Image, shape: ImageShape, options: ImageOptions) -> Image.Image:
    """The image, flattened, cut or padded, scaled by Lanczos' filter, in the mode of `shape`."""
    resized = _scale_image(image, shape, options)
    if "A" not in shape.mode and "A" in resized.mode:
        ground = Image.new("RGBA", resized.size, (*options.background, 255))
        resized = Image.alpha_composite(ground, resized.convert("RGBA"))
    return resized if resized.mode == shape.mode else resized.convert(shape.mode)


def _scale_image(image: Image.Image, shape: ImageShape, options: ImageOptions) -> Image.Image:
    wanted = (shape.width, shape.height)
    if image.size == wanted:
        return image
    if options.fit != "pad":
        return image.resize(wanted, Image.Resampling.LANCZOS, _centre_box(image, shape), reducing_gap=3.0)
    scale = min(shape.width / image.width, shape.height / image.height)
    inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = image.resize(inner, Image.Resampling.LANCZOS, reducing_gap=3.0)
    colour = (*options.background, 0 if options.alpha == KEEP else 255)
    whole = Image.new("RGBA", wanted, colour)
    whole.paste(small.convert("RGBA"), ((wanted[0] - inner[0]) // 2, (wanted[1] - inner[1]) // 2))
    return whole


def _centre_box(image: Image.Image, shape: ImageShape) -> tuple[float, float, float, float]:
    """The largest box of the wanted aspect in the middle of the image: left, top, right, bottom."""
    scale = min(image.width / shape.width, image.height / shape.height)
    width, height = scale * shape.width, scale * shape.height
    left, top = (image.width - width) / 2, (image.height - height) / 2
    return left, top, min(left + width, image.width), min(top + height, image.height)


def check_keeps_alpha(options: ImageOptions, found: bool, where: str) -> None:
    """Refuse to keep alpha where no image has any.

    Args:
        options: Options of the images.
        found: Whether any image has alpha.
        where: Folder or archive, for the error.

    Raises:
        BadInput: If alpha shall be kept and there is none.
    """
    if options.alpha == KEEP and not found:
        raise BadInput(f"{where}: no image has alpha, so --image-alpha keep cannot apply. Leave it out.")
