"""Restricted Boltzmann machines: energies, conditionals, Gibbs steps, and log Z by annealed importance sampling.

    p(v, h) = exp(h.W v + alpha.v + beta.h) / Z
    F(v) = -alpha.v - sum_j softplus(beta_j + W_j v),    p(v) = exp(-F(v)) / Z

P. Smolensky, Information processing in dynamical systems: foundations of harmony theory, 1986; G. Hinton, Training
products of experts by minimizing contrastive divergence, 2002. Visible v (n, visible) and hidden h (n, hidden) are
bits, or probabilities of bits where data are grey.
"""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from advnets.errors import BadInput
from advnets.statistics.estimate import Estimate


class Law(NamedTuple):
    """The numbers that p(v, h) is made of.

    Attributes:
        weight: W, (hidden, visible).
        alpha: Biases of the visible units, (visible,).
        beta: Biases of the hidden units, (hidden,).
    """

    weight: Tensor
    alpha: Tensor
    beta: Tensor


def free_energy(law: Law, v: Tensor) -> Tensor:
    """Return F(v) = -log sum_h exp(h.W v + alpha.v + beta.h).

    Args:
        law: Numbers of the machine.
        v: Visible units, (n, visible).

    Returns:
        The free energies, (n,).
    """
    return -(v @ law.alpha) - functional.softplus(torch.addmm(law.beta, v, law.weight.T)).sum(1)


def hidden_mean(law: Law, v: Tensor) -> Tensor:
    """Return p(h = 1 | v) = sigmoid(beta + W v).

    Args:
        law: Numbers of the machine.
        v: Visible units, (n, visible).

    Returns:
        The probabilities, (n, hidden).
    """
    return torch.addmm(law.beta, v, law.weight.T).sigmoid_()


def visible_mean(law: Law, h: Tensor) -> Tensor:
    """Return p(v = 1 | h) = sigmoid(alpha + W^T h).

    Args:
        law: Numbers of the machine.
        h: Hidden units, (n, hidden).

    Returns:
        The probabilities, (n, visible).
    """
    return torch.addmm(law.alpha, h, law.weight).sigmoid_()


def draw_bits(probability: Tensor) -> Tensor:
    """Draw independent bits from torch's default generator.

    Args:
        probability: Probability of each bit to be 1, of any shape.

    Returns:
        The bits, 0 or 1, of the same shape and dtype.
    """
    return torch.rand_like(probability).lt_(probability)


def gibbs_step(law: Law, v: Tensor) -> Tensor:
    """Draw v -> h ~ p(h | v) -> v' ~ p(v | h); p(v) is what this chain tends to.

    Args:
        law: Numbers of the machine.
        v: Visible units, (n, visible).

    Returns:
        v', bits, (n, visible).
    """
    return draw_bits(visible_mean(law, draw_bits(hidden_mean(law, v))))


def log_partition(law: Law, *, chains: int, betas: Sequence[float], base: Tensor) -> Estimate:
    """Estimate log Z by annealed importance sampling: logmeanexp of the weights of independent chains, in float64.

        p_t(v) ~ exp((1 - t) base.v + t alpha.v) prod_j (1 + exp(t (beta_j + W_j v))),    t = 0 ... 1

    R. Salakhutdinov and I. Murray, On the quantitative analysis of deep belief networks, 2008, equations 7 to 18. The
    mean weight is unbiased for Z, so its logarithm tends to be too low, and a likelihood that is computed with it too
    high. Draws come from torch's default generator.

    Args:
        law: Numbers of the machine.
        chains: Number of chains, 2 or more.
        betas: Inverse temperatures t, rising from 0 to 1.
        base: Biases of the visible units at t = 0, (visible,), such as the logits of their means.

    Returns:
        log Z in nats; its error is the standard error of the mean weight over that mean, which is to be believed only
        where it is small; its notes hold `chains` and `temperatures`.

    Raises:
        BadInput: If there are too few chains, or the temperatures do not rise from 0 to 1.
    """
    is_rising = all(colder < warmer for colder, warmer in itertools.pairwise(betas))
    if chains < 2 or len(betas) < 2 or (betas[0], betas[-1]) != (0, 1) or not is_rising:
        raise BadInput(
            f"annealing: found {chains} chains at {len(betas)} temperatures, expected 2 chains or more, and inverse "
            "temperatures that rise from 0 to 1. Change `chains` or `betas`."
        )
    log_weights = _annealed_log_weights(
        Law(*(number.detach().double() for number in law)), chains, betas, base.detach().double()
    )
    value = float(log_weights.logsumexp(0)) - math.log(chains)
    error = float((log_weights - value).exp().std()) / math.sqrt(chains)
    return Estimate(value, error, notes={"chains": chains, "temperatures": len(betas)})


def _annealed_log_weights(law: Law, chains: int, betas: Sequence[float], base: Tensor) -> Tensor:
    """Return the log weight of each chain, (chains,), of mean weight Z."""
    v = draw_bits(base.sigmoid().expand(chains, -1))
    log_weights = (functional.softplus(base).sum() + len(law.beta) * math.log(2)).repeat(chains)
    for colder, warmer in itertools.pairwise(betas):
        before, after = (_temper_law(law, base, t) for t in (colder, warmer))
        log_weights += free_energy(before, v) - free_energy(after, v)
        v = gibbs_step(after, v)
    return log_weights


def _temper_law(law: Law, base: Tensor, t: float) -> Law:
    return Law(t * law.weight, (1 - t) * base + t * law.alpha, t * law.beta)


class Boltzmann(nn.Module):
    """A restricted Boltzmann machine whose units are centred: alpha = a - W^T lambda, beta = b - W mu.

    The distributions are those of `Law`, and so is the likelihood's maximum; its gradient in (W, a, b) is better
    conditioned, since weights no longer have to make up for means. G. Montavon and K.-R. Müller, Deep Boltzmann
    machines and the centering trick, 2012. The offsets mu and lambda are constants here, and lambda is 1/2. b starts
    at 0, a at the logits of mu.

    Args:
        mu: Means of the visible units in [0, 1], (visible,).
        hidden: Number of hidden units.
        deviation: Standard deviation of N(0, deviation^2), from which the weights are drawn.
    """

    weight: nn.Parameter
    visible_bias: nn.Parameter
    hidden_bias: nn.Parameter
    mu: Tensor

    def __init__(self, mu: Tensor, hidden: int, *, deviation: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(deviation * torch.randn(hidden, len(mu)))
        self.visible_bias = nn.Parameter(torch.zeros(len(mu)))
        self.hidden_bias = nn.Parameter(torch.zeros(hidden))
        self.register_buffer("mu", torch.zeros(len(mu)))
        self.centre(mu)

    @torch.no_grad()
    def centre(self, mu: Tensor) -> None:
        """Set the means of the visible units, mu, and start a at their logits.

        Args:
            mu: Means in [0, 1], (visible,).
        """
        self.mu.copy_(mu)
        self.visible_bias.copy_(mu.clamp(FAINTEST, 1 - FAINTEST).logit())

    def law(self) -> Law:
        """Return the numbers of p(v, h), with gradients where they are recorded."""
        alpha = self.visible_bias - 0.5 * self.weight.sum(0)
        beta = self.hidden_bias - self.weight @ self.mu
        return Law(self.weight, alpha, beta)


FAINTEST = 1e-4
"""The least probability that a visible unit starts with, so that the weights of units that are never on stay small."""
