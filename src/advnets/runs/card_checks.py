"""What a share file's card may claim, checked before anything is allocated for it."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from advnets.data import TRANSFORMS
from advnets.errors import BadInput, TooBig, unknown
from advnets.latents import LATENTS
from advnets.runs.card import Card, DataCard

MOST_NUMBERS = 2**28
MOST_UNITS = 2**16
MOST_ITEMS = 64
MOST_PRODUCTS = 2**33
"""Steps of a chain times numbers of its network that a sample may take: seconds, not hours."""
MOST_STAGES = 8
LONGEST_NAME = 1024
"""Letters of a class's name: a folder's has at most 255 bytes, each of which may be written in four letters."""


def expected_tensors(card: Card, build: Callable[[Card], nn.Module]) -> dict[str, Tensor]:
    """Return the tensors that a card's network has, on the meta device, where nothing is allocated.

    Args:
        card: The card.
        build: A card -> its network on the meta device.

    Returns:
        The tensors by name, without numbers.

    Raises:
        BadInput: For a row, a number or a shape that cannot be.
        TooBig: For one over the limits.
    """
    check_card(card)
    tensors = build(card).state_dict()
    count = sum(tensor.numel() for tensor in tensors.values())
    if count > MOST_NUMBERS:
        raise TooBig(f"the generator has {count:,} numbers; at most {MOST_NUMBERS:,} are read")
    burn_in = card.generator.get("burn_in", 0)
    if isinstance(burn_in, int) and burn_in * count > MOST_PRODUCTS:
        raise TooBig(
            f"a sample takes {burn_in:,} steps of a chain of {count:,} numbers; at most {MOST_PRODUCTS:,} products "
            "are made"
        )
    return tensors


def check_card(card: Card) -> None:
    """Check that a card's names are in their tables, and its numbers within limits.

    Args:
        card: The card.

    Raises:
        BadInput: For a name, a shape, a step or a number of classes that cannot be.
        TooBig: For a number or a list over the limits.
    """
    for name, table in (("latent", LATENTS), ("transform", TRANSFORMS)):
        if getattr(card, name) not in table:
            raise unknown(name, getattr(card, name), table)
    shape, classes = card.data.shape, card.data.classes
    if len(shape) not in (1, 3) or (card.transform == "identity") != (len(shape) == 1):
        raise BadInput(
            f"transform {card.transform!r} with samples of shape {shape}; expected images (c, h, w), or "
            "points (d,) with 'identity'"
        )
    if card.given not in (None, "labels", "images"):
        raise unknown("given", str(card.given), ("labels", "images"))
    if card.step < 0 or (classes is not None and classes < 1):
        raise BadInput(f"step is {card.step} and classes {classes}; expected 0 or more, and 1 or more or none")
    sizes = (*shape, *(card.data.given_shape or ()), *(() if card.given == "images" else (card.latent_size,)))
    if not all(1 <= number <= MOST_UNITS for number in sizes):
        raise TooBig(f"latent_size is {card.latent_size} and shape {shape}; expected numbers of 1 to {MOST_UNITS:,}")
    if card.code.size > card.latent_size:
        raise BadInput(f"latent_size is {card.latent_size} with a code of {card.code.size}; expected at least as many")
    if len(card.below) > MOST_STAGES:
        raise TooBig(f"the card has {len(card.below)} stages; expected at most {MOST_STAGES}")
    _check_classes(card.data)
    for row in (card.generator, *card.below):
        _expect_small(row)


def _check_classes(data: DataCard) -> None:
    """Names and shares of the classes are as many as there are classes, and labels can be drawn by the shares."""
    for what, found in (("names", data.class_names), ("shares", data.frequencies)):
        if found is not None and len(found) != data.classes:
            raise BadInput(f"the card has {len(found):,} {what} of classes; expected {data.classes}")
    shares = data.frequencies
    if shares is not None and not (all(0 <= share <= 1 for share in shares) and sum(shares) > 0):
        raise BadInput("the card has shares of classes that are none; expected 0 to 1, and not all of them 0")
    longest = max(map(len, data.class_names or ()), default=0)
    if longest > LONGEST_NAME:
        raise TooBig(f"the card has a name of {longest:,} letters; expected at most {LONGEST_NAME:,} for a class")


def _expect_small(value: Any) -> None:
    """No whole number of a network's row is negative or huge, and no list of them long."""
    if isinstance(value, int) and not 0 <= value <= MOST_UNITS:
        raise TooBig(f"the generator has the number {value}; expected 0 to {MOST_UNITS:,}")
    items = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else []
    if len(items) > MOST_ITEMS:
        raise TooBig(f"the generator has a list of {len(items):,}; expected at most {MOST_ITEMS}")
    for item in items:
        _expect_small(item)
