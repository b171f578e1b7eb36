"""Deep generative stochastic networks: a Markov chain over layers that is trained by back-propagation to come back.

    h_i = tanh(h_{i-1} W_i + h_{i+1} W_{i+1}^T + b_i + N(0, sigma^2)) + N(0, sigma^2),    h_0 = x
    p(x | h_1) = sigmoid(h_1 W_1^T + b_0),    x <- salt-and-pepper(Bernoulli(p))

One step of the chain renews the odd layers, then the even ones, x being layer 0. Y. Bengio, E. Laufer, G. Alain and
J. Yosinski, Deep Generative Stochastic Networks Trainable by Backprop, 2014, sections 3 and 5; the numbers that the
paper leaves open are those of Li Yao's public code (yaoli/GSN, run_gsn.py and model.py). Four traps of that code and of
its kin are not repeated: for five months of its history it descended the squared error, here it is the cross-entropy
throughout; it trains on the validation images, here on the batches that are given and no others; its first sample is a
test image, here every chain begins from z; and pylearn2's example scores samples under windows around test images,
where the 2014 table scores test images under windows around samples, as `metrics.parzen` does.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from advnets.baselines.baseline import BaselineTraining
from advnets.baselines.checks import check_least, check_share, check_sizes
from advnets.baselines.descent import descend
from advnets.data import Batches
from advnets.errors import BadInput, unknown
from advnets.latents import gaussian
from advnets.optimizers import OPTIMIZERS
from advnets.schedules import ExponentialDecay, LinearDecay, Moment, Schedule
from advnets.training import Step

Layers = list[Tensor | None]
"""x, h_1 .. h_K of n chains, (n, width) each; None stands for zeros that have not been renewed yet."""
ROW = "deep_gsn"
DEPTHS = (1, 2, 3)
BLOCK = 1000
"""Chains that are walked at once when samples are drawn."""


class GenerativeStochasticNetwork(nn.Module):
    """Layers x, h_1 .. h_K and the chain over them, a `Chain`; each W_i serves both directions.

    shape: (c, h, w) of x. hidden: widths of h_1 .. h_K. salt_and_pepper: chance of a pixel to be replaced by a fair
    coin's 0 or 1. sigmas: of the Gaussian noise of h_1 .. h_K, before tanh and after it. burn_in: steps from z to a
    sample. bfloat16: whether products are made in it; sums, functions and parameters keep their type.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        hidden: tuple[int, ...],
        *,
        salt_and_pepper: float,
        sigmas: tuple[float, ...],
        burn_in: int,
        bfloat16: bool = False,
    ) -> None:
        super().__init__()
        widths = (math.prod(shape), *hidden)
        self.weights = nn.ParameterList(torch.empty(sizes) for sizes in zip(widths, hidden, strict=False))
        self.biases = nn.ParameterList(torch.zeros(width) for width in widths)
        for weight in self.weights:
            nn.init.xavier_uniform_(weight)
        self.shape, self.salt_and_pepper, self.sigmas = shape, salt_and_pepper, sigmas
        self.burn_in, self.coarse = burn_in, bfloat16
        self.passes_per_step = 2 * len(hidden)

    @torch.no_grad()
    def set_marginals(self, mean: Tensor) -> None:
        """Let p(x | h_1 = 0) be the mean image, (c, h, w), no pixel of it below .001 or above .999."""
        if not self.biases[0].is_meta:
            self.biases[0].copy_(mean.flatten().clamp(1e-3, 1 - 1e-3).logit())

    def forward(self, z: Tensor) -> Tensor:
        """p(x | h_1), (n, c, h, w), after `burn_in` steps of chains from h_K = z (n, width of h_K)."""
        state: Tensor = next(islice(self.walk(z), self.burn_in - 1, None))
        return state

    @torch.no_grad()
    def walk(self, z: Tensor) -> Iterator[Tensor]:
        """p(x | h_1) after each step from h_K = z, without end; z alone says where the layers below begin."""
        weights, layers = self._factors(), Layers([None] * len(self.biases))
        layers[-1] = z
        for i in reversed(range(1, len(layers) - 1)):
            layers[i] = self._hidden(i, layers, weights)
        layers[0] = self._drawn(self._visible(layers, weights))
        for logits in self._steps(layers, weights):
            yield logits.sigmoid().view(-1, *self.shape)

    def reconstructions(self, x: Tensor, walkbacks: int) -> list[Tensor]:
        """The logits of p(x | h_1), (n, d) each, of that many steps from corrupted x (n, c, h, w) in [0, 1] and h = 0.

        Gradients flow through all steps, but not through what is drawn: x.
        """
        layers = Layers([self.corrupt(x.flatten(1)), *([None] * len(self.weights))])
        return list(islice(self._steps(layers, self._factors()), walkbacks))

    def corrupt(self, x: Tensor) -> Tensor:
        """x in [0, 1] with salt and pepper: half of `salt_and_pepper` of its pixels become 0, as many 1."""
        u, half = torch.rand_like(x), self.salt_and_pepper / 2
        return torch.where(u < half, 0.0, torch.where(u >= 1 - half, 1.0, x))

    def _steps(self, layers: Layers, weights: list[Tensor]) -> Iterator[Tensor]:
        """The logits of each step, odd layers before even; what follows them in a step waits for the next."""
        while True:
            for i in range(1, len(layers), 2):
                layers[i] = self._hidden(i, layers, weights)
            logits = self._visible(layers, weights)
            yield logits
            layers[0] = self._drawn(logits)
            for i in range(2, len(layers), 2):
                layers[i] = self._hidden(i, layers, weights)

    def _hidden(self, i: int, layers: Layers, weights: list[Tensor]) -> Tensor:
        """Layer i >= 1 from its neighbours; one that is None counts as zeros."""
        ways = [(layers[i - 1], weights[i - 1])]
        if i + 1 < len(layers):
            ways.append((layers[i + 1], weights[i].t()))
        chains = next(len(layer) for layer in layers if layer is not None)
        total = self.biases[i].expand(chains, -1)
        for layer, weight in ways:
            total = total if layer is None else total + _product(layer, weight)
        return self._noisy(self._noisy(total, i).tanh(), i)

    def _noisy(self, h: Tensor, i: int) -> Tensor:
        sigma = self.sigmas[i - 1]
        return h + sigma * torch.randn_like(h) if sigma else h

    def _visible(self, layers: Layers, weights: list[Tensor]) -> Tensor:
        assert layers[1] is not None
        logits: Tensor = self.biases[0] + _product(layers[1], weights[0].t())
        return logits

    def _drawn(self, logits: Tensor) -> Tensor:
        """Salt and pepper upon Bernoulli(p), in one draw: a pixel is 1 with probability (1 - s) p + s / 2."""
        p = logits.detach().sigmoid()
        chance = (1 - self.salt_and_pepper) * p + self.salt_and_pepper / 2
        return torch.lt(torch.rand_like(p), chance).to(p.dtype)

    def _factors(self) -> list[Tensor]:
        # Cast once a chain, as each serves many products; torch's autocast would cast a transposed one each time.
        return [weight.bfloat16() if self.coarse else weight for weight in self.weights]


def _product(h: Tensor, weight: Tensor) -> Tensor:
    product: Tensor = torch.mm(h.to(weight.dtype), weight).to(h.dtype)
    return product


@dataclass(frozen=True)
class DeepGsn:
    """A Deep GSN and its training by walkback: the cross-entropy of x under each of several steps from corrupted x.

    hidden: widths of the hidden layers, one to three. A chain begins in the last, whose width latent_size must be.
    walkbacks: steps of the chain that a descent unrolls. salt_and_pepper: chance of a pixel to be replaced by a fair
    coin's 0 or 1, in training and in sampling. sigma: of the Gaussian noise of hidden layers, before and after tanh.
    noiseless_first: whether h_1 has none. marginals: whether visible biases begin at the logits of the mean image; at
    0 otherwise, from where a rate that is fit for the weights moves them too slowly. burn_in: steps from z to a sample.
    optimizer: a row of OPTIMIZERS. rate: of the loss that is a mean over pixels. momentum: of the optimizer `momentum`.
    betas: of Adam. bfloat16: whether products are made in bfloat16, which some CPUs multiply twice as fast; sums,
    functions and parameters stay in float32.

    The defaults were chosen on MNIST's validation images for few minutes of one thread, `published` are the public
    code's. Less noise in h_2 (1 for 2) leaves more of the classes in so short a training, but its chains hardly mix:
    121 nats for consecutive states of 100 of them, in place of 253.
    """

    hidden: tuple[int, ...] = (500, 500)
    walkbacks: int = 4
    salt_and_pepper: float = 0.4
    sigma: float = 2.0
    noiseless_first: bool = True
    marginals: bool = True
    burn_in: int = 50
    optimizer: str = "adam"
    rate: Schedule = LinearDecay(5e-3)  # noqa: RUF009 - frozen
    momentum: float = 0.0
    betas: tuple[float, float] = (0.9, 0.99)
    bfloat16: bool = True

    def __post_init__(self) -> None:
        if len(self.hidden) not in DEPTHS or min(self.hidden) < 1:
            raise BadInput(f"hidden: found {self.hidden}, expected one to three layers of 1 unit or more. Change it.")
        check_least(ROW, 1, walkbacks=self.walkbacks, burn_in=self.burn_in)
        check_least(ROW, 0, sigma=self.sigma)
        check_share(ROW, salt_and_pepper=self.salt_and_pepper, momentum=self.momentum)
        if not all(0 <= beta < 1 for beta in self.betas):
            raise BadInput(f"{ROW}: betas are {self.betas}; expected 0 or more and below 1. Change them.")
        if self.optimizer not in OPTIMIZERS:
            raise unknown("optimizer", self.optimizer, OPTIMIZERS)

    def build(self, latent_size: int, shape: tuple[int, ...], mean: Tensor) -> nn.Module:
        """The network, of images of `shape`, whose `mean` may set the visible biases.

        Raises Unsupported for points, BadInput where latent_size is not the width of the last hidden layer.
        """
        check_sizes(ROW, latent_size, shape, self.hidden[-1])
        network = GenerativeStochasticNetwork(
            shape,
            self.hidden,
            salt_and_pepper=self.salt_and_pepper,
            sigmas=(0.0 if self.noiseless_first else self.sigma, *(self.sigma for _ in self.hidden[1:])),
            burn_in=self.burn_in,
            bfloat16=self.bfloat16,
        )
        if self.marginals:
            network.set_marginals(mean)
        return network

    def training(self, network: nn.Module, batches: Batches) -> BaselineTraining:
        """Training by walkback of a network that `build` built, on batches of images in [0, 1]."""
        parameters = list(network.parameters())
        return WalkbackTraining(self, network, batches, OPTIMIZERS[self.optimizer](parameters, betas=self.betas))


published = DeepGsn(
    hidden=(1500, 1500),
    walkbacks=4,
    sigma=2.0,
    optimizer="momentum",
    rate=ExponentialDecay(0.125, 0.995 ** (-1 / 500), 0.0),
    momentum=0.5,
    marginals=False,
    burn_in=100,
    bfloat16=False,
)
"""The numbers of the public code, for batches of 100 and 1,000 epochs of 500 of them.

Its m <- m / 2 + g / 2, theta <- theta - .25 m is classical momentum of 1/2 at half the rate; the rate falls by .5 % an
epoch. Its chain has no burn-in: it begins at a test image.
"""


@dataclass
class WalkbackTraining:
    """The training of a Deep GSN: what it descends is the sum of the cross-entropies of the walkbacks."""

    row: DeepGsn
    network: nn.Module
    batches: Batches
    optimizer: Optimizer

    def steps(self, start: int) -> Iterator[Step]:
        """The steps from number `start` on, without end; each is one descent on the next batch."""
        assert isinstance(self.network, GenerativeStochasticNetwork)
        parameters = dict(self.network.named_parameters())
        for step, batch in enumerate(self.batches, start):
            losses = walkback_losses(self.network, batch.real, self.row.walkbacks)
            yield descend(losses, parameters, self.optimizer, player="chain", step=step)

    def schedule(self, moment: Moment) -> None:
        """Set the rate to what the row says of that moment."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.row.rate.at(moment)
            if "momentum" in group:
                group["momentum"] = self.row.momentum

    def state(self) -> dict[str, Any]:
        """The parameters, the optimizer and the position in the data."""
        tensors, optimizer = dict(self.network.state_dict()), self.optimizer.state_dict()
        return {"network": tensors, "optimizer": optimizer, "batches": self.batches.state()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave; raises BadInput if it is of another network."""
        try:
            self.network.load_state_dict(state["network"])
        except (RuntimeError, KeyError) as error:
            raise BadInput(f"the checkpoint is of another network than this: {error}") from error
        self.optimizer.load_state_dict(state["optimizer"])
        self.batches.load(state["batches"])

    def sample(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """n expectations, each of a chain of its own after the burn-in; z is drawn from rng, the chains are not."""
        width, device = self.row.hidden[-1], next(self.network.parameters()).device
        z = gaussian(width)(n, rng, device)
        return torch.cat([self.network(block) for block in torch.split(z, BLOCK)])


def walkback_losses(network: GenerativeStochasticNetwork, x: Tensor, walkbacks: int) -> dict[str, Tensor]:
    """Cross-entropies of x (n, c, h, w) in [0, 1], means over pixels and images, by name; training descends their sum.

    -x log p - (1 - x) log(1 - p) with p = sigmoid(logits), in its stable form. x stays real-valued: nothing is drawn.
    """
    target = x.flatten(1)
    return {
        f"walkback {number}": functional.binary_cross_entropy_with_logits(logits, target)
        for number, logits in enumerate(network.reconstructions(x, walkbacks), 1)
    }
