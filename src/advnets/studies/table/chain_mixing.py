"""What a sample costs in passes through layers, and how independent the states of a Markov chain are."""

import itertools
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from advnets import statistics
from advnets.baselines import Chain, is_chain
from advnets.experiment import Model, Samples
from advnets.randomness import Streams, mix_seed
from advnets.studies.table.evaluator import PAPER, Evaluator
from advnets.studies.table.records import AutocorrelationTime, ChainMixing

CHAINS = 100
LONGER = 5
"""How many times as many states of the many chains give their autocorrelation time as are scored."""

SEED = 20140610
"""Seed of the noises at which the chains begin; they are others than those of the independent samples."""


def count_layers(network: nn.Module) -> int:
    """Count the layers with weights, each of which a generator's sample passes once.

    Args:
        network: The generator.

    Returns:
        Their number.
    """
    weights = (getattr(module, "weight", None) for module in network.modules())
    return sum(isinstance(weight, torch.Tensor) and weight.ndim >= 2 for weight in weights)


def measure_mixing(model: Model, evaluator: Evaluator) -> ChainMixing | None:
    """Measure how the chain of a model mixes.

    States are taken after the burn-in: of one chain as many as there are samples, and of CHAINS at once.

    Args:
        model: The model.
        evaluator: What scores the states.

    Returns:
        The mixing; None for a network that draws without a chain.
    """
    network: nn.Module = model.network
    if not is_chain(network):
        return None
    consecutive = max(evaluator.n // CHAINS, 1)
    one = _states(model, network, chains=1, steps=max(evaluator.n, 4))
    many = _states(model, network, chains=CHAINS, steps=max(LONGER * consecutive, 4))
    together = Samples(many[:, :consecutive].reshape(-1, *many.shape[2:]))
    return ChainMixing(
        burn_in=network.burn_in,
        passes_per_step=network.passes_per_step,
        one=_autocorrelation(one),
        many=_autocorrelation(many),
        chains=CHAINS,
        states=consecutive,
        consecutive=evaluator.score(together, PAPER),
    )


def _states(model: Model, network: Chain, *, chains: int, steps: int) -> NDArray[np.uint8]:
    """Return states after the burn-in, (chains, steps, h, w, c): images of 8 bits, which take little memory."""
    with torch.no_grad(), Streams(mix_seed("chain", SEED), torch.device("cpu")).as_defaults():
        walk = network.walk(model.draw(chains, seed=SEED))
        states = itertools.islice(walk, network.burn_in, network.burn_in + steps)
        images: Any = np.stack([Samples.of(state, model.transform).values for state in states], 1)
    values: NDArray[np.uint8] = images
    return values


def _autocorrelation(states: NDArray[np.uint8]) -> AutocorrelationTime:
    if (states == states[0, 0]).all():  # a chain that never moves
        return AutocorrelationTime(
            float(states.shape[1]), float(states.shape[1]), states.shape[0], states.shape[1], enough=False
        )
    found = statistics.autocorrelation_time(states)
    return AutocorrelationTime(
        found.value, found.standard_error, states.shape[0], states.shape[1], bool(found.notes["enough"])
    )
