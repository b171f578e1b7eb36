"""Images out of images: any size in, the image's own size out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from advnets import runs
from advnets.assessment import Progress
from advnets.data import TRANSFORMS, ImageFile
from advnets.disk import Folder
from advnets.errors import BadInput, Unsupported
from advnets.experiment.sampling.blocks import ShowProgress, make_blocks
from advnets.experiment.sampling.inputs import Inputs, draw_noises
from advnets.figures import encode_pngs
from advnets.networks import LastingDropout
from advnets.runs import Card

ENDING = ".png"
Pixels = NDArray[np.uint8]
Translate = Callable[[Pixels], Sequence[Pixels]]
"""An image, uint8 (c, h, w) -> its translations, uint8 (h, w, c) each."""


@dataclass(frozen=True)
class TranslationPlan:
    """How images are translated.

    Attributes:
        n: Translations of each image; more than 1 where the generator has noise.
        seed: Seed of the first; the next ones have the numbers behind it.
        dropout: Whether dropout that lasts (pix2pix) is on; it is the published noise. Without, there is one
            translation of each image.

    Raises:
        BadInput: For numbers out of range.
    """

    n: int = 1
    seed: int = 0
    dropout: bool = True

    def __post_init__(self) -> None:
        if type(self.n) is not int or self.n < 1:
            raise BadInput(f"n is {self.n!r}; expected at least 1 translation of each image")
        if type(self.seed) is not int or not 0 <= self.seed < 2**63 - self.n:
            raise BadInput(f"seed: found {self.seed!r}, expected a whole number from 0 to 2^63 - 1")

    @property
    def seeds(self) -> range:
        """The seed of each translation."""
        return range(self.seed, self.seed + self.n)


def translate_image(network: nn.Module, card: Card, image: Pixels, plan: TranslationPlan, *, name: str) -> list[Pixels]:
    """Translate an image of any size.

    It is scaled to the size that the generator was trained on, whatever its aspect, by Lanczos' filter; what is made of
    it is scaled back. Each translation is made alone, so that it does not depend on other images.

    Args:
        network: The generator.
        card: What it is.
        image: uint8 (c, h, w), with the channels of the images that it is given.
        plan: How.
        name: How errors call the generator.

    Returns:
        The translations, uint8 (h, w, c') each.

    Raises:
        BadInput: If the generator is given no images, for another number of channels, and for several translations
            of a generator without noise.
        NonFinite: If the network makes a NaN or an Inf.
    """
    channels, height, width = expect_translator(network, card, plan, name=name)
    if image.ndim != 3 or image.dtype != np.uint8 or image.shape[0] != channels:
        raise BadInput(
            f"{name}: found an image of shape {image.shape}, {image.dtype}; expected uint8 ({channels}, h, w), with "
            "the channels that it was trained on. Convert it."
        )
    stored = torch.tensor(resize(image.transpose(1, 2, 0), height, width)).permute(2, 0, 1)
    given = TRANSFORMS[card.transform].forward(stored[None]).repeat(plan.n, 1, 1, 1)
    noises = [draw_noises(card, 1, seed) for seed in plan.seeds]
    z = torch.cat([one for one in noises if one is not None]) if card.latent_size else None
    with lasting_dropout(network, is_on=plan.dropout):
        made = list(make_blocks(network, card, Inputs(z, given, plan.seeds), name=name))
    return [resize(one[0], *image.shape[1:]) for one in made]


def translate_stored(network: nn.Module, card: Card, images: Tensor, plan: TranslationPlan, *, name: str) -> Pixels:
    """Translate stored images.

    Args:
        network: The generator.
        card: What it is.
        images: uint8 (m, c, h, w).
        plan: How.
        name: How errors call the generator.

    Returns:
        uint8 (m n, h, w, c'), the n translations of an image one behind the other.

    Raises:
        BadInput: As `translate_image` does.
    """
    if images.ndim != 4 or images.dtype != torch.uint8 or len(images) < 1:
        raise BadInput(
            f"{name}: found images of shape {tuple(images.shape)}, {images.dtype}; expected uint8 (n, c, h, w)"
        )
    return np.stack([out for one in images.numpy() for out in translate_image(network, card, one, plan, name=name)])


def expect_translator(network: nn.Module, card: Card, plan: TranslationPlan, *, name: str) -> tuple[int, int, int]:
    """Return the shape (c, h, w) of the images that a generator is given.

    Args:
        network: The generator.
        card: What it is.
        plan: How it shall translate.
        name: How errors call the generator.

    Returns:
        The shape.

    Raises:
        BadInput: If it takes no image, and for several translations where it has no noise.
    """
    shape = card.data.given_shape
    if card.given != "images" or shape is None:
        raise BadInput(
            f"{name} draws from noise and takes no image; images are translated by runs of pix2pix and cyclegan. Draw "
            "samples of it by `advnets sample`."
        )
    lasting = any(isinstance(layer, LastingDropout) for layer in network.modules()) and plan.dropout
    if plan.n > 1 and not lasting and not card.latent_size:
        raise BadInput(f"n is {plan.n}: {name} has no noise, and makes one translation of each image. Leave n out.")
    channels, height, width = shape
    return channels, height, width


@contextmanager
def lasting_dropout(network: nn.Module, *, is_on: bool) -> Iterator[None]:
    """Switch dropout that lasts on or off within a block.

    Args:
        network: The generator.
        is_on: Whether numbers are dropped.

    Yields:
        Nothing.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, LastingDropout)]
    before = [layer.is_on for layer in layers]
    for layer in layers:
        layer.is_on = is_on
    try:
        yield
    finally:
        for layer, was_on in zip(layers, before, strict=True):
            layer.is_on = was_on


def resize(image: Pixels, height: int, width: int) -> Pixels:
    """Return an image, uint8 (h, w, c), in another size by Lanczos' filter; the same numbers in its own size."""
    if image.shape[:2] == (height, width):
        return image
    whole = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    scaled = np.array(whole.resize((width, height), Image.Resampling.LANCZOS))
    return scaled[..., None] if scaled.ndim == 2 else scaled


def expect_place_for_translations(path: str | Path, files: Sequence[ImageFile], plan: TranslationPlan) -> None:
    """Expect a place where translations can be written, before they are made.

    Args:
        path: FOLDER/, or FILE.png for one translation of one image.
        files: The images.
        plan: How they are translated.

    Raises:
        BadInput: If the place is taken, or a file for several translations.
        Unsupported: For a file with another ending.
    """
    path = Path(path)
    if not path.suffix or path.is_dir():
        runs.expect_new_folder(path, "")
        return
    if path.suffix.lower() != ENDING:
        raise Unsupported(f"translations cannot be written as {path.name!r}; expected FOLDER/, or FILE.png for one")
    if len(files) * plan.n > 1:
        raise BadInput(
            f"{path}: found {len(files) * plan.n} translations for one file; expected FOLDER/. Name a folder."
        )
    runs.expect_new(path)


def write_translations(
    path: Path, files: Sequence[ImageFile], shape: tuple[int, int, int], translate: Translate, show: ShowProgress
) -> Path:
    """Translate image files one after another, and write each by its name as a PNG; of several, name-0 and so on.

    Args:
        path: FOLDER/, or FILE.png for one translation.
        files: The images.
        shape: The shape (c, h, w) of the images that the generator is given; files are read in as many channels.
        translate: What makes the translations.
        show: Called with the progress after each image, and with a note where images may be pairs side by side.

    Returns:
        The path; what is there is whole.

    Raises:
        BadInput: If an image cannot be read, or the place is taken.
        CannotWrite: If the disk fails or is full.
    """
    if path.suffix.lower() == ENDING and not path.is_dir():
        (made,) = translate(files[0].read(shape[0]))
        (content,) = encode_pngs(made[None])
        _tell_of_pairs([made.shape], shape, show)
        return runs.write_new(path, content)
    return runs.write_new_folder(path, partial(_fill, files, shape, translate, show))


def _fill(
    files: Sequence[ImageFile],
    shape: tuple[int, int, int],
    translate: Translate,
    show: ShowProgress,
    folder: Folder,
) -> None:
    sizes: list[tuple[int, ...]] = []
    for number, file in enumerate(files, 1):
        made: Any = translate(file.read(shape[0]))
        sizes.append(made[0].shape)
        names = [file.name] if len(made) == 1 else [f"{file.name}-{i}" for i in range(len(made))]
        for name, one in zip(names, made, strict=True):
            (content,) = encode_pngs(one[None])
            _create(folder, PurePosixPath(name + ENDING).parts, content)
        show(Progress(f"{number:,} of {len(files):,} images", number / len(files)))
    _tell_of_pairs(sizes, shape, show)


def _tell_of_pairs(sizes: Sequence[tuple[int, ...]], shape: tuple[int, int, int], show: ShowProgress) -> None:
    """Note which images (h, w, c) have the shape of two side by side: those that pix2pix is trained on are such."""
    pairs = sum(width * shape[1] == 2 * shape[2] * height for height, width, *_ in sizes)
    if pairs:
        told = (
            f"{pairs:,} of {len(sizes):,} images have the shape of a pair side by side, and were translated whole. If "
            "they are pairs, cut out the half that is to be translated first."
        )
        show(Progress(told, 1.0, note=True))


def _create(folder: Folder, parts: Sequence[str], content: bytes) -> None:
    """Write a file, with the folders above it."""
    if len(parts) == 1:
        folder.create(parts[0], content, force=False)
        return
    with folder.folder(parts[0], make=True) as inner:
        _create(inner, parts[1:], content)
