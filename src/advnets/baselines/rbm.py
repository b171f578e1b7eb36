"""The restricted Boltzmann machine as a row: a deep belief net of one layer, whose chain runs at the pixels.

Public code to be read with care: the deep learning tutorials' rbm.py begins the chains it shows at test images.
"""

from dataclasses import dataclass, fields

from torch import Tensor, nn

from advnets.baselines.dbn import BeliefNet, DeepBelief, DeepBeliefTraining
from advnets.data import Batches
from advnets.schedules import Constant, LinearDecay, Schedule


@dataclass(frozen=True)
class Rbm:
    """One layer of bits above the pixels; z begins the chain in that layer, so latent_size is `hidden`.

    hidden: units of the hidden layer.
    gibbs_steps, persistent, rate, momentum, weight_decay, burn_in, deviation: as those of `DeepBelief`.
    """

    hidden: int = 1000
    gibbs_steps: int = 1
    persistent: bool = True
    rate: Schedule = LinearDecay(0.1)  # noqa: RUF009 - frozen
    momentum: Schedule = Constant(0.5)  # noqa: RUF009 - frozen
    weight_decay: float = 0.0
    burn_in: int = 50
    deviation: float = 0.01

    def __post_init__(self) -> None:
        self.as_deep_belief()

    def as_deep_belief(self) -> DeepBelief:
        """The same machine as a net of one layer."""
        numbers = {spec.name: getattr(self, spec.name) for spec in fields(self)}
        return DeepBelief(**(numbers | {"hidden": (self.hidden,)}))

    def build(self, latent_size: int, shape: tuple[int, ...], mean: Tensor) -> BeliefNet:
        """A machine of images of `shape`, its visible biases from `mean`, the mean image.

        Raises BadInput where latent_size is not `hidden`, Unsupported for points.
        """
        return self.as_deep_belief().build(latent_size, shape, mean)

    def training(self, network: nn.Module, batches: Batches) -> DeepBeliefTraining:
        """The training, by contrastive divergence, of the machine that `build` built."""
        return self.as_deep_belief().training(network, batches)
