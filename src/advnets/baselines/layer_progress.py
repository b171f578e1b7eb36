"""Layers that are trained one after another: which one has its turn, and since when."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from advnets.errors import BadInput
from advnets.schedules import moment_within
from advnets.training import Moment


def layer_begins(shares: Sequence[float]) -> tuple[float, ...]:
    """Return the part of the budget at which each layer begins.

    Args:
        shares: Share of the budget of each layer, from the lowest up, in any unit.

    Returns:
        One number in [0, 1) for each layer, rising from 0, and then 1, where the last one ends.
    """
    return (0.0, *(total / sum(shares) for total in accumulate(shares[:-1])), 1.0)


def check_shares(row: str, shares: Sequence[float]) -> None:
    """Refuse shares of the budget that leave a layer without time.

    Args:
        row: Name of the baseline, for the error.
        shares: Share of the budget of each layer.

    Raises:
        BadInput: If one is not finite, or not above 0.
    """
    if not (all(share > 0 for share in shares) and math.isfinite(sum(shares))):
        raise BadInput(f"{row}: shares are {shares}; expected numbers above 0. Give every layer its time.")


@dataclass
class LayerProgress:
    """Which layer of a stack is trained, and since when; it never goes back.

    Attributes:
        begins: Part of the budget at which each layer begins, and 1, as `layer_begins` gives them.
        layer: Number of the layer that is trained, from 0.
        began: Step, and number of whole epochs, at which its training began.
    """

    begins: tuple[float, ...]
    layer: int = 0
    began: tuple[int, int] = (0, 0)

    def is_next_due(self, moment: Moment) -> bool:
        """Return whether there is a next layer, and its share of the budget has begun.

        Args:
            moment: Where the run stands.

        Returns:
            Whether `start_next` is to be called.
        """
        return self.layer + 2 < len(self.begins) and moment.progress >= self.begins[self.layer + 1]

    def start_next(self, moment: Moment) -> None:
        """Go on to the next layer.

        Args:
            moment: When its training begins.
        """
        self.layer, self.began = self.layer + 1, (moment.step, moment.epoch - 1)

    def moment_of_layer(self, moment: Moment) -> Moment:
        """Return a moment counted from the beginning of the layer's training to its end.

        Args:
            moment: Where the run stands.

        Returns:
            Where the layer's training stands.
        """
        return moment_within(moment, self.begins, self.layer, self.began)

    def state(self) -> dict[str, Any]:
        """Return the layer and when it began, for a checkpoint."""
        return {"number": self.layer, "began": list(self.began)}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave.

        Args:
            state: The layer and when it began.
        """
        self.layer, self.began = state["number"], (state["began"][0], state["began"][1])
