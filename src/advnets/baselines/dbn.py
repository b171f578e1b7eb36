"""Deep belief nets: restricted Boltzmann machines, each trained on what the one below makes of the data.

G. Hinton, S. Osindero and Y.-W. Teh, A fast learning algorithm for deep belief nets, 2006. The 2014 table takes its
number from Y. Bengio, G. Mesnil, Y. Dauphin and S. Rifai, Better mixing via deep representations, 2013; that paper's
sizes and training lengths could not be had, so these are ours.

Public code to be read with care: the deep learning tutorials' DBN.py has no generative sampler, and bits drawn from the
visible means, which some emit, score 79 nats even where the means are real digits. Here the means are emitted.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from advnets import distributed
from advnets.baselines.boltzmann import Boltzmann, Law, bits, free_energy, gibbs_step, hidden_mean, visible_mean
from advnets.baselines.checks import check_sizes
from advnets.baselines.descent import descend
from advnets.data import Batches
from advnets.errors import BadInput
from advnets.latents import gaussian
from advnets.optimizers import OPTIMIZERS
from advnets.schedules import Constant, LinearDecay, Moment, Schedule, moment_within
from advnets.training import Step


@dataclass(frozen=True)
class DeepBelief:
    """Layers of bits above the pixels; chains run in the top machine, and their state is projected down to the pixels.

    hidden: units of each hidden layer; a single layer is a restricted Boltzmann machine.
    shares: of the budget, for the training of each layer from the lowest up, in any unit; none given are equal ones.
    gibbs_steps: k, steps of the chain that the machine's own samples are the end of.
    persistent: whether that chain goes on from one batch to the next (PCD-k, T. Tieleman, Training restricted Boltzmann
        machines using approximations to the likelihood gradient, 2008), or begins at the data each time (CD-k).
    feed_bits: whether a layer passes draws upwards in training, rather than its means.
    rate, momentum: of the descent, by the steps, epochs and share of the budget of the layer that is trained.
    weight_decay: weight of |W|^2 / 2 in the loss.
    burn_in: Gibbs steps of the top machine from z to a sample.
    deviation: weights start in N(0, deviation^2).
    """

    hidden: tuple[int, ...] = (1000, 1000)
    shares: tuple[float, ...] = ()
    gibbs_steps: int = 1
    persistent: bool = True
    feed_bits: bool = False
    rate: Schedule = LinearDecay(0.1)  # noqa: RUF009 - frozen
    momentum: Schedule = Constant(0.5)  # noqa: RUF009 - frozen
    weight_decay: float = 0.0
    burn_in: int = 50
    deviation: float = 0.01

    def __post_init__(self) -> None:
        if min(self.hidden, default=0) < 1:
            raise BadInput(f"hidden is {self.hidden}; expected one layer or more, each of at least 1 unit")
        if self.shares and len(self.shares) != len(self.hidden):
            raise BadInput(
                f"shares: found {len(self.shares)} for {len(self.hidden)} hidden layers, expected one for each. Give "
                "as many as `hidden` has, or none for equal ones."
            )
        if not (all(share > 0 for share in self.shares) and math.isfinite(sum(self.shares))):
            raise BadInput(f"shares are {self.shares}; expected numbers above 0")
        for name, least in (("gibbs_steps", 1), ("burn_in", 0)):
            if getattr(self, name) < least:
                raise BadInput(f"{name} is {getattr(self, name)}; expected at least {least}. Change it.")
        for name in ("weight_decay", "deviation"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise BadInput(f"{name} is {getattr(self, name)}; expected a number of at least 0. Change it.")

    @property
    def start_size(self) -> int:
        """Units of the layer that chains begin in: below the top machine's, or the one hidden layer there is."""
        return self.hidden[-2:][0]

    def build(self, latent_size: int, shape: tuple[int, ...], mean: Tensor) -> "BeliefNet":
        """A net of images of `shape`, its lowest biases from `mean`, the mean image.

        Raises BadInput where latent_size is not `start_size`, Unsupported for points.
        """
        check_sizes("deep_belief", latent_size, shape, self.start_size)
        machines, mu = [], mean.flatten()
        for units in self.hidden:
            machines.append(Boltzmann(mu, units, deviation=self.deviation))
            mu = machines[-1].hidden_bias.detach().sigmoid()
        return BeliefNet(machines, shape, burn_in=self.burn_in)

    def training(self, network: nn.Module, batches: Batches) -> "DeepBeliefTraining":
        """The training, layer by layer, of the net that `build` built; its chains begin at the mean image."""
        if not isinstance(network, BeliefNet):
            raise BadInput(f"network: found {type(network).__name__}, expected the BeliefNet that `build` gave")
        return DeepBeliefTraining(network, batches, self)


class BeliefNet(nn.Module):
    """z -> the bits z > 0 -> Gibbs steps in the top machine -> down to the means of the pixels.

    The chain's state is the layer below the top one; of a single machine it is the hidden layer, so that z never has to
    be as large as an image.

    machines: from the pixels up, each as wide as the next one's visible layer. shape: (c, h, w). burn_in: steps before
    a sample.
    """

    passes_per_step = 2
    """Products with a layer's weights that one Gibbs step takes."""

    def __init__(self, machines: list[Boltzmann], shape: tuple[int, ...], *, burn_in: int) -> None:
        super().__init__()
        self.machines = nn.ModuleList(machines)
        self.shape, self.burn_in = shape, burn_in

    @torch.no_grad()
    def forward(self, z: Tensor) -> Tensor:
        """The expectation of each of n independent chains, in [0, 1] (n, c, h, w), after burn_in steps from z."""
        laws, state = self.laws(), (z > 0).to(z.dtype)
        for _ in range(self.burn_in):
            state = _next(laws, state)
        return _project(laws, state).view(-1, *self.shape)

    @torch.no_grad()
    def walk(self, z: Tensor) -> Iterator[Tensor]:
        """The expectations (n, c, h, w) of n chains after each step from z, without end."""
        laws, state = self.laws(), (z > 0).to(z.dtype)
        while True:
            state = _next(laws, state)
            yield _project(laws, state).view(-1, *self.shape)

    def laws(self) -> list[Law]:
        """Each machine's, from the pixels up."""
        return [machine.law() for machine in self.machines if isinstance(machine, Boltzmann)]


def _next(laws: list[Law], state: Tensor) -> Tensor:
    if len(laws) == 1:
        return bits(hidden_mean(laws[0], bits(visible_mean(laws[0], state))))
    return gibbs_step(laws[-1], state)


def _project(laws: list[Law], state: Tensor) -> Tensor:
    """Ancestral draws from the chain's layer down to the lowest hidden one, then the mean of the pixels."""
    for law in reversed(laws[1:-1]):
        state = bits(visible_mean(law, state))
    return visible_mean(laws[0], state)


@dataclass
class DeepBeliefTraining:
    """Training of a deep belief net, one machine at a time; those below it stay as they are.

    layer: of the machine that is trained, from 0. began: the step and the epoch at which it began. chains: the visible
    bits of its persistent chains, one for each sample of a batch, or none before its first step. Of several processes
    each has chains of its own, and `state` holds this one's alone.
    """

    network: BeliefNet
    batches: Batches
    row: DeepBelief
    layer: int = 0
    began: tuple[int, int] = (0, 0)
    chains: Tensor | None = None
    optimizer: torch.optim.Optimizer = field(init=False)

    def __post_init__(self) -> None:
        self.optimizer = self._fresh_optimizer()

    @property
    def machine(self) -> Boltzmann:
        """The one that is trained."""
        machine = self.network.machines[self.layer]
        assert isinstance(machine, Boltzmann)
        return machine

    def steps(self, start: int) -> Iterator[Step]:
        """The steps from number `start` on, without end; `schedule` before each says which layer moves, how fast."""
        for step, batch in enumerate(self.batches, start):
            data = self._beneath(batch.real.flatten(1))
            law = self.machine.law()
            fantasies = self._fantasies(Law(*(number.detach() for number in law)), data)
            losses = {"contrast": contrast(law, data, fantasies)}
            if self.row.weight_decay:
                losses["weight decay"] = 0.5 * self.row.weight_decay * law.weight.square().sum()
            parameters = dict(self.machine.named_parameters())
            yield descend(losses, parameters, self.optimizer, player=f"layer {self.layer + 1}", step=step)

    @torch.no_grad()
    def _beneath(self, x: Tensor) -> Tensor:
        """What the machines below make of the pixels x: means, or draws if the row feeds bits."""
        for machine in self.network.machines[: self.layer]:
            assert isinstance(machine, Boltzmann)
            x = hidden_mean(machine.law(), x)
            x = bits(x) if self.row.feed_bits else x
        return x

    @torch.no_grad()
    def _fantasies(self, law: Law, data: Tensor) -> Tensor:
        """The ends of chains of k Gibbs steps: from the former ends (PCD), or from the data (CD)."""
        if not self.row.persistent:
            v = data
        elif self.chains is None:
            v = bits(self.machine.mu.expand(len(data), -1))
        else:
            v = self.chains
        for _ in range(self.row.gibbs_steps):
            v = gibbs_step(law, v)
        self.chains = v if self.row.persistent else None
        return v

    def schedule(self, moment: Moment) -> None:
        """Set the layer that is trained, its rate and its momentum to what the row says of that moment."""
        begins = self._begins()
        while self.layer + 1 < len(self.row.hidden) and moment.progress >= begins[self.layer + 1]:
            self._next_layer(moment)
        moment = moment_within(moment, begins, self.layer, self.began)
        for group in self.optimizer.param_groups:
            group["lr"], group["momentum"] = self.row.rate.at(moment), self.row.momentum.at(moment)

    def _begins(self) -> list[float]:
        """The share of the budget at which each layer begins, and 1."""
        shares = torch.tensor(self.row.shares or (1.0,) * len(self.row.hidden), dtype=torch.float64)
        return [0.0, *(shares.cumsum(0) / shares.sum()).tolist()]

    def _next_layer(self, moment: Moment) -> None:
        # Of centred units the hidden bias is the logit of the mean hidden unit's response to the mean input.
        mu = self.machine.hidden_bias.detach().sigmoid()
        self.layer, self.began, self.chains = self.layer + 1, (moment.step, moment.epoch - 1), None
        self.machine.centre(mu)
        self.optimizer = self._fresh_optimizer()

    def _fresh_optimizer(self) -> torch.optim.Optimizer:
        return OPTIMIZERS["momentum"](list(self.machine.parameters()), betas=(0.0, 0.0))

    def state(self) -> dict[str, Any]:
        """The layer, all machines, the optimizer, the persistent chains and the position in the data."""
        return {
            "layer": {"number": self.layer, "began": list(self.began)},
            "network": dict(self.network.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "chains": {} if self.chains is None else {"visible": self.chains, "processes": distributed.world_size()},
            "batches": self.batches.state(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave; raises BadInput if it is of another net."""
        try:
            self.network.load_state_dict(state["network"])
            self.layer, self.began = state["layer"]["number"], tuple(state["layer"]["began"])
            self.optimizer = self._fresh_optimizer()
            self.optimizer.load_state_dict(state["optimizer"])
            chains = state["chains"].get("visible")
        except (RuntimeError, KeyError, IndexError, ValueError) as error:
            raise BadInput(f"the checkpoint is of another net than this: {error}") from error
        # Those of the first process alone are kept: of several, and of batches of another size, chains begin anew.
        alone = distributed.world_size() == 1 and state["chains"].get("processes", 1) == 1
        self.chains = chains.to(self.machine.mu) if alone and chains is not None else None
        self.batches.load(state["batches"])

    def sample(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """n samples, each the end of a chain of its own from z, drawn from `rng`; the chains draw from the default."""
        samples: Tensor = self.network(gaussian(self.row.start_size)(n, rng, self.machine.mu.device))
        return samples


def contrast(law: Law, data: Tensor, fantasies: Tensor) -> Tensor:
    """Mean free energy of the data less that of the machine's own samples, ().

    Its gradient is that of -log p(data), if the samples are of p(v). It is no log-likelihood: its value says nothing of
    how good a machine is.
    """
    energies = free_energy(law, torch.cat([data, fantasies]))
    return energies[: len(data)].mean() - energies[len(data) :].mean()
