"""Schedules: numbers that change during a run, as values that a recipe can hold and a file can store."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from advnets.errors import BadInput
from advnets.training import Moment

__all__ = [
    "Bursts", "Constant", "CosineDecay", "EpochRamp", "ExponentialDecay", "LateLinearDecay", "LinearDecay", "SCHEDULES",
]  # fmt: skip


def moment_within(moment: Moment, begins: Sequence[float], part: int, began: tuple[int, int]) -> Moment:
    """Return a moment counted within a part of the run, from the part's beginning to its end.

    Args:
        moment: The moment within the whole run.
        begins: Share of the budget at which each part begins, and 1.
        part: Number of the part, from 0.
        began: Step and number of whole epochs at which the part began.

    Returns:
        The moment within the part.
    """
    start, end = begins[part : part + 2]
    progress = min(max((moment.progress - start) / (end - start), 0.0), 1.0)
    return Moment(moment.step - began[0], moment.epoch - began[1], progress)


@dataclass(frozen=True)
class Constant:
    """A value that stays the same.

    Attributes:
        value: The value.
    """

    value: float

    def at(self, moment: Moment) -> float:
        """Return the value at a moment.

        Args:
            moment: Where the run stands.

        Returns:
            The value.
        """
        return self.value


@dataclass(frozen=True)
class ExponentialDecay:
    """start / factor^step, never below floor (pylearn2's ExponentialDecay, one update at a time).

    Attributes:
        start: Value at step 0.
        factor: What the value is divided by at every step, above 0.
        floor: Least value.

    Raises:
        BadInput: If the factor is not above 0.
    """

    start: float
    factor: float
    floor: float

    def __post_init__(self) -> None:
        if not self.factor > 0:
            raise BadInput(f"factor of an exponential decay is {self.factor!r}; expected more than 0")

    def at(self, moment: Moment) -> float:
        """Return the value at a moment.

        Args:
            moment: Where the run stands.

        Returns:
            The value.
        """
        return max(self.floor, self.start * self.factor**-moment.step)


@dataclass(frozen=True)
class EpochRamp:
    """A line from start in epoch `first` to end in epoch `last` (pylearn2's MomentumAdjustor).

    Attributes:
        start: Value up to epoch `first`.
        end: Value from epoch `last` on.
        first: Epoch in which the line begins.
        last: Epoch in which it ends, after `first`.

    Raises:
        BadInput: If `last` is not after `first`.
    """

    start: float
    end: float
    first: int
    last: int

    def __post_init__(self) -> None:
        if not self.first < self.last:
            raise BadInput(f"a ramp goes from epoch {self.first} to {self.last}; expected the last after the first")

    def at(self, moment: Moment) -> float:
        """Return the value at a moment.

        Args:
            moment: Where the run stands.

        Returns:
            The value.
        """
        share = (moment.epoch - self.first) / (self.last - self.first)
        return self.start + (self.end - self.start) * min(max(share, 0.0), 1.0)


@dataclass(frozen=True)
class LinearDecay:
    """A line from start to end over the run's budget, in steps or in minutes.

    Attributes:
        start: Value at the beginning.
        end: Value at the end of the budget.
    """

    start: float
    end: float = 0.0

    def at(self, moment: Moment) -> float:
        """Return the value at a moment.

        Args:
            moment: Where the run stands.

        Returns:
            The value.
        """
        return self.start + (self.end - self.start) * moment.progress


@dataclass(frozen=True)
class LateLinearDecay:
    """A value that stays the same for a share of the run's budget, and goes in a line to the end from there on.

    Isola et al. 2017 and Zhu et al. 2017, as their maintained port has it: 100 epochs and 100 epochs.

    Attributes:
        start: Value up to the share.
        end: Value at the end of the budget.
        begins: Share of the budget at which the line begins, 0 to below 1.

    Raises:
        BadInput: If the share is none.
    """

    start: float
    end: float = 0.0
    begins: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.begins < 1:
            raise BadInput(f"begins of a late decay is {self.begins!r}; expected a share of the budget, 0 to below 1")

    def at(self, moment: Moment) -> float:
        """Return the value at a moment.

        Args:
            moment: Where the run stands.

        Returns:
            The value.
        """
        share = max(moment.progress - self.begins, 0.0) / (1 - self.begins)
        return self.start + (self.end - self.start) * share


@dataclass(frozen=True)
class CosineDecay:
    """Half a cosine from start to end over a share of the run's budget, and the end from there on.

        end + (start - end) (1 + cos(pi t)) / 2,        t = progress / until, at most 1

    Loshchilov, Hutter, SGDR: Stochastic gradient descent with warm restarts, 2017, equation 5, without restarts; Huang
    et al., The GAN is dead; long live the GAN!, 2024, for rates, gamma, beta2, half-life and p. It may rise as well.

    Attributes:
        start: Value at the beginning.
        end: Value at the end of the share, and after it.
        until: Share of the budget, above 0 and at most 1.

    Raises:
        BadInput: If the share is none.
    """

    start: float
    end: float = 0.0
    until: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.until <= 1:
            raise BadInput(f"until of a cosine is {self.until!r}; expected a share of the budget, above 0, at most 1")

    def at(self, moment: Moment) -> float:
        """Return the value at a moment.

        Args:
            moment: Where the run stands.

        Returns:
            The value.
        """
        t = min(moment.progress / self.until, 1.0)
        return self.end + (self.start - self.end) * (1 + math.cos(math.pi * t)) / 2


@dataclass(frozen=True)
class Bursts:
    """A value, and now and then another one: in the first steps, and from then on once in so many steps.

    Arjovsky, Chintala, Bottou 2017, released code: 100 moves of the critic in the first 25 steps and in each 500th.

    Attributes:
        value: The usual value.
        burst: The other one.
        first: Steps at the beginning that have it, 0 or more.
        every: Steps from one that has it to the next, counted from step 0; 1 or more.

    Raises:
        BadInput: If `first` or `every` is none.
    """

    value: float
    burst: float
    first: int
    every: int

    def __post_init__(self) -> None:
        for name, least in (("first", 0), ("every", 1)):
            found = getattr(self, name)
            if type(found) is not int or found < least:
                raise BadInput(f"{name} of bursts is {found!r}; expected a whole number of steps, {least} or more")

    def at(self, moment: Moment) -> float:
        """Return the value at a moment.

        Args:
            moment: Where the run stands.

        Returns:
            The value.
        """
        return self.burst if moment.step < self.first or moment.step % self.every == 0 else self.value


Schedule = Constant | Bursts | ExponentialDecay | EpochRamp | LinearDecay | LateLinearDecay | CosineDecay
SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "bursts": Bursts,
    "exponential_decay": ExponentialDecay,
    "epoch_ramp": EpochRamp,
    "linear_decay": LinearDecay,
    "late_linear_decay": LateLinearDecay,
    "cosine_decay": CosineDecay,
}


Number = Schedule | float
"""What a recipe may hold where a number can change with the run."""


def value_at(number: Number, moment: Moment) -> float:
    """Return what a number, or a schedule of it, is at a moment.

    Args:
        number: The number, or its schedule.
        moment: Where the run stands.

    Returns:
        The value.

    Example:
        >>> value_at(0.5, Moment(0, 1, 0.0)), value_at(LinearDecay(1.0), Moment(5, 1, 0.25))
        (0.5, 0.75)
    """
    return number.at(moment) if isinstance(number, Schedule) else number


def is_scheduled(number: Number) -> bool:
    """Return whether a number changes with the run.

    Args:
        number: The number, or its schedule.

    Returns:
        True for any schedule but `Constant`; False for a number.
    """
    return isinstance(number, Schedule) and not isinstance(number, Constant)


def expect_number(name: str, number: Number, *, least: float = -math.inf, below: float = math.inf) -> None:
    """Expect a number in [least, below), or a schedule.

    Args:
        name: What errors call it.
        number: The number, or its schedule, of which the beginning is checked.
        least: The least that it may be.
        below: What it must be below.

    Raises:
        BadInput: If it is neither, or out of bounds.
    """
    if isinstance(number, bool) or not isinstance(number, Schedule | int | float):
        raise BadInput(f"{name} is {number!r}; expected a number, or a schedule: one of {', '.join(SCHEDULES)}")
    if not least <= value_at(number, BEGINNING) < below:
        bounds = f"{least:g} or more" if below == math.inf else f"from {least:g} to less than {below:g}"
        raise BadInput(f"{name} is {number!r}; expected a finite number {bounds}".replace(" -inf or more", ""))


BEGINNING = Moment(0, 1, 0.0)
"""The moment at which a run begins."""
