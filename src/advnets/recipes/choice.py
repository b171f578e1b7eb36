"""Which recipe a folder of images is trained by where none is named, and why.

What won at which length is committed in docs/photos.md, with the runs behind it. The rest is arithmetic of the data:
how many images there are, how large they are, whether they have classes.
"""

from dataclasses import dataclass, replace
from typing import Any

from advnets.augmentations import AugmentationRow
from advnets.errors import Unsupported
from advnets.games import AdversarialRow
from advnets.networks.frames import LARGEST, SMALLEST
from advnets.recipes.dcgan import dcgan, dcgan_classes
from advnets.recipes.recipe import Average, Budget, Recipe

COARSE_BELOW = 1_000
"""Steps below which pictures of photos are coarse."""
USUAL_MINUTES = 30.0
"""How long a run is trained if it is not told how long."""
MANY_IMAGES = 1_000
"""From so many training images on, batches are those of the recipe; below, half as many make more steps an epoch."""
SMALL_BATCH = 32
SHORT_HALF_LIFE, HALF_LIFE = 2_000.0, 5_000.0
"""Of the average, in images, where images are few and where they are many."""
DRAWING_SIDE = 32
"""Grey images up to this side are taken for digits and letters, which a mirror turns into other ones."""
WIDTHS = ((64, 32), (128, 16), (LARGEST, 8))
"""(longer side of the images, width of the nets): what a step may cost on two cores."""


@dataclass(frozen=True)
class DataFacts:
    """What of a data set decides.

    Attributes:
        name: What the data are called.
        images: Images for training.
        shape: (c, h, w) of an image.
        classes: Number of classes, or None.
    """

    name: str
    images: int
    shape: tuple[int, ...]
    classes: int | None


@dataclass(frozen=True)
class Choice:
    """A recipe, and why it was taken.

    Attributes:
        recipe: The recipe, with its numbers for these data.
        reasons: Lines for people to read: the data, the recipe, the networks, the augmentation.
    """

    recipe: Recipe
    reasons: tuple[str, ...]


def choose_recipe(facts: DataFacts, *, minutes: float | None = None, on_gpu: bool = False) -> Choice:
    """Choose a recipe for images.

    Args:
        facts: What the data are.
        minutes: How long the run is to be trained; None for the usual length.
        on_gpu: Whether the networks are trained on a GPU, which has room for the full width.

    Returns:
        The recipe, and why.

    Raises:
        Unsupported: For points, and for images whose longer side is below 8 or above 256.
    """
    width = _width(facts, on_gpu=on_gpu)
    parent, is_labelled = (dcgan_classes, True) if (facts.classes or 0) > 1 else (dcgan, False)
    row = parent.expect_game_row()
    assert isinstance(row, AdversarialRow)
    augment, why = _augmentation(facts)
    learner = replace(row, **_networks(row, width), augment=augment)
    length = USUAL_MINUTES if minutes is None else minutes
    recipe = replace(
        parent,
        learner=learner,
        batch_size=_batch_size(facts, parent),
        average=Average(SHORT_HALF_LIFE if facts.images < MANY_IMAGES else HALF_LIFE),
        budget=Budget(minutes=length),
    )
    channels, height, width_of_image = facts.shape
    colours = {1: "grey", 2: "grey with alpha", 3: "in colour", 4: "in colour with alpha"}.get(channels, "")
    groups = f"{facts.classes} classes, which it is given" if is_labelled else "no classes"
    return Choice(
        recipe,
        (
            f"data: {facts.name}, {facts.images:,} training images of {width_of_image} x {height}, {colours}, {groups}",
            f"recipe: {recipe.name}; on two cores dcgan drew the best photos of what was tried (docs/photos.md)",
            f"networks: {width} maps next to the image (--generator.width, --discriminator.width), "
            f"batches of {recipe.batch_size}",
            f"augmentation: {', '.join(augment.parts) or 'none'}, for {why} (--augment.parts)",
        ),
    )


def coarse_below(recipe: Recipe) -> int | None:
    """Return the steps below which pictures of a recipe are coarse.

    Args:
        recipe: The recipe.

    Returns:
        The steps of one of the two recipes that are chosen here; None of another.
    """
    return COARSE_BELOW if recipe.name in (dcgan.name, dcgan_classes.name) else None


def _width(facts: DataFacts, *, on_gpu: bool) -> int:
    if len(facts.shape) != 3:
        raise Unsupported(
            f"{facts.name} has points of {facts.shape[0]} numbers, and no recipe is named; one is chosen for images "
            "only. Name one, such as paper-adam."
        )
    longer = max(facts.shape[1:])
    if not SMALLEST <= longer <= LARGEST:
        raise Unsupported(
            f"{facts.name} has images of {facts.shape[2]} x {facts.shape[1]}, and no recipe is named; one is chosen "
            f"for a longer side from {SMALLEST} to {LARGEST}. Give --image-size, such as 64."
        )
    return 64 if on_gpu else next(width for side, width in WIDTHS if longer <= side)


def _batch_size(facts: DataFacts, parent: Recipe) -> int:
    """A small batch for few images, and no more than there are; two at the least, which batch normalisation needs."""
    return max(2, min(SMALL_BATCH, facts.images)) if facts.images < MANY_IMAGES else parent.batch_size


def _networks(row: AdversarialRow, width: int) -> dict[str, Any]:
    """Both networks of a row at another width."""
    rows: dict[str, Any] = {"generator": row.generator, "discriminator": row.discriminator}
    return {name: replace(network, width=width) for name, network in rows.items()}


def _augmentation(facts: DataFacts) -> tuple[AugmentationRow, str]:
    channels, *sides = facts.shape
    is_drawing = channels == 1 and max(sides) <= DRAWING_SIDE
    mirror: tuple[str, ...] = () if is_drawing else ("mirror",)
    if facts.images < MANY_IMAGES:
        return AugmentationRow((*mirror, "translation")), f"{facts.images:,} images are few, and soon known by heart"
    if is_drawing:
        return AugmentationRow(), "small grey images may be letters, which a mirror turns into others"
    return AugmentationRow(mirror), "a photo is as likely as its mirror image"
