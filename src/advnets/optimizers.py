"""Optimizers: rows that turn a player's parameters into a descent; the rate is set before every step by a schedule."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from advnets.errors import Unsupported


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
            gradients, rate = [theta.grad for theta in moved], group["lr"]
            if isinstance(rate, Tensor) and rate.is_cuda:  # where a recording reads it, and `alpha` must be a number
                torch._foreach_add_(velocities, torch._foreach_mul(gradients, -rate))
            else:
                torch._foreach_add_(velocities, gradients, alpha=-float(rate))
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
    return torch.optim.SGD(parameters, lr=lr, fused=parameters[0].device.type == "cuda")  # takes a rate on the GPU


def adam(parameters: list[Parameter], *, betas: tuple[float, float], lr: float = 0.0) -> torch.optim.Optimizer:
    """Adam (Kingma & Ba 2015), in its fused form where the device has one: one pass over memory, not nine."""
    fused = parameters[0].device.type in ("cpu", "cuda")
    return torch.optim.Adam(parameters, lr=lr, betas=betas, fused=fused)


def rmsprop(parameters: list[Parameter], *, betas: tuple[float, float], lr: float = 0.0) -> torch.optim.Optimizer:
    """RMSprop, as the Wasserstein GAN's code has it; the smoothing is betas[1]."""
    return torch.optim.RMSprop(parameters, lr=lr, alpha=betas[1])


def schedule(optimizer: torch.optim.Optimizer, **values: float) -> None:
    """Set what is scheduled of an optimizer; where a recording reads it from the device, it is written there.

    Raises Unsupported for a value that changes and that a recording holds as it was.
    """
    for group in optimizer.param_groups:
        for name, value in values.items():
            if isinstance(group.get(name), Tensor):
                group[name].fill_(value)
            elif isinstance(group["lr"], Tensor) and group.get(name, value) != value:
                kind = type(optimizer).__name__
                raise Unsupported(f"a schedule of {name}, with {kind}, cannot be recorded. Leave --capture out.")
            else:
                group[name] = value


def make_capturable(optimizer: torch.optim.Optimizer) -> None:
    """Have the optimizer read its rate from a tensor, which a recorded step reads anew at each replay."""
    scheduled = ("lr", "momentum") if isinstance(optimizer, Momentum) else ("lr",)
    for group in optimizer.param_groups:
        device = group["params"][0].device
        # torch's fused steps read a rate of float32 on a GPU; on a CPU, one of float64 is the number that it was.
        kind = torch.float32 if device.type == "cuda" else torch.float64
        group |= {name: torch.as_tensor(group[name], dtype=kind, device=device) for name in scheduled}
        if "capturable" in group:
            group["capturable"] = device.type == "cuda"
    for theta, state in optimizer.state.items():
        if "step" in state:  # of a checkpoint: torch leaves it on the CPU
            state["step"] = state["step"].to(theta.device)
    # The first steps are made before anything is recorded, on purpose: torch would warn of them.
    optimizer._warned_capturable_if_run_uncaptured = True


def state_of(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """The optimizer's state, the same whether its steps are recorded or not."""
    state = optimizer.state_dict()
    for group in state["param_groups"]:  # copies of the optimizer's own
        group |= {name: value.item() for name, value in group.items() if isinstance(value, Tensor)}
        group |= {"capturable": False} if "capturable" in group else {}
    return state


OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "momentum": momentum,
    "sgd": sgd,
    "adam": adam,
    "rmsprop": rmsprop,
}
