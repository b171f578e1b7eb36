"""Deep generative stochastic networks: a Markov chain over layers that is trained by back-propagation to come back.

    h_i = tanh(h_{i-1} W_i + h_{i+1} W_{i+1}^T + b_i + N(0, sigma^2)) + N(0, sigma^2),    h_0 = x
    p(x | h_1) = sigmoid(h_1 W_1^T + b_0),    x <- salt-and-pepper(Bernoulli(p))

One step of the chain renews the odd layers, then the even ones, x being layer 0. Y. Bengio, E. Laufer, G. Alain and
J. Yosinski, Deep Generative Stochastic Networks Trainable by Backprop, 2014, sections 3 and 5. The numbers that the
paper leaves open are those of Li Yao's public code (yaoli/GSN, run_gsn.py and model.py). Four traps of that code and of
its kin are not repeated:

- For five months of its history it descended the squared error. Here it is the cross-entropy throughout.
- It trains on the validation images. Here training sees the batches that are given and no others.
- Its first sample is a test image. Here every chain begins from z.
- pylearn2's example scores samples under windows around test images. The 2014 table scores test images under windows
  around samples, as `metrics.parzen` does.
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

from advnets.baselines.baseline import Baseline, BaselineTraining
from advnets.baselines.descent import descend
from advnets.baselines.row_checks import check_least, check_probability, check_sizes
from advnets.baselines.training_state import explain_other_network, training_state
from advnets.data import Batches
from advnets.errors import BadInput
from advnets.networks import Sizes
from advnets.optimizers import Adam, Momentum, OptimizerRow, expect_optimizer, set_numbers
from advnets.schedules import ExponentialDecay, LinearDecay, Schedule
from advnets.training import Moment, Step

Layers = list[Tensor | None]
"""The layers x, h_1 .. h_K of n chains, (n, width) each; None stands for zeros that have not been renewed yet."""
ROW = "deep_gsn"
DEPTHS = (1, 2, 3)
BLOCK = 1000
"""Chains that are walked at once when samples are drawn."""


class GenerativeStochasticNetwork(nn.Module):
    """Layers x, h_1 .. h_K and the chain over them, a `Chain`; each W_i serves both directions.

    Args:
        shape: Shape of x, (c, h, w).
        hidden: Widths of h_1 .. h_K.
        salt_and_pepper: Probability that a pixel is replaced by a fair coin's 0 or 1.
        sigmas: Standard deviations of the Gaussian noise of h_1 .. h_K, before tanh and after it.
        burn_in: Steps from z to a sample.
        bfloat16: Whether products are made in bfloat16; sums, functions and parameters keep their type.
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
        """Set the visible biases so that p(x | h_1 = 0) is the mean image.

        Args:
            mean: The mean image, (c, h, w); its pixels are cut to .001 .. .999.
        """
        if not self.biases[0].is_meta:
            self.biases[0].copy_(mean.flatten().clamp(1e-3, 1 - 1e-3).logit())

    def forward(self, z: Tensor) -> Tensor:
        """Return p(x | h_1) after `burn_in` steps of n chains from h_K = z.

        Args:
            z: Where the chains begin, (n, width of h_K).

        Returns:
            The means of the pixels in [0, 1], (n, c, h, w).
        """
        state: Tensor = next(islice(self.walk(z), self.burn_in - 1, None))
        return state

    @torch.no_grad()
    def walk(self, z: Tensor) -> Iterator[Tensor]:
        """Yield p(x | h_1) after each step of n chains from h_K = z, without end.

        Args:
            z: Where the chains begin, (n, width of h_K); the layers below begin at what they are given h_K.

        Yields:
            The means of the pixels in [0, 1], (n, c, h, w).
        """
        weights, layers = self._factors(), Layers([None] * len(self.biases))
        layers[-1] = z
        for i in reversed(range(1, len(layers) - 1)):
            layers[i] = self._hidden(i, layers, weights)
        layers[0] = self._draw_visible(self._visible(layers, weights))
        for logits in self._steps(layers, weights):
            yield logits.sigmoid().view(-1, *self.shape)

    def reconstructions(self, x: Tensor, walkbacks: int) -> list[Tensor]:
        """Return the logits of p(x | h_1) at each of several steps from a corrupted x and h = 0.

        Gradients flow through all steps, but not through what is drawn: x.

        Args:
            x: Images in [0, 1], (n, c, h, w).
            walkbacks: Number of steps.

        Returns:
            One tensor for each step, (n, d).
        """
        layers = Layers([self.corrupt(x.flatten(1)), *([None] * len(self.weights))])
        return list(islice(self._steps(layers, self._factors()), walkbacks))

    def corrupt(self, x: Tensor) -> Tensor:
        """Return x with salt and pepper: each pixel becomes 0 or 1, with probability `salt_and_pepper` / 2 each.

        Args:
            x: Images in [0, 1], of any shape.

        Returns:
            The corrupted images, of the same shape.
        """
        u, half = torch.rand_like(x), self.salt_and_pepper / 2
        return torch.where(u < half, 0.0, torch.where(u >= 1 - half, 1.0, x))

    def _steps(self, layers: Layers, weights: list[Tensor]) -> Iterator[Tensor]:
        """Yield the logits of each step; the even layers are renewed only when the next step is asked for."""
        while True:
            for i in range(1, len(layers), 2):
                layers[i] = self._hidden(i, layers, weights)
            logits = self._visible(layers, weights)
            yield logits
            layers[0] = self._draw_visible(logits)
            for i in range(2, len(layers), 2):
                layers[i] = self._hidden(i, layers, weights)

    def _hidden(self, i: int, layers: Layers, weights: list[Tensor]) -> Tensor:
        """Return layer i >= 1 from its neighbours; one that is None counts as zeros."""
        ways = [(layers[i - 1], weights[i - 1])]
        if i + 1 < len(layers):
            ways.append((layers[i + 1], weights[i].t()))
        chains = next(len(layer) for layer in layers if layer is not None)
        total = self.biases[i].expand(chains, -1)
        for layer, weight in ways:
            total = total if layer is None else total + _product(layer, weight)
        return self._add_noise(self._add_noise(total, i).tanh(), i)

    def _add_noise(self, h: Tensor, i: int) -> Tensor:
        sigma = self.sigmas[i - 1]
        return h + sigma * torch.randn_like(h) if sigma else h

    def _visible(self, layers: Layers, weights: list[Tensor]) -> Tensor:
        assert layers[1] is not None
        logits: Tensor = self.biases[0] + _product(layers[1], weights[0].t())
        return logits

    def _draw_visible(self, logits: Tensor) -> Tensor:
        """Draw Bernoulli(p) with salt and pepper at once: a pixel is 1 with probability (1 - s) p + s / 2."""
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
class DeepGsn(Baseline):
    """A Deep GSN and its training by walkback: the cross-entropy of x under each of several steps from corrupted x.

    The defaults were chosen on MNIST's validation images for few minutes of one thread; `published` has the numbers of
    the public code. Less noise in h_2 (1 for 2) leaves more of the classes in so short a training, but its chains
    hardly mix: consecutive states of 100 of them score 121 nats, in place of 253.

    Attributes:
        hidden: Widths of the hidden layers, one to three. A chain begins in the last, whose width latent_size must be.
        walkbacks: Steps of the chain that a descent unrolls.
        salt_and_pepper: Probability that a pixel is replaced by a fair coin's 0 or 1, in training and in sampling.
        sigma: Standard deviation of the Gaussian noise of hidden layers, before and after tanh.
        noiseless_first: Whether h_1 has no noise.
        marginals: Whether visible biases begin at the logits of the mean image. They begin at 0 otherwise; from there
            a rate that is fit for the weights moves them too slowly.
        burn_in: Steps from z to a sample.
        optimizer: A row of OPTIMIZERS and its numbers.
        rate: Rate for the loss that is a mean over pixels.
        bfloat16: Whether products are made in bfloat16, which some CPUs multiply twice as fast; sums, functions and
            parameters stay in float32.

    Raises:
        BadInput: If a number is out of its range, or the optimizer is no row.
    """

    hidden: tuple[int, ...] = (500, 500)
    walkbacks: int = 4
    salt_and_pepper: float = 0.4
    sigma: float = 2.0
    noiseless_first: bool = True
    marginals: bool = True
    burn_in: int = 50
    optimizer: OptimizerRow = Adam((0.9, 0.99))  # noqa: RUF009 - frozen
    rate: Schedule = LinearDecay(5e-3)  # noqa: RUF009 - frozen
    bfloat16: bool = True

    def __post_init__(self) -> None:
        if len(self.hidden) not in DEPTHS or min(self.hidden) < 1:
            raise BadInput(
                f"{ROW}: hidden is {self.hidden}; expected one to three layers of 1 unit or more. Change it."
            )
        expect_optimizer(self.optimizer)
        check_least(ROW, 1, walkbacks=self.walkbacks, burn_in=self.burn_in)
        check_least(ROW, 0, sigma=self.sigma)
        check_probability(ROW, salt_and_pepper=self.salt_and_pepper)

    @property
    def latent_size(self) -> int:
        """Units of the layer that its chains begin in."""
        return self.hidden[-1]

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the network, whose visible biases start at the mean image if `marginals` is set.

        Args:
            sizes: Shape of an image, latent size and mean; the latent size must be that of the last hidden layer.

        Returns:
            The network, a Chain.

        Raises:
            BadInput: If latent_size is not the width of the last hidden layer.
            Unsupported: If the samples are points.
        """
        check_sizes(ROW, sizes, self.hidden[-1])
        network = GenerativeStochasticNetwork(
            sizes.shape,
            self.hidden,
            salt_and_pepper=self.salt_and_pepper,
            sigmas=(0.0 if self.noiseless_first else self.sigma, *(self.sigma for _ in self.hidden[1:])),
            burn_in=self.burn_in,
            bfloat16=self.bfloat16,
        )
        if self.marginals:
            network.set_marginals(sizes.marginals)
        return network

    def training(self, network: nn.Module, batches: Batches) -> "WalkbackTraining":
        """Return what trains a network by walkback.

        Args:
            network: The network that `build` built.
            batches: Images in [0, 1].

        Returns:
            The training, before its first step.
        """
        parameters = list(network.parameters())
        return WalkbackTraining(self, network, batches, self.optimizer.build(parameters))


published = DeepGsn(
    hidden=(1500, 1500),
    walkbacks=4,
    sigma=2.0,
    optimizer=Momentum(0.5),
    rate=ExponentialDecay(0.125, 0.995 ** (-1 / 500), 0.0),
    marginals=False,
    burn_in=100,
    bfloat16=False,
)
"""The numbers of the public code, for batches of 100 and 1,000 epochs of 500 of them.

Its m <- m / 2 + g / 2, theta <- theta - .25 m is classical momentum of 1/2 at half the rate; the rate falls by .5 % an
epoch. Its chain has no burn-in, since it begins at a test image.
"""


@dataclass
class WalkbackTraining(BaselineTraining):
    """The training of a Deep GSN: it descends the sum of the cross-entropies of the walkbacks.

    Attributes:
        row: The numbers of the training.
        network: The network that is trained.
        batches: Images in [0, 1].
        optimizer: The optimizer of the network.
    """

    row: DeepGsn
    network: nn.Module
    batches: Batches
    optimizer: Optimizer

    def steps(self, start: int) -> Iterator[Step]:
        """Yield the steps without end; each is one descent on the next batch.

        Args:
            start: Number of the first step.

        Yields:
            Each step after it was made.
        """
        assert isinstance(self.network, GenerativeStochasticNetwork)
        parameters = dict(self.network.named_parameters())
        for step, batch in enumerate(self.batches, start):
            losses = walkback_losses(self.network, batch.real, self.row.walkbacks)
            yield descend(losses, parameters, self.optimizer, player="chain", step=step)

    def schedule(self, moment: Moment) -> None:
        """Set the rate to what the row says of a moment.

        Args:
            moment: Where the run stands.
        """
        set_numbers(self.optimizer, lr=self.row.rate.at(moment), **self.row.optimizer.numbers_at(moment))

    def state(self) -> dict[str, Any]:
        """Return the network, its optimizer and the position in the data."""
        return training_state(self.network, self.optimizer, self.batches)

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave.

        Args:
            state: The state of a training of the same row.

        Raises:
            BadInput: If it is of another network.
        """
        with explain_other_network():
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
        self.batches.load(state["batches"])


def walkback_losses(network: GenerativeStochasticNetwork, x: Tensor, walkbacks: int) -> dict[str, Tensor]:
    """Return the cross-entropies of x under each step of the walk; training descends their sum.

    -x log p - (1 - x) log(1 - p) with p = sigmoid(logits), in its stable form. x stays real-valued: nothing is drawn.

    Args:
        network: The network that walks.
        x: Images in [0, 1], (n, c, h, w).
        walkbacks: Number of steps.

    Returns:
        The means over pixels and images, in nats, () each, by name.
    """
    target = x.flatten(1)
    return {
        f"walkback {number}": functional.binary_cross_entropy_with_logits(logits, target)
        for number, logits in enumerate(network.reconstructions(x, walkbacks), 1)
    }
