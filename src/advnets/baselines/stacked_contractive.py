"""Stacked contractive auto-encoders, and samples of them by moves along the tangents of what they learnt.

S. Rifai, P. Vincent, X. Muller, X. Glorot and Y. Bengio, Contractive auto-encoders: explicit invariance during feature
extraction, 2011; S. Rifai, Y. Bengio, Y. Dauphin and P. Vincent, A generative process for sampling contractive
auto-encoders, 2012. "Stacked CAE" of the 2014 table is two such layers (Y. Bengio, G. Mesnil, Y. Dauphin and S. Rifai,
Better mixing via deep representations, 2013).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from advnets.baselines.baseline import Baseline, BaselineTraining
from advnets.baselines.descent import descend
from advnets.baselines.layer_progress import LayerProgress, check_shares, layer_begins
from advnets.baselines.row_checks import check_layers, check_least, check_sizes
from advnets.baselines.tied_layer import TiedLayer, cross_entropy
from advnets.baselines.training_state import explain_other_network, training_state
from advnets.data import Batches
from advnets.errors import BadInput
from advnets.networks import Sizes
from advnets.optimizers import Adam
from advnets.schedules import LinearDecay, Schedule
from advnets.training import Moment, Step

ROW = "stacked_contractive"


@dataclass(frozen=True)
class StackedContractive(Baseline):
    """Contractive auto-encoders, each trained on the hidden means of the one below; the chain runs in the top one.

    The sizes of the published rows are not known to us. A narrow top layer is our choice: in one of 500 units more and
    more chains fall into 1s. The chains of the narrow layer do not mix: they nearly stay where they began.

    Attributes:
        hidden: Units of each layer, from the pixels up. One layer is the CAE, two are the stacked CAE of the table.
        contraction: lambda, the weight of each layer's penalty; a single one serves all layers. The gradient is that
            of autograd. The authors' code has half the gradient, so that its .1 is .05 here.
        shares: Share of the budget for each layer, in any unit; a single one for equal shares.
        rate: Adam's rate, over each layer's share.
        sigma: Standard deviation of the chain's moves before the Jacobian.
        burn_in: Steps of a chain before its sample.

    Raises:
        BadInput: If a number is out of its range, or `contraction` or `shares` has neither one nor one a layer.
    """

    hidden: tuple[int, ...] = (500, 100)
    contraction: tuple[float, ...] = (0.1, 1.0)
    shares: tuple[float, ...] = (3.0, 2.0)
    rate: Schedule = LinearDecay(3e-3)  # noqa: RUF009 - frozen
    sigma: float = 0.3
    burn_in: int = 20

    def __post_init__(self) -> None:
        check_layers(ROW, self.hidden)
        check_least(ROW, 1, burn_in=self.burn_in)
        check_least(ROW, 0, contraction=self.contraction, sigma=self.sigma)
        for name, found in {"contraction": self.contraction, "shares": self.shares}.items():
            if len(found) not in (1, len(self.hidden)):
                raise BadInput(
                    f"{ROW}: {name}: found {len(found)} for {len(self.hidden)} layers, expected one for each, or a "
                    "single one for all. Give as many as `hidden` has."
                )
        check_shares(ROW, self.shares)

    @property
    def latent_size(self) -> int:
        """Units of the layer that its chains begin in."""
        return self.hidden[-1]

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the stack, whose pixels start at the mean image.

        Args:
            sizes: Shape of an image, latent size and mean; the latent size must be that of the top layer.

        Returns:
            The stack, a Chain.

        Raises:
            BadInput: If latent_size is not the width of the top layer.
            Unsupported: If the samples are points.
        """
        check_sizes(ROW, sizes, self.hidden[-1])
        return ContractiveStack(self.hidden, sizes.shape, sizes.marginals, sigma=self.sigma, burn_in=self.burn_in)

    def training(self, network: nn.Module, batches: Batches) -> "ContractiveTraining":
        """Return what trains a stack, layer by layer.

        Args:
            network: The stack that `build` built.
            batches: Images in [0, 1].

        Returns:
            The training, before its first step.

        Raises:
            BadInput: If the network is of another kind or other sizes.
        """
        if not isinstance(network, ContractiveStack) or network.hidden != self.hidden:
            raise BadInput(f"{ROW}: found another network, expected the one that `build` gave. Build it by this row.")
        return ContractiveTraining(network, batches, self)

    def lambdas(self) -> tuple[float, ...]:
        """Return the weight of each layer's penalty, also where one serves all layers.

        Returns:
            lambda of each layer, from the pixels up.
        """
        return self.contraction * (1 if len(self.contraction) > 1 else len(self.hidden))

    def begins(self) -> tuple[float, ...]:
        """Return the part of the budget at which each layer begins.

        Returns:
            One number in [0, 1) for each layer, rising from 0, and then 1.
        """
        return layer_begins(self.shares * (1 if len(self.shares) > 1 else len(self.hidden)))


class ContractiveStack(nn.Module):
    """The layers, and the chain of Rifai et al. 2012, algorithm 1, in the top one.

        h = f(x),  delta = J J' alpha,  alpha ~ N(0, sigma^2 I),  x <- g(h + delta)

    J = diag(s) W' is the encoder's Jacobian, s = h (1 - h), so that J J' alpha = s (W' (W (s alpha))). Of several
    layers, x lies in the hidden means of the layer below the top, J is the top layer's own, and what is emitted is
    decoded down by means.

    Args:
        hidden: Units of each layer, from the pixels up.
        shape: Shape of one image, (c, h, w).
        mean: Mean image in [0, 1], (c, h, w), at which the pixels start.
        sigma: Standard deviation of alpha.
        burn_in: Steps before a sample.
    """

    passes_per_step: int = 4
    """Products by a layer's matrix in one step: up, down, and by J' and J; to emit takes one more a layer below."""

    def __init__(
        self, hidden: tuple[int, ...], shape: tuple[int, ...], mean: Tensor, *, sigma: float, burn_in: int
    ) -> None:
        super().__init__()
        self.hidden, self.shape, self.sigma, self.burn_in = hidden, shape, sigma, burn_in
        widths = (mean.numel(), *hidden)
        self.layers = nn.ModuleList(
            TiedLayer(below, above, mean if number == 0 else None)
            for number, (below, above) in enumerate(zip(widths[:-1], hidden, strict=True))
        )

    def layer(self, number: int) -> TiedLayer:
        """Return one layer.

        Args:
            number: Its number, 0 for the one at the pixels.

        Returns:
            The layer.
        """
        layer = self.layers[number]
        assert isinstance(layer, TiedLayer)
        return layer

    @torch.no_grad()
    def forward(self, z: Tensor) -> Tensor:
        """Return one sample of each of n chains, `burn_in` steps from h = sigmoid(z).

        Args:
            z: Where the chains begin, (n, hidden[-1]).

        Returns:
            The means of the pixels in [0, 1], (n, c, h, w).
        """
        below = next(islice(self._states(z), self.burn_in - 1, None))
        return self._emit(below)

    @torch.no_grad()
    def walk(self, z: Tensor) -> Iterator[Tensor]:
        """Yield what n chains emit after each step from h = sigmoid(z), without end.

        Args:
            z: Where the chains begin, (n, hidden[-1]).

        Yields:
            The means of the pixels in [0, 1], (n, c, h, w).
        """
        for below in self._states(z):
            yield self._emit(below)

    def means(self, x: Tensor, number: int) -> Tensor:
        """Return what a layer is trained on: samples brought up to it by hidden means.

        Args:
            x: Samples in [0, 1], (n, ...).
            number: Number of the layer, 0 for the one at the pixels.

        Returns:
            The inputs of the layer, (n, width).
        """
        x = x.flatten(1)
        for below in range(number):
            x = self.layer(below).encode(x)
        return x

    def _states(self, z: Tensor) -> Iterator[Tensor]:
        top = self.layer(-1)
        h = z.sigmoid()
        while True:
            x = top.decode(h + tangent_move(h, top.weight, self.sigma * torch.randn_like(h)))
            yield x
            h = top.encode(x)

    def _emit(self, x: Tensor) -> Tensor:
        for number in reversed(range(len(self.layers) - 1)):
            x = self.layer(number).decode(x)
        return x.view(-1, *self.shape)


def contraction_penalty(h: Tensor, weight: Tensor) -> Tensor:
    """Return ||J||_F^2 = sum_j (h_j (1 - h_j))^2 sum_i W_ij^2 of h = sigmoid(x W + b).

    Two public codes have another one: `sum(J^2) // n` is a step function, whose gradient is 0, and `sum_i W_ij` squared
    as a whole is not the norm of a column. The gradient of a third, written by hand, is half of this one's.

    Args:
        h: Hidden means, (batch, hidden).
        weight: W, (visible, hidden).

    Returns:
        The penalty of each sample, (batch,).
    """
    return (h * (1 - h)).square() @ weight.square().sum(0)


def tangent_move(h: Tensor, weight: Tensor, alpha: Tensor) -> Tensor:
    """Return J J' alpha with J = diag(h (1 - h)) W', by two products with W and without a Jacobian.

    Args:
        h: Hidden means, (batch, hidden).
        weight: W, (visible, hidden).
        alpha: A direction, (batch, hidden).

    Returns:
        The move of the hidden means, (batch, hidden).
    """
    s = h * (1 - h)
    move: Tensor = s * (((s * alpha) @ weight.T) @ weight)
    return move


@dataclass
class ContractiveTraining(BaselineTraining):
    """Greedy training, one layer after another, of the cross-entropy summed over pixels + lambda ||J||_F^2.

    Attributes:
        network: The stack that is trained.
        batches: Images in [0, 1].
        row: The numbers of the training.
        layer_progress: Which layer is trained, and since when.
        optimizer: The optimizer of that layer.
    """

    network: ContractiveStack
    batches: Batches
    row: StackedContractive
    layer_progress: LayerProgress = field(init=False)
    optimizer: Optimizer = field(init=False)

    def __post_init__(self) -> None:
        self.layer_progress = LayerProgress(self.row.begins())
        self.optimizer = self._new_optimizer()

    def schedule(self, moment: Moment) -> None:
        """Set the layer that is trained, and its rate, to what the row says of a moment.

        Args:
            moment: Where the run stands.
        """
        while self.layer_progress.is_next_due(moment):
            self.layer_progress.start_next(moment)
            self.optimizer = self._new_optimizer()
        for group in self.optimizer.param_groups:
            group["lr"] = self.row.rate.at(self.layer_progress.moment_of_layer(moment))

    def steps(self, start: int) -> Iterator[Step]:
        """Yield the steps without end; `schedule` before each says which layer moves, and how fast.

        Args:
            start: Number of the first step.

        Yields:
            Each step after it was made.
        """
        for step in count(start):
            number = self.layer_progress.layer
            layer = self.network.layer(number)
            losses = self._losses(layer, next(self.batches).real)
            parameters = dict(layer.named_parameters())
            yield descend(losses, parameters, self.optimizer, player=f"layer {number + 1}", step=step)

    def _losses(self, layer: TiedLayer, real: Tensor) -> dict[str, Tensor]:
        number = self.layer_progress.layer
        with torch.no_grad():
            x = self.network.means(real, number)
        h = layer.encode(x)
        contraction = self.row.lambdas()[number] * contraction_penalty(h, layer.weight).mean()
        return {"reconstruction": cross_entropy(layer.logits(h), x), "contraction": contraction}

    def _new_optimizer(self) -> Optimizer:
        layer = self.network.layer(self.layer_progress.layer)
        return Adam((0.9, 0.999)).build(list(layer.parameters()))

    def state(self) -> dict[str, Any]:
        """Return the layer, the network, its optimizer and the position in the data."""
        return {
            "layer": self.layer_progress.state(),
            **training_state(self.network, self.optimizer, self.batches),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave.

        Args:
            state: The state of a training of the same row.

        Raises:
            BadInput: If it is of another network.
        """
        with explain_other_network():
            self.network.load_state_dict(state["network"])
            self.layer_progress.load(state["layer"])
            self.optimizer = self._new_optimizer()
            self.optimizer.load_state_dict(state["optimizer"])
        self.batches.load(state["batches"])
