"""Baselines of the 2014 table: each is a row of BASELINES, with a network that draws samples and what trains it.

Inside of the room a file imports only from those before it: baseline, boltzmann, descent, layer_progress, row_checks,
tied_layer, training_state, deep_belief, deep_gsn, denoising_autoencoder, stacked_contractive.
"""

from advnets.baselines.baseline import Baseline, BaselineTraining, Chain, is_chain
from advnets.baselines.deep_belief import DeepBelief
from advnets.baselines.deep_gsn import DeepGsn
from advnets.baselines.denoising_autoencoder import DenoisingAutoencoder
from advnets.baselines.descent import descend
from advnets.baselines.stacked_contractive import StackedContractive

BASELINES: dict[str, type[Baseline]] = {
    "deep_belief": DeepBelief,
    "stacked_contractive": StackedContractive,
    "denoising": DenoisingAutoencoder,
    "deep_gsn": DeepGsn,
}

__all__ = [
    "BASELINES", "Baseline", "BaselineTraining", "Chain", "DeepBelief", "DeepGsn",
    "DenoisingAutoencoder", "StackedContractive", "descend", "is_chain",
]  # fmt: skip
