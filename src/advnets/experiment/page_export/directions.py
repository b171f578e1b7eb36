"""The directions of z that change a generator's pictures most."""

import torch
from torch import Tensor

from advnets.experiment.model import Model
from advnets.games import make

DIRECTIONS = 8
"""How many the page has sliders for."""
DRAWS = 256
"""Noises over which slopes are averaged."""
BLOCK = 32


def principal_directions(model: Model, at_most: int = DIRECTIONS) -> Tensor:
    """Return the principal directions of z, the strongest first.

    With J the slopes of the samples in z, a small step v changes a sample by J v, so that the mean squared change is
    v^T E[J^T J] v, which is largest along the first eigenvectors. With w ~ N(0, I), E[w w^T] = I, and J^T w, one
    backward pass, gives E[J^T J] = E[J^T w w^T J]. These are the leading right-singular vectors of J for one z; A.
    Ramesh, Y. Choi, Y. LeCun, "A spectral regularizer for unsupervised disentanglement" (2018), look along them.

    Args:
        model: A generator that takes noises; with labels, slopes are averaged over classes.
        at_most: How many directions, if z has as many coordinates.

    Returns:
        Unit vectors (k, coordinates of z without its code), each with its largest number positive.
    """
    card = model.card
    own = card.latent_size - card.code.size
    z, rng = model.draw(DRAWS, seed=0), torch.Generator().manual_seed(0)
    classes = card.data.classes or 1
    labels = torch.arange(DRAWS) % classes if card.given == "labels" else None
    slopes = [
        _slopes(model, part, None if labels is None else labels[BLOCK * i :][:BLOCK], rng)[:, :own]
        for i, part in enumerate(torch.split(z, BLOCK))
    ]
    stacked = torch.cat(slopes).double()
    strongest = torch.linalg.eigh(stacked.T @ stacked).eigenvectors.flip(1).T[: min(at_most, own)]
    largest = strongest.gather(1, strongest.abs().argmax(1, keepdim=True))
    directions: Tensor = (strongest * largest.sign()).float()
    return directions


@torch.inference_mode(False)
def _slopes(model: Model, z: Tensor, given: Tensor | None, rng: torch.Generator) -> Tensor:
    """J^T w at each z, (batch, latent_size)."""
    with torch.enable_grad():
        leaf = z.clone().requires_grad_()
        samples = make(model.network, leaf, given)
        w = torch.randn(samples.shape, generator=rng)
        slopes: Tensor = torch.autograd.grad((samples * w).sum(), leaf)[0]
        return slopes
