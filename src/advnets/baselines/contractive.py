"""Stacked contractive auto-encoders, and samples of them by moves along the tangents of what they learnt.

S. Rifai, P. Vincent, X. Muller, X. Glorot and Y. Bengio, Contractive auto-encoders: explicit invariance during feature
extraction, 2011; S. Rifai, Y. Bengio, Y. Dauphin and P. Vincent, A generative process for sampling contractive
auto-encoders, 2012. "Stacked CAE" of the 2014 table is two such layers (Y. Bengio, G. Mesnil, Y. Dauphin and S. Rifai,
Better mixing via deep representations, 2013).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, count, islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from advnets.baselines.checks import check_least, check_sizes
from advnets.baselines.descent import descend
from advnets.baselines.tied import TiedLayer, cross_entropy
from advnets.data import Batches
from advnets.errors import BadInput
from advnets.latents import gaussian
from advnets.optimizers import adam
from advnets.schedules import LinearDecay, Moment, Schedule, moment_within
from advnets.training import Step

ROW = "stacked_contractive"


@dataclass(frozen=True)
class StackedContractive:
    """Contractive auto-encoders, each trained on the hidden means of the one below; its chain runs in the top one.

    The published rows' sizes are not known to us; a narrow top layer is our choice, for in one of 500 units more
    and more chains fall into 1s. Those of the narrow layer do not mix: where they began, they nearly stay.

    hidden: units of each layer, from the pixels up; one layer is the CAE, two are the table's stacked CAE.
    contraction: lambda, the weight of each layer's penalty, as autograd has it: the authors' code has a gradient of
        half the penalty's, so that its .1 is .05 here. A single one serves all layers.
    shares: of the budget, one for each layer, in any unit; a single one for equal shares.
    rate: Adam's, over each layer's share.
    sigma: standard deviation of the chain's moves before the Jacobian.
    burn_in: steps of a chain before its sample.
    """

    hidden: tuple[int, ...] = (500, 100)
    contraction: tuple[float, ...] = (0.1, 1.0)
    shares: tuple[float, ...] = (3.0, 2.0)
    rate: Schedule = LinearDecay(3e-3)  # noqa: RUF009 - frozen
    sigma: float = 0.3
    burn_in: int = 20

    def __post_init__(self) -> None:
        check_least(ROW, 1, hidden=self.hidden, burn_in=self.burn_in)
        check_least(ROW, 0, contraction=self.contraction, shares=self.shares, sigma=self.sigma)
        for name, found in {"contraction": self.contraction, "shares": self.shares}.items():
            if len(found) not in (1, len(self.hidden)):
                raise BadInput(
                    f"{ROW}: {name}: found {len(found)} for {len(self.hidden)} layers, expected one for each, or a "
                    "single one for all. Give as many as `hidden` has."
                )
        if min(self.shares) == 0 or not math.isfinite(sum(self.shares)):
            raise BadInput(f"{ROW}: shares are {self.shares}; expected numbers above 0. Give every layer its time.")

    def build(self, latent_size: int, shape: tuple[int, ...], mean: Tensor) -> nn.Module:
        """The stack, a Chain, whose pixels start at their marginals; raises BadInput for sizes that do not fit."""
        check_sizes(ROW, latent_size, shape, self.hidden[-1])
        return ContractiveStack(self.hidden, tuple(shape), mean, sigma=self.sigma, burn_in=self.burn_in)

    def training(self, network: nn.Module, batches: Batches) -> "ContractiveTraining":
        """What trains that stack, layer by layer."""
        if not isinstance(network, ContractiveStack) or network.hidden != self.hidden:
            raise BadInput(f"{ROW}: found another network, expected the one that `build` gave. Build it by this row.")
        return ContractiveTraining(network, batches, self)

    def lambdas(self) -> tuple[float, ...]:
        """The weight of each layer's penalty."""
        return self.contraction * (1 if len(self.contraction) > 1 else len(self.hidden))

    def begins(self) -> tuple[float, ...]:
        """The share of the budget at which each layer begins, and 1."""
        shares = self.shares * (1 if len(self.shares) > 1 else len(self.hidden))
        return (0.0, *(total / sum(shares) for total in accumulate(shares[:-1])), 1.0)


class ContractiveStack(nn.Module):
    """The layers, and the chain of Rifai et al. 2012, algorithm 1, in the top one.

        h = f(x),  delta = J J' alpha,  alpha ~ N(0, sigma^2 I),  x <- g(h + delta)

    J = diag(s) W' is the encoder's Jacobian, s = h (1 - h), so that J J' alpha = s (W' (W (s alpha))). Of several
    layers, x lies in the hidden means of the layer below the top, J is the top layer's own, and what is emitted is
    decoded down by means.

    hidden: units of each layer, from the pixels up. shape: (c, h, w) of what is emitted. mean: of the pixels.
    sigma: of alpha. burn_in: steps before a sample.
    """

    passes_per_step: int = 4
    """Products by a layer's matrix in one step: up, down, and by J' and J; what is emitted takes one more for each
    layer below the top."""

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
        """The layer of that number, 0 the one at the pixels."""
        layer = self.layers[number]
        assert isinstance(layer, TiedLayer)
        return layer

    @torch.no_grad()
    def forward(self, z: Tensor) -> Tensor:
        """One sample of each of n chains, `burn_in` steps from h = sigmoid(z), z (n, hidden[-1])."""
        below = next(islice(self._states(z), self.burn_in - 1, None))
        return self._emit(below)

    @torch.no_grad()
    def walk(self, z: Tensor) -> Iterator[Tensor]:
        """What the chains emit after each step from h = sigmoid(z)."""
        for below in self._states(z):
            yield self._emit(below)

    def means(self, x: Tensor, number: int) -> Tensor:
        """What the layer of that number is trained on: samples (n, ...) brought up to it by hidden means."""
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


def penalty(h: Tensor, weight: Tensor) -> Tensor:
    """||J||_F^2 = sum_j (h_j (1 - h_j))^2 sum_i W_ij^2 of h = sigmoid(x W + b), one a sample, (batch,).

    Two public codes have another: `sum(J^2) // n` is a step function, whose gradient is 0, and `sum_i W_ij` squared as
    a whole is not the norm of a column. A third's gradient, written by hand, is half of this one's.
    h: (batch, hidden). weight: W, (visible, hidden).
    """
    return (h * (1 - h)).square() @ weight.square().sum(0)


def tangent_move(h: Tensor, weight: Tensor, alpha: Tensor) -> Tensor:
    """J J' alpha, (batch, hidden), with J = diag(h (1 - h)) W', without a Jacobian: two products by W."""
    s = h * (1 - h)
    move: Tensor = s * (((s * alpha) @ weight.T) @ weight)
    return move


@dataclass
class ContractiveTraining:
    """Greedy training: sum-of-pixels cross-entropy + lambda ||J||_F^2, of one layer after another.

    layer: number of the layer that is trained, from 0; it never goes back. began: the step and the epoch at which its
    training began.
    """

    network: ContractiveStack
    batches: Batches
    row: StackedContractive
    layer: int = 0
    began: tuple[int, int] = (0, 0)
    optimizer: Optimizer = field(init=False)

    def __post_init__(self) -> None:
        self.optimizer = self._fresh()

    def schedule(self, moment: Moment) -> None:
        """Before each step: the layer whose share of the budget this is, and the rate at this point of its share."""
        begins = self.row.begins()
        due = sum(begin <= moment.progress for begin in begins[1:-1])
        if due > self.layer:
            self.layer, self.began = due, (moment.step, moment.epoch - 1)
            self.optimizer = self._fresh()
        for group in self.optimizer.param_groups:
            group["lr"] = self.row.rate.at(moment_within(moment, begins, self.layer, self.began))

    def steps(self, start: int) -> Iterator[Step]:
        """The steps from number `start` on, without end."""
        for step in count(start):
            layer = self.network.layer(self.layer)
            losses = self._losses(layer, next(self.batches).real)
            parameters = dict(layer.named_parameters())
            yield descend(losses, parameters, self.optimizer, player=f"layer {self.layer + 1}", step=step)

    def _losses(self, layer: TiedLayer, real: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            x = self.network.means(real, self.layer)
        h = layer.encode(x)
        contraction = self.row.lambdas()[self.layer] * penalty(h, layer.weight).mean()
        return {"reconstruction": cross_entropy(layer.logits(h), x), "contraction": contraction}

    def _fresh(self) -> Optimizer:
        return adam(list(self.network.layer(self.layer).parameters()), betas=(0.9, 0.999))

    def state(self) -> dict[str, Any]:
        """The layer, the network, its optimizer and the position in the data."""
        return {
            "layer": {"number": self.layer, "began": list(self.began)},
            "network": dict(self.network.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "batches": self.batches.state(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave; raises BadInput if its network is another."""
        try:
            self.network.load_state_dict(state["network"])
            self.layer, self.began = state["layer"]["number"], tuple(state["layer"]["began"])
            self.optimizer = self._fresh()
            self.optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, KeyError, IndexError, ValueError) as error:
            raise BadInput(f"the checkpoint is of another network than this: {error}") from error
        self.batches.load(state["batches"])

    @torch.no_grad()
    def sample(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """n samples of independent chains; rng draws where they begin, torch's default generator their moves."""
        emitted: Tensor = self.network(gaussian(self.row.hidden[-1])(n, rng, self.network.layer(0).weight.device))
        return emitted
