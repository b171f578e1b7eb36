"""Translations of held-out images, to be measured."""

import torch
from torch import Tensor, nn

from advnets.assessment import Subject, Translations
from advnets.data import Split
from advnets.errors import BadInput
from advnets.experiment.sampling.translation import TranslationPlan, translate_stored
from advnets.runs import Card


def draw_translations(network: nn.Module, card: Card, split: Split, n: int, *, seed: int, name: str) -> Subject:
    """Translate held-out images once each.

    Args:
        network: The generator, in evaluation mode.
        card: What it is.
        split: The images, as `given`, with their targets where they are pairs.
        n: How many of them: of fewer than all a fixed random draw, the same for every generator and seed.
        seed: Seed of the generator's noise.
        name: How errors call the generator.

    Returns:
        The translations, and what they are translations of.

    Raises:
        BadInput: If the data have no such images, or fewer than n, or images of another shape.
    """
    inputs = _expect_inputs(split, card, n, name)
    split.verify()
    places = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(0))[:n].sort().values
    given = inputs[places]
    made = translate_stored(network, card, given, TranslationPlan(seed=seed), name=name)
    labels = split.input_labels
    of = Translations(
        given,
        split.values[places] if split.is_paired else None,
        labels=None if labels is None else labels[places],
    )
    return Subject(name, torch.from_numpy(made).permute(0, 3, 1, 2).contiguous(), card.step, translations=of)


def _expect_inputs(split: Split, card: Card, n: int, name: str) -> Tensor:
    """The images that are translated, of which there are n or more."""
    if split.given is None:
        raise BadInput(
            f"{name} translates images, and these data have none that are given; expected pairs, or two kinds of "
            "images. Measure it on the data that it was trained on, or name others like them."
        )
    if tuple(split.given.shape[1:]) != card.data.given_shape:
        raise BadInput(
            f"{name}: found images of shape {tuple(split.given.shape[1:])} to translate, expected "
            f"{card.data.given_shape}, as it was trained on"
        )
    if n > len(split.given):
        raise BadInput(
            f"{name}: found {len(split.given):,} held-out images, expected {n:,}. Lower --n, or leave it out."
        )
    return split.given
