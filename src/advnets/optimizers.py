"""Optimizers: rows that turn a player's parameters into a descent; the rate is set before every step by a schedule."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter


class Momentum(torch.optim.Optimizer):
    """Classical momentum as pylearn2 has it: v = momentum * v - lr * g; theta += v.

    Not torch's SGD, whose velocity leaves the rate out, so that a change of rate rescales what has been gathered;
    and not Nesterov's (Goodfellow et al. 2014, released code, `learning_rule.Momentum`).
    """

    def __init__(self, parameters: Iterable[Parameter], *, lr: float, momentum: float = 0.0) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            moved = [theta for theta in group["params"] if theta.grad is not None]
            velocities = [self._velocity(theta) for theta in moved]
            torch._foreach_mul_(velocities, group["momentum"])
            torch._foreach_add_(velocities, [theta.grad for theta in moved], alpha=-group["lr"])
            torch._foreach_add_(moved, velocities)

    def _velocity(self, theta: Parameter) -> Tensor:
        state = self.state[theta]
        if "velocity" not in state:
            state["velocity"] = torch.zeros_like(theta)
        velocity: Tensor = state["velocity"]
        return velocity


def momentum(parameters: list[Parameter], *, betas: tuple[float, float], lr: float = 0.0) -> torch.optim.Optimizer:
    """Classical momentum; its coefficient is scheduled, `betas` are Adam's and not used."""
    return Momentum(parameters, lr=lr)


def sgd(parameters: list[Parameter], *, betas: tuple[float, float], lr: float = 0.0) -> torch.optim.Optimizer:
    """Plain stochastic gradient descent, the `theta -= lr * g` of Algorithm 1."""
    return torch.optim.SGD(parameters, lr=lr)


def adam(parameters: list[Parameter], *, betas: tuple[float, float], lr: float = 0.0) -> torch.optim.Optimizer:
    """Adam (Kingma & Ba 2015), in its fused form where the device has one: one pass over memory, not nine."""
    fused = parameters[0].device.type in ("cpu", "cuda")
    return torch.optim.Adam(parameters, lr=lr, betas=betas, fused=fused)


def rmsprop(parameters: list[Parameter], *, betas: tuple[float, float], lr: float = 0.0) -> torch.optim.Optimizer:
    """RMSprop, as the Wasserstein GAN's code has it; the smoothing is betas[1]."""
    return torch.optim.RMSprop(parameters, lr=lr, alpha=betas[1])


OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "momentum": momentum,
    "sgd": sgd,
    "adam": adam,
    "rmsprop": rmsprop,
}
