"""Weights of penalties and ties: numbers or schedules, and penalties that are paid every so many moves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from advnets.errors import BadInput
from advnets.schedules import BEGINNING, Number, expect_number, is_scheduled, value_at
from advnets.training import Moment


@dataclass(frozen=True)
class Weight:
    """The weight of a penalty, and how often it is paid.

    Attributes:
        value: The weight, a number or a schedule.
        every: Moves of the discriminator from one payment to the next, 1 or more. A penalty that is paid every n moves
            is paid n times over, so that its mean stays (Karras et al. 2020, "Analyzing and improving the image quality
            of StyleGAN", appendix B, lazy regularisation).

    Raises:
        BadInput: If the value is no finite number or schedule, or `every` no whole number of 1 or more.
    """

    value: Number = 1.0
    every: int = 1

    def __post_init__(self) -> None:
        expect_number("a weight", self.value)
        if type(self.every) is not int or self.every < 1:
            raise BadInput(f"every is {self.every!r}; expected a whole number of moves, 1 or more")


def as_weight(value: Weight | Number) -> Weight:
    """Return a weight as it is, and a number or a schedule as the weight of what is paid at each move.

    Args:
        value: A Weight, a schedule, or a finite number.

    Returns:
        The weight.

    Raises:
        BadInput: If the value is none of these.
    """
    return value if isinstance(value, Weight) else Weight(value)


class MoveCounter(nn.Module):
    """How often the discriminator has moved: a buffer, so that a checkpoint holds it and lazy penalties resume."""

    moves: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("moves", torch.zeros((), dtype=torch.int64))
        self._known: int | None = 0

    def count_move(self) -> int:
        """Return how many moves were made before, and count one more; a device is read only after a load."""
        before = int(self.moves) if self._known is None else self._known
        self._known = before + 1
        self.moves.fill_(before + 1)
        return before

    def _load_from_state_dict(self, *given: Any, **more: Any) -> None:
        self._known = None
        super()._load_from_state_dict(*given, **more)


@dataclass
class WeightedTerms:
    """Functions of a game by name, each with its weight, which a schedule moves.

    Attributes:
        rows: Function and weight, by name.
        values: The weights as they stand: numbers, or tensors where a schedule writes them, so that a recorded move
            reads them anew.
    """

    rows: dict[str, tuple[Callable[..., Tensor], Weight]]
    values: dict[str, float | Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self.values = {name: value_at(weight.value, BEGINNING) for name, (_, weight) in self.rows.items()}

    @staticmethod
    def of(given: Mapping[Any, Weight | Number]) -> "WeightedTerms":
        """Name each function of a mapping {function: weight}.

        Args:
            given: The functions and their weights.

        Returns:
            The functions by name.

        Raises:
            BadInput: If a weight is none, or two functions have one name.
        """
        rows = {name_of(function): (function, as_weight(weight)) for function, weight in given.items()}
        if len(rows) < len(given):
            names = ", ".join(map(name_of, given))
            raise BadInput(f"found functions called {names}; expected a name of its own for each. Give them names.")
        return WeightedTerms(rows)

    def schedule(self, moment: Moment, device: torch.device) -> None:
        """Set every weight that changes to its value at a moment.

        Args:
            moment: Where the run stands.
            device: Where the weights are read.
        """
        for name, (_, weight) in self.rows.items():
            if not is_scheduled(weight.value):
                continue
            held = self.values[name]
            if not isinstance(held, Tensor):
                held = self.values[name] = torch.zeros((), device=device)
            held.fill_(value_at(weight.value, moment))

    def due(self, moves: int) -> tuple[str, ...]:
        """Return the names of the lazy ones that are paid after so many moves."""
        lazy = ((name, weight.every) for name, (_, weight) in self.rows.items() if weight.every > 1)
        return tuple(name for name, every in lazy if moves % every == 0)

    @property
    def are_lazy(self) -> bool:
        """Whether any is paid at some moves only."""
        return any(weight.every > 1 for _, weight in self.rows.values())

    def paid(self, seen: Any, due: tuple[str, ...]) -> dict[str, Tensor]:
        """Return the weighted mean of each function that this move pays.

        Args:
            seen: What the functions are given.
            due: Names of the lazy ones that are due.

        Returns:
            () tensors by name.
        """
        paid = {}
        for name, (function, weight) in self.rows.items():
            if weight.every == 1:
                paid[name] = self.values[name] * function(seen).mean()
            elif name in due:
                paid[name] = weight.every * self.values[name] * function(seen).mean()
        return paid


def name_of(function: Any) -> str:
    """Return what a function, or a value that can be called, is called in losses and recipes."""
    name = getattr(function, "__name__", None) or getattr(function, "name", None)
    return str(name or type(function).__name__.lower())
