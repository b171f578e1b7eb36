"""What a sample costs, in passes through layers, and how independent the states of a Markov chain are."""

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
from advnets.studies.table.records import AutocorrelationTime, Mixing

CHAINS = 100
LONGER = 5
"""The autocorrelation time of many chains is that of so many times as many states as are scored."""

SEED = 20140610
"""Of where the chains begin: other noises than those of the independent samples."""


def layers(network: nn.Module) -> int:
    """Layers with weights, each of which a generator's sample passes once."""
    weights = (getattr(module, "weight", None) for module in network.modules())
    return sum(isinstance(weight, torch.Tensor) and weight.ndim >= 2 for weight in weights)


def measure_mixing(model: Model, yardstick: Evaluator) -> Mixing | None:
    """How the chain of a model mixes; None for a network that draws without one.

    States are taken after the burn-in: of one chain as many as there are samples, and of CHAINS at once.
    """
    network: nn.Module = model.network
    if not is_chain(network):
        return None
    consecutive = max(yardstick.n // CHAINS, 1)
    one = _states(model, network, chains=1, steps=max(yardstick.n, 4))
    many = _states(model, network, chains=CHAINS, steps=max(LONGER * consecutive, 4))
    together = Samples(many[:, :consecutive].reshape(-1, *many.shape[2:]))
    return Mixing(
        burn_in=network.burn_in,
        passes_per_step=network.passes_per_step,
        one=_autocorrelation(one),
        many=_autocorrelation(many),
        chains=CHAINS,
        states=consecutive,
        consecutive=yardstick.score(together, PAPER),
    )


def _states(model: Model, network: Chain, *, chains: int, steps: int) -> NDArray[np.uint8]:
    """States after the burn-in, (chains, steps, h, w, c): images of 8 bits, so that they take little memory."""
    with torch.no_grad(), Streams(mix_seed("chain", SEED), torch.device("cpu")).as_defaults():
        walk = network.walk(model.draw(chains, seed=SEED))
        states = itertools.islice(walk, network.burn_in, network.burn_in + steps)
        values: Any = np.stack([Samples.of(state, model.transform).values for state in states], 1)
    kept: NDArray[np.uint8] = values
    return kept


def _autocorrelation(states: NDArray[np.uint8]) -> AutocorrelationTime:
    if (states == states[0, 0]).all():  # a chain that never moves
        return AutocorrelationTime(
            float(states.shape[1]), float(states.shape[1]), states.shape[0], states.shape[1], enough=False
        )
    found = statistics.autocorrelation_time(states)
    return AutocorrelationTime(
        found.value, found.standard_error, states.shape[0], states.shape[1], bool(found.notes["enough"])
    )
