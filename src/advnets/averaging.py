"""Copies of networks, and an exponential moving average of what is sampled, the one that is drawn and measured."""

import copy
from collections.abc import Iterable, Mapping
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from advnets.errors import BadInput

Value = TypeVar("Value")


class MovingAverage:
    """The average of one or several networks' parameters.

        theta_ema <- theta + 2^(-batch / half_life) (theta_ema - theta),        half-life in images

    Counting images, not steps, keeps the average the same when the batch size changes (Karras et al. 2018, "Progressive
    Growing of GANs"). Floating and complex buffers, such as the statistics of batch normalisation, are averaged alike;
    integer ones are copied.

    Args:
        makers: The networks that are averaged, by name; copies are made of them.
        half_life: Images after which an old value has half its weight; 0 follows the networks exactly. It may be set
            anew before each update.
    """

    def __init__(self, makers: Mapping[str, nn.Module], half_life: float = 0.0) -> None:
        self.makers = {name: prepare_sampling(copy_deeply(network)) for name, network in makers.items()}
        self.half_life = half_life

    @torch.no_grad()
    def update(self, makers: Mapping[str, nn.Module], images: int) -> None:
        """Move the average towards networks that have just been trained.

        Args:
            makers: The networks, by the names of the average's.
            images: Images that they were trained on since the last update.
        """
        share = 1 - 0.5 ** (images / self.half_life) if self.half_life > 0 else 1.0
        pairs = list(zip(_tensors(self.makers), _tensors(makers), strict=True))
        averaged = [(mean, now) for mean, now in pairs if _has_a_mean(mean)]
        torch._foreach_lerp_([mean for mean, _ in averaged], [now for _, now in averaged], share)
        for mean, now in pairs:
            if not _has_a_mean(mean):
                mean.copy_(now)

    def state(self) -> dict[str, dict[str, Any]]:
        """Return the averaged tensors of each network by name."""
        return {name: dict(network.state_dict()) for name, network in self.makers.items()}

    def load(self, state: Mapping[str, Mapping[str, Any]]) -> None:
        """Take back what `state` returned.

        Args:
            state: The tensors of each network.
        """
        for name, network in self.makers.items():
            network.load_state_dict(state[name])


def prepare_sampling(network: nn.Module) -> nn.Module:
    """Put a network into evaluation mode, and let none of its parameters require a gradient.

    Args:
        network: The network, changed in place; it may be TorchScript.

    Returns:
        The network.
    """
    for theta in network.parameters():
        theta.requires_grad_(False)
    return network.eval()


@torch.no_grad()  # copies of TorchScript's weights are then no function of the weights
def copy_deeply(value: Value) -> Value:
    """Copy a network, or what holds networks, also where `copy.deepcopy` refuses a part of it.

    A tensor that was computed, such as the weight that torch's classic `spectral_norm` puts into a layer or an
    activation that a module remembers, becomes its present value. What has no copy at all, such as a lock, an open file
    or an imported module, is shared with the copy.

    Args:
        value: The network, or a game of networks.

    Returns:
        The copy.

    Raises:
        BadInput: If a class of it says how it is copied, and that fails.
    """
    try:
        return copy.deepcopy(value)
    except Exception:  # whatever a class of the user's raises
        stand_ins = {id(part): _stand_in(part) for part in _parts(value) if not _is_copyable(part)}
    try:
        return copy.deepcopy(value, stand_ins)
    except Exception as error:
        raise BadInput(
            f"{type(value).__name__} cannot be copied, and what is sampled is a copy that is averaged: found "
            f"{type(error).__name__}: {error}. Let copy.deepcopy of the network work."
        ) from error


def _parts(value: Any) -> list[Any]:
    """A value, and all that a deep copy of it goes through, each once."""
    found: dict[int, Any] = {}  # holds them, so that no other object can take one's number
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if id(part) not in found:
            found[id(part)] = part
            waiting.extend(_inside(part))
    return list(found.values())


def _inside(value: Any) -> Iterable[Any]:
    """What a value holds that a copy of it copies by itself."""
    if isinstance(value, _COPIED_WHOLE):
        return ()
    if isinstance(value, Mapping):
        return (*value.keys(), *value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return value
    if isinstance(value, MethodType):
        return (value.__self__,)
    if isinstance(value, partial):
        return (value.func, *value.args, *value.keywords.values())
    return tuple(getattr(value, "__dict__", {}).values())


def _is_copyable(part: Any) -> bool:
    """Whether deepcopy takes it, what it holds aside."""
    if isinstance(part, Tensor):
        return part.is_leaf
    if isinstance(part, nn.Module) or hasattr(type(part), "__deepcopy__"):
        return True  # or no copy is made: a network that shared layers with its copy would be trained by both
    try:
        copy.copy(part)
    except Exception:  # whatever its class raises
        return False
    return True


def _stand_in(part: Any) -> Any:
    return part.detach().clone() if isinstance(part, Tensor) else part


_COPIED_WHOLE = (Tensor, type, FunctionType, BuiltinFunctionType, ModuleType, torch.jit.ScriptModule)


def _has_a_mean(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


def _tensors(makers: Mapping[str, nn.Module]) -> list[Tensor]:
    return [tensor.detach() for network in makers.values() for tensor in (*network.parameters(), *network.buffers())]
