"""Deep belief nets: restricted Boltzmann machines, each trained on what the one below makes of the data.

G. Hinton, S. Osindero and Y.-W. Teh, A fast learning algorithm for deep belief nets, 2006. The 2014 table takes its
number from Y. Bengio, G. Mesnil, Y. Dauphin and S. Rifai, Better mixing via deep representations, 2013; the
sizes and training lengths of that paper are not known to us, so these are ours.

Public code to be read with care: the deep learning tutorials' DBN.py has no generative sampler, and bits drawn from the
visible means, which some emit, score 79 nats even where the means are real digits. Here the means are emitted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from advnets import distributed
from advnets.baselines.baseline import Baseline, BaselineTraining
from advnets.baselines.boltzmann import (
    Boltzmann,
    Law,
    draw_bits,
    free_energy,
    gibbs_step,
    hidden_mean,
    visible_mean,
)
from advnets.baselines.descent import descend
from advnets.baselines.layer_progress import LayerProgress, check_shares, layer_begins
from advnets.baselines.row_checks import check_layers, check_least, check_sizes
from advnets.baselines.training_state import explain_other_network, training_state
from advnets.data import Batches
from advnets.errors import BadInput
from advnets.networks import Sizes
from advnets.optimizers import Momentum
from advnets.schedules import Constant, LinearDecay, Schedule
from advnets.training import Moment, Step

ROW = "deep_belief"


@dataclass(frozen=True)
class DeepBelief(Baseline):
    """Layers of bits above the pixels; chains run in the top machine, and their state is projected down to the pixels.

    A single layer is a restricted Boltzmann machine, whose chain runs between the pixels and that layer. The deep
    learning tutorials' rbm.py is to be read with care: it begins the chains that it shows at test images.

    Attributes:
        hidden: Units of each hidden layer, from the lowest up.
        shares: Share of the budget for each layer, from the lowest up, in any unit; none for equal ones.
        gibbs_steps: k, the steps of the chain whose end is the machine's own sample.
        persistent: Whether that chain goes on from one batch to the next (PCD-k, T. Tieleman, Training restricted
            Boltzmann machines using approximations to the likelihood gradient, 2008), or begins at the data each time
            (CD-k).
        feed_bits: Whether a layer passes draws upwards in training, rather than its means.
        rate: Rate of the descent, by the steps, epochs and share of the budget of the layer that is trained.
        momentum: Momentum of the descent, by the same.
        weight_decay: Weight of |W|^2 / 2 in the loss.
        burn_in: Gibbs steps of the top machine from z to a sample.
        deviation: Standard deviation of the normal distribution that the weights are drawn from.

    Raises:
        BadInput: If a number is out of its range, or `shares` has some, but not one for each layer.
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
        check_layers(ROW, self.hidden)
        if self.shares and len(self.shares) != len(self.hidden):
            raise BadInput(
                f"{ROW}: shares: found {len(self.shares)} for {len(self.hidden)} hidden layers, expected one for each. "
                "Give as many as `hidden` has, or none for equal ones."
            )
        check_shares(ROW, self.shares)
        check_least(ROW, 1, gibbs_steps=self.gibbs_steps)
        check_least(ROW, 0, burn_in=self.burn_in, weight_decay=self.weight_decay, deviation=self.deviation)

    @property
    def latent_size(self) -> int:
        """Units of the layer that its chains begin in."""
        return self.hidden[-2:][0]

    def build(self, sizes: Sizes) -> "BeliefNet":
        """Build the net; its lowest biases start at the logits of the mean image.

        Args:
            sizes: Shape of an image, latent size and mean; the latent size must be `latent_size`.

        Returns:
            The net, a Chain.

        Raises:
            BadInput: If latent_size is not `latent_size`.
            Unsupported: If the samples are points.
        """
        check_sizes(ROW, sizes, self.latent_size)
        machines, mu = [], sizes.marginals.flatten()
        for units in self.hidden:
            machines.append(Boltzmann(mu, units, deviation=self.deviation))
            mu = machines[-1].hidden_bias.detach().sigmoid()
        return BeliefNet(machines, sizes.shape, burn_in=self.burn_in)

    def training(self, network: nn.Module, batches: Batches) -> "DeepBeliefTraining":
        """Return what trains a net, layer by layer; its persistent chains begin at the mean image.

        Args:
            network: The net that `build` built.
            batches: Images in [0, 1].

        Returns:
            The training, before its first step.

        Raises:
            BadInput: If the network is of another kind.
        """
        if not isinstance(network, BeliefNet):
            raise BadInput(
                f"{ROW}: found {type(network).__name__}, expected the BeliefNet that `build` gave. Build it by this "
                "row."
            )
        return DeepBeliefTraining(network, batches, self)

    def begins(self) -> tuple[float, ...]:
        """Return the part of the budget at which each layer begins.

        Returns:
            One number in [0, 1) for each layer, rising from 0, and then 1.
        """
        return layer_begins(self.shares or (1.0,) * len(self.hidden))


class BeliefNet(nn.Module):
    """z -> the bits z > 0 -> Gibbs steps in the top machine -> down to the means of the pixels.

    The chain's state is the layer below the top one. Of a single machine it is the hidden layer, so that z never has to
    be as large as an image.

    Args:
        machines: The machines from the pixels up, each as wide as the visible layer of the next.
        shape: Shape of one image, (c, h, w).
        burn_in: Gibbs steps before a sample.
    """

    passes_per_step = 2
    """Products with a layer's weights that one Gibbs step takes."""

    def __init__(self, machines: list[Boltzmann], shape: tuple[int, ...], *, burn_in: int) -> None:
        super().__init__()
        self.machines = nn.ModuleList(machines)
        self.shape, self.burn_in = shape, burn_in

    @torch.no_grad()
    def forward(self, z: Tensor) -> Tensor:
        """Return the expectation of each of n independent chains after `burn_in` steps.

        Args:
            z: Where the chains begin, (n, latent_size).

        Returns:
            The means of the pixels in [0, 1], (n, c, h, w).
        """
        laws, state = self.laws(), (z > 0).to(z.dtype)
        for _ in range(self.burn_in):
            state = _next_state(laws, state)
        return _project(laws, state).view(-1, *self.shape)

    @torch.no_grad()
    def walk(self, z: Tensor) -> Iterator[Tensor]:
        """Yield the expectations of n chains after each step, without end.

        Args:
            z: Where the chains begin, (n, latent_size).

        Yields:
            The means of the pixels in [0, 1], (n, c, h, w).
        """
        laws, state = self.laws(), (z > 0).to(z.dtype)
        while True:
            state = _next_state(laws, state)
            yield _project(laws, state).view(-1, *self.shape)

    def laws(self) -> list[Law]:
        """Return the numbers of each machine, from the pixels up."""
        return [machine.law() for machine in self.machines if isinstance(machine, Boltzmann)]


def _next_state(laws: list[Law], state: Tensor) -> Tensor:
    if len(laws) == 1:
        return draw_bits(hidden_mean(laws[0], draw_bits(visible_mean(laws[0], state))))
    return gibbs_step(laws[-1], state)


def _project(laws: list[Law], state: Tensor) -> Tensor:
    """Draw from the chain's layer down to the lowest hidden one, then return the mean of the pixels."""
    for law in reversed(laws[1:-1]):
        state = draw_bits(visible_mean(law, state))
    return visible_mean(laws[0], state)


@dataclass
class DeepBeliefTraining(BaselineTraining):
    """Training of a deep belief net, one machine at a time; those below it stay as they are.

    Attributes:
        network: The net that is trained.
        batches: Images in [0, 1].
        row: The numbers of the training.
        layer_progress: Which machine is trained, and since when.
        chains: Visible bits of the machine's persistent chains, one for each sample of a batch; None before its first
            step. Of several processes each has chains of its own, and `state` holds those of this one alone.
        optimizer: The optimizer of the machine that is trained.
    """

    network: BeliefNet
    batches: Batches
    row: DeepBelief
    layer_progress: LayerProgress = field(init=False)
    chains: Tensor | None = None
    optimizer: Optimizer = field(init=False)

    def __post_init__(self) -> None:
        self.layer_progress = LayerProgress(self.row.begins())
        self.optimizer = self._new_optimizer()

    @property
    def machine(self) -> Boltzmann:
        """The machine that is trained."""
        machine = self.network.machines[self.layer_progress.layer]
        assert isinstance(machine, Boltzmann)
        return machine

    def steps(self, start: int) -> Iterator[Step]:
        """Yield the steps without end; `schedule` before each says which layer moves, and how fast.

        Args:
            start: Number of the first step.

        Yields:
            Each step after it was made.
        """
        for step, batch in enumerate(self.batches, start):
            data = self._encode_below(batch.real.flatten(1))
            law = self.machine.law()
            fantasies = self._draw_fantasies(Law(*(number.detach() for number in law)), data)
            losses = {"contrast": contrast(law, data, fantasies)}
            if self.row.weight_decay:
                losses["weight decay"] = 0.5 * self.row.weight_decay * law.weight.square().sum()
            parameters = dict(self.machine.named_parameters())
            yield descend(
                losses, parameters, self.optimizer, player=f"layer {self.layer_progress.layer + 1}", step=step
            )

    @torch.no_grad()
    def _encode_below(self, x: Tensor) -> Tensor:
        """Return what the machines below make of the pixels x: means, or draws if the row feeds bits."""
        for machine in self.network.machines[: self.layer_progress.layer]:
            assert isinstance(machine, Boltzmann)
            x = hidden_mean(machine.law(), x)
            x = draw_bits(x) if self.row.feed_bits else x
        return x

    @torch.no_grad()
    def _draw_fantasies(self, law: Law, data: Tensor) -> Tensor:
        """Return the ends of chains of k Gibbs steps, which begin at the former ends (PCD), or at the data (CD)."""
        if not self.row.persistent:
            v = data
        elif self.chains is None:
            v = draw_bits(self.machine.mu.expand(len(data), -1))
        else:
            v = self.chains
        for _ in range(self.row.gibbs_steps):
            v = gibbs_step(law, v)
        self.chains = v if self.row.persistent else None
        return v

    def schedule(self, moment: Moment) -> None:
        """Set the layer that is trained, its rate and its momentum to what the row says of a moment.

        Args:
            moment: Where the run stands.
        """
        while self.layer_progress.is_next_due(moment):
            self._start_next_layer(moment)
        moment = self.layer_progress.moment_of_layer(moment)
        for group in self.optimizer.param_groups:
            group["lr"], group["momentum"] = self.row.rate.at(moment), self.row.momentum.at(moment)

    def _start_next_layer(self, moment: Moment) -> None:
        # Of centred units the hidden bias is the logit of the mean hidden unit's response to the mean input.
        mu = self.machine.hidden_bias.detach().sigmoid()
        self.layer_progress.start_next(moment)
        self.chains = None
        self.machine.centre(mu)
        self.optimizer = self._new_optimizer()

    def _new_optimizer(self) -> Optimizer:
        return Momentum(0.0).build(list(self.machine.parameters()))

    def state(self) -> dict[str, Any]:
        """Return the layer, all machines, the optimizer, the persistent chains and the position in the data."""
        return {
            "layer": self.layer_progress.state(),
            "chains": {} if self.chains is None else {"visible": self.chains, "processes": distributed.world_size()},
            **training_state(self.network, self.optimizer, self.batches),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave.

        Args:
            state: The state of a training of the same row.

        Raises:
            BadInput: If it is of another net.
        """
        with explain_other_network():
            self.network.load_state_dict(state["network"])
            self.layer_progress.load(state["layer"])
            self.optimizer = self._new_optimizer()
            self.optimizer.load_state_dict(state["optimizer"])
            chains = state["chains"].get("visible")
        # The checkpoint has the chains of the first process alone; of several processes they begin anew.
        is_alone = distributed.world_size() == 1 and state["chains"].get("processes", 1) == 1
        self.chains = chains.to(self.machine.mu) if is_alone and chains is not None else None
        self.batches.load(state["batches"])


def contrast(law: Law, data: Tensor, fantasies: Tensor) -> Tensor:
    """Return the mean free energy of the data less that of the machine's own samples.

    Its gradient is that of -log p(data), if the samples are of p(v). It is no log-likelihood: its value says nothing of
    how good a machine is.

    Args:
        law: Numbers of the machine.
        data: What the machine is trained on, (n, visible).
        fantasies: The machine's own samples, (m, visible).

    Returns:
        The difference in nats, ().
    """
    energies = free_energy(law, torch.cat([data, fantasies]))
    return energies[: len(data)].mean() - energies[len(data) :].mean()
