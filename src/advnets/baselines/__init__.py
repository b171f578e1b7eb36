"""Baselines of the 2014 table: each a row of BASELINES, with a network that draws and a Training that teaches it."""

from advnets.baselines.baseline import Baseline, BaselineTraining, Chain, is_chain
from advnets.baselines.contractive import StackedContractive
from advnets.baselines.dbn import DeepBelief
from advnets.baselines.denoising import Denoising
from advnets.baselines.descent import descend
from advnets.baselines.gsn import DeepGsn
from advnets.baselines.rbm import Rbm

BaselineRow = Rbm | DeepBelief | StackedContractive | Denoising | DeepGsn
BASELINES: dict[str, type[BaselineRow]] = {
    "rbm": Rbm,
    "deep_belief": DeepBelief,
    "stacked_contractive": StackedContractive,
    "denoising": Denoising,
    "deep_gsn": DeepGsn,
}

__all__ = [
    "BASELINES", "Baseline", "BaselineRow", "BaselineTraining", "Chain", "DeepBelief", "DeepGsn", "Denoising", "Rbm",
    "StackedContractive", "descend", "is_chain",
]  # fmt: skip
