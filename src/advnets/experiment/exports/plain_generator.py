"""A generator as a function of named inputs, whose images lie in [0, 1]: what a file for other programs computes."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from advnets.data import TRANSFORMS
from advnets.experiment.model import Model
from advnets.experiment.sampling.inputs import latent_of
from advnets.games import make, takes_given
from advnets.networks import LastingDropout, PatchNorm
from advnets.runs import Card

NOISES, LABELS, IMAGE, SAMPLES = "z", "labels", "image", "samples"
"""Names of inputs and of the output."""


class PlainGenerator(nn.Module):
    """Inputs by name -> samples.

    Images are in [0, 1] wherever the network's values have bounds: (x - low) / (high - low), and back for images that
    are given. They are not clamped, so that a value that is too large stays one. Points are as they are.

    Args:
        model: The model.

    Attributes:
        names: Names of the inputs, in the order in which they are taken.
    """

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.network, self.names = model.network, input_names(model)
        self.low, self.high = TRANSFORMS[model.card.transform].bounds or (0.0, 1.0)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Draw samples (n, *shape) of z (n, latent_size), labels (n,) and image (n, c, h, w), where it takes them."""
        by_name = dict(zip(self.names, inputs, strict=True))
        image = by_name.get(IMAGE)
        if image is not None and (self.low, self.high) != (0.0, 1.0):
            image = image * (self.high - self.low) + self.low
        samples = make(self.network, by_name.get(NOISES), by_name.get(LABELS, image))
        if (self.low, self.high) == (0.0, 1.0):
            return samples
        return (samples - self.low) / (self.high - self.low)


def input_names(model: Model) -> tuple[str, ...]:
    """Return the names of what a generator takes, noises first.

    Args:
        model: The model.

    Returns:
        The names; labels that the network does not see are left out.
    """
    names = (NOISES,) if model.card.latent_size else ()
    given = {"labels": LABELS, "images": IMAGE}.get(model.card.given or "")
    unseen = given == LABELS and names and not takes_given(model.network)
    return (*names, *((given,) if given and not unseen else ()))


def card_of_plain(card: Card) -> Card:
    """Return the card of what a `PlainGenerator` emits: images are in "unit" where the network's values have bounds."""
    bounded = len(card.data.shape) == 3 and TRANSFORMS[card.transform].bounds is not None
    return replace(card, transform="unit") if bounded else card


def shape_of_input(card: Card, name: str) -> tuple[int, ...]:
    """Return the shape of one item of an input: (latent_size,) of noises, () of labels, (c, h, w) of images."""
    if name == NOISES:
        return (card.latent_size,)
    return () if name == LABELS else tuple(card.data.given_shape or card.data.shape)


def draw_trial_inputs(card: Card, names: tuple[str, ...], n: int, seed: int) -> list[Tensor]:
    """Draw n values of each input: noises of p(z), any labels, and images of even noise in [0, 1].

    Args:
        card: What the generator is.
        names: Names of the inputs.
        n: How many.
        seed: Seed of all of them.

    Returns:
        The values, in the order of the names.
    """
    rng = torch.Generator().manual_seed(seed)
    values = {
        NOISES: lambda: latent_of(card)(n, rng),
        LABELS: lambda: torch.randint(card.data.classes or 1, (n,), generator=rng),
        IMAGE: lambda: torch.rand(n, *shape_of_input(card, IMAGE), generator=rng),
    }
    return [values[name]() for name in names]


def describe_mode(network: nn.Module) -> list[str]:
    """Say, one sentence each, how a generator is fixed where layers differ between training and afterwards.

    Args:
        network: The generator, in evaluation mode.

    Returns:
        The sentences.
    """
    layers = list(network.modules())
    inside = {id(inner) for layer in layers if isinstance(layer, PatchNorm) for inner in layer.modules()}
    running = any(isinstance(layer, nn.modules.batchnorm._BatchNorm) and id(layer) not in inside for layer in layers)
    of_each = any(isinstance(layer, PatchNorm | nn.InstanceNorm2d) for layer in layers)
    found = {
        "Batch normalisation takes the running moments of the training, whatever is beside a sample.": running,
        "Normalisation takes the moments of each image alone.": of_each,
        "Dropout, the noise of pix2pix, is off, so that an image has one translation.": any(
            isinstance(layer, LastingDropout) for layer in layers
        ),
    }
    return [sentence for sentence, holds in found.items() if holds]
