"""Which units of ReLUs are 0 on every sample, wherever in a network the ReLU is called."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

NAMES = ("relu", "relu_")


class ReluWatch(TorchFunctionMode):
    """Notes, in the order of the calls, which units of each ReLU gave nothing but 0.

    Attributes:
        dead: For each call, (units,) truth values; a unit is what the second axis counts.
    """

    def __init__(self) -> None:
        super().__init__()
        self.dead: list[Tensor] = []

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Iterable[type],
        args: Any = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call the function, and look at what a ReLU returned."""
        found = function(*args, **(kwargs or {}))
        if getattr(function, "__name__", "") in NAMES and isinstance(found, Tensor) and found.ndim > 1:
            self.dead.append(found.detach().transpose(0, 1).flatten(1).amax(1) == 0)
        return found


def largest_dead_share(*watches: ReluWatch) -> float | None:
    """Return the largest share of units in a layer that are 0 on the samples of all passes.

    Args:
        *watches: One for each pass of the same network.

    Returns:
        The share; None without ReLUs, and if passes differ in their calls.
    """
    calls = [watch.dead for watch in watches]
    if not calls or not calls[0] or len({tuple(one.shape for one in call) for call in calls}) > 1:
        return None
    shares = []
    for layer in zip(*calls, strict=True):
        dead = layer[0]
        for other in layer[1:]:
            dead = dead & other
        shares.append(float(dead.float().mean()))
    return max(shares)
