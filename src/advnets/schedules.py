"""Schedules: numbers that change during a run, as values that a recipe can hold and a file can store."""

from collections.abc import Sequence
from dataclasses import dataclass

from advnets.errors import BadInput


@dataclass(frozen=True)
class Moment:
    """Where a run stands.

    Attributes:
        step: Updates made so far.
        epoch: Number of the current pass over the training data, from 1.
        progress: Share of the run's budget that is spent, 0 .. 1.
    """

    step: int
    epoch: int
    progress: float


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


Schedule = Constant | ExponentialDecay | EpochRamp | LinearDecay
SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "exponential_decay": ExponentialDecay,
    "epoch_ramp": EpochRamp,
    "linear_decay": LinearDecay,
}
