"""Samples that are made a block at a time."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import torch
from torch import nn

from advnets.assessment import Progress
from advnets.data import TRANSFORMS
from advnets.errors import NonFinite
from advnets.experiment.sampling.files import Values
from advnets.experiment.sampling.inputs import Inputs
from advnets.experiment.sampling.samples import Samples
from advnets.games import make
from advnets.randomness import Streams, mix_seed
from advnets.runs import Card

BLOCK = 1000
"""Samples that are made at once, at most."""
VALUES = 2**22
"""Numbers of these, pixels x channels, at most: 341 colour images of 64 x 64. Between its layers a network holds many
times as much, near a gigabyte for a thousand such images."""

ShowProgress = Callable[[Progress], object]
"""Called with the progress of a long task as it goes on."""


def make_blocks(network: nn.Module, card: Card, inputs: Inputs, *, name: str) -> Iterator[Values]:
    """Make samples block by block, or one by one where each has a seed of its own.

    What a network draws for itself goes on from block to block, and the random numbers of the program around it are
    left alone.

    Args:
        network: The generator.
        card: What it is.
        inputs: What the samples are made of.
        name: How errors call the generator.

    Yields:
        Images, uint8 (b, h, w, c), or points, float32 (b, d).

    Raises:
        NonFinite: If the network makes a NaN or an Inf.
    """
    transform = TRANSFORMS[card.transform]
    at_most = min(BLOCK, max(1, VALUES // math.prod(card.data.shape)))
    block = 1 if isinstance(inputs.seeds, Sequence) else at_most
    for i, own in zip(range(0, len(inputs), block), _streams(inputs.seeds), strict=False):
        z, given = (part if part is None else part[i : i + block] for part in (inputs.z, inputs.given))
        with torch.no_grad(), own.as_defaults():
            emitted = make(network, z, given)
        if not all(bool(end.isfinite()) for end in emitted.aminmax()):  # a NaN is both, and this makes no copy
            raise NonFinite(f"{name}: its network makes NaN or Inf of finite noises; its numbers are too large")
        yield Samples.of(emitted, transform).values


def _streams(seeds: int | Sequence[int]) -> Iterator[Streams]:
    """The random numbers of each block: new ones for each seed, or the same that go on."""
    if isinstance(seeds, Sequence):
        return (Streams(mix_seed("chain", seed), torch.device("cpu")) for seed in seeds)
    return repeat(Streams(mix_seed("chain", seeds), torch.device("cpu")))


def join_blocks(blocks: Iterable[Values], *, frames: int | None = None) -> Samples:
    """Return blocks as samples in memory.

    Args:
        blocks: Blocks of images or of points, as `make_blocks` yields them; at least one.
        frames: As in `Samples`.

    Returns:
        The samples of all blocks, in order.
    """
    values: Any = np.concatenate(list(blocks))
    return Samples(values, frames)


def ignore_progress(progress: Progress) -> None:
    """Show nothing.

    Args:
        progress: The progress, which nobody sees.
    """


def follow_blocks(blocks: Iterable[Values], n: int, show: ShowProgress) -> Iterator[Values]:
    """Hand blocks on, and tell how many of n samples there are by now.

    Args:
        blocks: The blocks.
        n: Samples of all blocks together.
        show: What is told the progress.

    Yields:
        The blocks.
    """
    done = 0
    for block in blocks:
        yield block
        done += len(block)
        show(Progress(f"{done:,} of {n:,} samples", done / n))
