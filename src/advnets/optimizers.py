"""Optimizers: rows of numbers that turn a player's parameters into a descent.

The rate is no number of a row: a schedule sets it before every step, with whatever else of the row is scheduled.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from advnets.errors import BadInput, Unsupported
from advnets.schedules import BEGINNING, Number, expect_number, is_scheduled, value_at
from advnets.training import Moment

__all__ = ["Adam", "Momentum", "OPTIMIZERS", "OptimizerRow", "OwnOptimizer", "RMSprop", "SGD"]


class OptimizerRow(ABC):
    """A row of OPTIMIZERS: a frozen dataclass of an optimizer's numbers."""

    @abstractmethod
    def build(self, parameters: Sequence[Parameter]) -> torch.optim.Optimizer:
        """Build the optimizer of these parameters, at rate 0 until a schedule sets it.

        Args:
            parameters: A player's parameters, all on one device.

        Returns:
            The optimizer.
        """

    def numbers_at(self, moment: Moment) -> dict[str, Any]:
        """Return what of the row changes with the run, by the name that the optimizer's groups have for it.

        Args:
            moment: Where the run stands.

        Returns:
            The values at that moment; empty where nothing changes.
        """
        return {}


@dataclass(frozen=True)
class SGD(OptimizerRow):
    """Plain stochastic gradient descent, the `theta -= lr * g` of Algorithm 1.

    Attributes:
        weight_decay: Weight of 1/2 |theta|^2 in the loss, 0 or more; coupled, as in the papers before 2017.

    Raises:
        BadInput: If it is out of its range.
    """

    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _expect_decay(self.weight_decay)

    def build(self, parameters: Sequence[Parameter]) -> torch.optim.Optimizer:
        """Build torch's SGD; real parameters on a GPU take its fused form, which reads the rate from a tensor."""
        fast = _fast_form(parameters, fused_on=("cuda",))
        return torch.optim.SGD(list(parameters), lr=0.0, weight_decay=self.weight_decay, **fast)


@dataclass(frozen=True)
class Momentum(OptimizerRow):
    """Classical momentum as pylearn2 has it, see `ClassicalMomentum`.

    Attributes:
        momentum: The coefficient, from 0 to less than 1; a number or a schedule.

    Raises:
        BadInput: If it is out of its range.
    """

    momentum: Number = 0.9

    def __post_init__(self) -> None:
        expect_number("momentum", self.momentum, least=0, below=1)

    def build(self, parameters: Sequence[Parameter]) -> torch.optim.Optimizer:
        """Build the optimizer."""
        return ClassicalMomentum(parameters, lr=0.0)

    def numbers_at(self, moment: Moment) -> dict[str, Any]:
        """Return the coefficient at a moment."""
        return {"momentum": value_at(self.momentum, moment)}


@dataclass(frozen=True)
class Adam(OptimizerRow):
    """Adam (Kingma & Ba 2015), in its fused form where the device has one: one pass over memory, not nine.

    Attributes:
        betas: Decay rates of the two moments, each from 0 to less than 1; numbers or schedules.
        eps: What is added to the root of the second moment, above 0.
        weight_decay: Weight of 1/2 |theta|^2 in the loss, 0 or more; coupled, not AdamW's.

    Raises:
        BadInput: If a number is out of its range.
    """

    betas: tuple[Number, Number] = (0.5, 0.99)
    eps: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.betas, Sequence) or len(self.betas) != 2:
            raise BadInput(f"betas are {self.betas!r}; expected two numbers from 0 to less than 1")
        for number, beta in enumerate(self.betas, 1):
            expect_number(f"beta {number}", beta, least=0, below=1)
        _expect_eps(self.eps)
        _expect_decay(self.weight_decay)

    def build(self, parameters: Sequence[Parameter]) -> torch.optim.Optimizer:
        """Build torch's Adam."""
        fast = _fast_form(parameters, fused_on=("cpu", "cuda"))
        numbers: dict[str, Any] = {"betas": self._betas_at(BEGINNING), "eps": self.eps}
        return torch.optim.Adam(list(parameters), lr=0.0, weight_decay=self.weight_decay, **fast, **numbers)

    def numbers_at(self, moment: Moment) -> dict[str, Any]:
        """Return the betas at a moment, if they change."""
        return {"betas": self._betas_at(moment)} if any(map(is_scheduled, self.betas)) else {}

    def _betas_at(self, moment: Moment) -> tuple[float, float]:
        first, second = self.betas
        return value_at(first, moment), value_at(second, moment)


@dataclass(frozen=True)
class RMSprop(OptimizerRow):
    """RMSprop, as the Wasserstein GAN's code has it.

    Attributes:
        alpha: Decay rate of the squared gradients' mean, from 0 to less than 1.
        eps: What is added to its root, above 0.

    Raises:
        BadInput: If a number is out of its range.
    """

    alpha: float = 0.99
    eps: float = 1e-8

    def __post_init__(self) -> None:
        if not 0 <= self.alpha < 1:
            raise BadInput(f"alpha is {self.alpha!r}; expected a number from 0 to less than 1")
        _expect_eps(self.eps)

    def build(self, parameters: Sequence[Parameter]) -> torch.optim.Optimizer:
        """Build torch's RMSprop."""
        return torch.optim.RMSprop(list(parameters), lr=0.0, alpha=self.alpha, eps=self.eps, **_fast_form(parameters))


OptimizerFactory = Callable[[list[Parameter]], torch.optim.Optimizer]
"""What builds an optimizer of one's own: a function of a player's parameters, such as `torch.optim.NAdam`."""


@dataclass(frozen=True)
class OwnOptimizer(OptimizerRow):
    """An optimizer of one's own; make one by `OwnOptimizer.of(function)`.

    Its rate is the recipe's, which a schedule sets in each of its groups before a step. A recipe.json holds its
    name and a digest of its code, and the function is given again when the run is resumed.

    Attributes:
        name: Where the function is defined, such as "my_package.optimizers.lion".
    """

    name: str

    @staticmethod
    def of(factory: OptimizerFactory) -> "OwnOptimizer":
        """Return the row of a function.

        Args:
            factory: A function of a player's parameters that returns a torch optimizer of them.

        Returns:
            The row.

        Raises:
            BadInput: If it cannot be called.
        """
        if not callable(factory):
            raise BadInput(f"optimizer is {factory!r}; expected a function: parameters -> torch.optim.Optimizer")
        named = factory if hasattr(factory, "__qualname__") else type(factory)
        row = OwnOptimizer(f"{named.__module__}.{named.__qualname__}")
        object.__setattr__(row, "_factory", factory)
        return row

    @property
    def factory(self) -> OptimizerFactory | None:
        """The function; None where the row was read from a file."""
        return getattr(self, "_factory", None)

    def build(self, parameters: Sequence[Parameter]) -> torch.optim.Optimizer:
        """Build the optimizer.

        Args:
            parameters: A player's parameters.

        Returns:
            What the function returned.

        Raises:
            BadInput: If the function is not at hand, and if it returns something else than a torch optimizer of these
                parameters that has one rate.
        """
        if self.factory is None:
            raise BadInput(
                f"the run was started with an optimizer of your own, {self.name}: give it again, as `optimizer=`"
            )
        found = self.factory(list(parameters))
        if not isinstance(found, torch.optim.Optimizer):
            raise BadInput(f"{self.name} returned {type(found).__name__}; expected a torch.optim.Optimizer")
        held = [theta for group in found.param_groups for theta in group["params"]]
        if {id(theta) for theta in held} != {id(theta) for theta in parameters}:
            raise BadInput(
                f"{self.name} returned an optimizer of {len(held)} tensors; expected the {len(parameters)} that it is "
                "given. Build it from all of them."
            )
        rates = {str(group.get("lr", "none")) for group in found.param_groups}
        if len(rates) > 1 or "none" in rates:
            raise BadInput(
                f"{self.name} returned an optimizer with the rates {', '.join(sorted(rates))}; expected one `lr`, the "
                "same in all groups, for the recipe sets it before each step"
            )
        return found


def expect_optimizer(found: Any) -> None:
    """Expect a row of OPTIMIZERS.

    Args:
        found: What stands in its place.

    Raises:
        BadInput: If it is none.
    """
    if not isinstance(found, OptimizerRow):
        raise BadInput(f"optimizer is {found!r}; expected a row such as advnets.Adam(betas=(0.5, 0.999))")


OPTIMIZERS: dict[str, type[OptimizerRow]] = {"sgd": SGD, "momentum": Momentum, "adam": Adam, "rmsprop": RMSprop}


class ClassicalMomentum(torch.optim.Optimizer):
    """Classical momentum as pylearn2 has it: v = momentum * v - lr * g; theta += v.

    Not torch's SGD, whose velocity leaves the rate out, so that a change of rate rescales what has been gathered;
    and not Nesterov's (Goodfellow et al. 2014, released code, `learning_rule.Momentum`).

    Args:
        parameters: theta, what is moved.
        lr: The rate, 0 or more.
        momentum: The coefficient, from 0 to less than 1.
    """

    def __init__(self, parameters: Iterable[Parameter], *, lr: float, momentum: float = 0.0) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient.

        Args:
            closure: Not read, and never called.
        """
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


def set_numbers(optimizer: torch.optim.Optimizer, **values: Any) -> None:
    """Set what is scheduled of an optimizer; where a recorded move reads it from the device, it is written there.

    Args:
        optimizer: The optimizer, changed in place.
        values: The values by the name that its groups have for them, such as lr.

    Raises:
        Unsupported: For a value that changes and that a recorded move holds as it was.
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
    """Have the optimizer read its rate from a tensor, which a recorded move reads anew at each replay.

    Args:
        optimizer: The optimizer, changed in place.
    """
    scheduled = ("lr", "momentum") if isinstance(optimizer, ClassicalMomentum) else ("lr",)
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


def optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Return the optimizer's state, the same whether its moves are recorded or not.

    Args:
        optimizer: The optimizer.

    Returns:
        Its state_dict, with numbers in place of the tensors of its groups.
    """
    state = optimizer.state_dict()
    for group in state["param_groups"]:  # copies of the optimizer's own
        group |= {name: value.item() for name, value in group.items() if isinstance(value, Tensor)}
        group |= {"capturable": False} if "capturable" in group else {}
    return state


def load_optimizer_state(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Take back what `optimizer_state` returned, laid out in memory as the parameters are.

    A fused step of a parameter in channels_last would otherwise take the moments of other weights; see `laid_out_as`.

    Args:
        optimizer: The optimizer, whose parameters are at hand.
        state: The state.
    """
    optimizer.load_state_dict(state)
    for theta, kept in optimizer.state.items():
        for name, value in kept.items():
            if isinstance(value, Tensor) and value.shape == theta.shape:
                kept[name] = laid_out_as(theta, value)


def laid_out_as(theta: Tensor, gradient: Tensor | None) -> Tensor | None:
    """Return a gradient, or another tensor of that shape, whose numbers lie in memory as those of its parameter do.

    torch's fused steps on a CPU read both in the order in which they lie: weights silently get the gradients of others
    where they differ (torch 2.13). `autograd.grad`, unlike `backward`, transposes those of convolutions under penalty.

    Args:
        theta: The parameter.
        gradient: Its gradient, or None.

    Returns:
        The gradient itself where it fits, otherwise a copy.
    """
    if gradient is None or gradient.is_sparse or gradient.stride() == theta.stride():
        return gradient
    return torch.empty_like(theta, memory_format=torch.preserve_format).copy_(gradient)


def _fast_form(parameters: Sequence[Parameter], fused_on: Sequence[str] = ()) -> dict[str, Any]:
    """How torch's optimizer of these parameters runs: fused on some devices, and plain where one of them is complex."""
    if any(theta.is_complex() for theta in parameters):
        return {"foreach": False}
    return {"fused": True} if parameters[0].device.type in fused_on else {}


def _expect_decay(found: float) -> None:
    if not 0 <= found < float("inf"):
        raise BadInput(f"weight_decay is {found!r}; expected a number of 0 or more")


def _expect_eps(found: float) -> None:
    if not 0 < found < float("inf"):
        raise BadInput(f"eps is {found!r}; expected a number above 0")
