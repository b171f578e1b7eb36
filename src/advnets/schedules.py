"""Schedules: numbers that change while a run goes on, as values that a recipe can hold and a file can store."""

from collections.abc import Sequence
from dataclasses import dataclass

from advnets.errors import BadInput


@dataclass(frozen=True)
class Moment:
    """Where a run stands.

    step: updates made so far.
    epoch: the pass over the training data that is under way, 1 in the first.
    progress: share of the run's budget that is spent, from 0 to 1.
    """

    step: int
    epoch: int
    progress: float


def moment_within(moment: Moment, begins: Sequence[float], part: int, began: tuple[int, int]) -> Moment:
    """The moment counted from the beginning of a part of the run to its end.

    begins: share of the budget at which each part begins, and 1. part: its number, from 0. began: the step and the
    number of whole epochs at which it did.
    """
    start, end = begins[part : part + 2]
    progress = min(max((moment.progress - start) / (end - start), 0.0), 1.0)
    return Moment(moment.step - began[0], moment.epoch - began[1], progress)


@dataclass(frozen=True)
class Constant:
    """The same value always."""

    value: float

    def at(self, moment: Moment) -> float:
        """The value at a moment."""
        return self.value


@dataclass(frozen=True)
class ExponentialDecay:
    """start / factor^step, never below floor (pylearn2's ExponentialDecay, one update at a time)."""

    start: float
    factor: float
    floor: float

    def __post_init__(self) -> None:
        if not self.factor > 0:
            raise BadInput(f"factor of an exponential decay is {self.factor!r}; expected more than 0")

    def at(self, moment: Moment) -> float:
        """The value at a moment."""
        return max(self.floor, self.start * self.factor**-moment.step)


@dataclass(frozen=True)
class EpochRamp:
    """From start in epoch `first` to end in epoch `last`, linearly (pylearn2's MomentumAdjustor)."""

    start: float
    end: float
    first: int
    last: int

    def __post_init__(self) -> None:
        if not self.first < self.last:
            raise BadInput(f"a ramp goes from epoch {self.first} to {self.last}; expected the last after the first")

    def at(self, moment: Moment) -> float:
        """The value at a moment."""
        share = (moment.epoch - self.first) / (self.last - self.first)
        return self.start + (self.end - self.start) * min(max(share, 0.0), 1.0)


@dataclass(frozen=True)
class LinearDecay:
    """From start to end over the run's budget, be it steps or minutes."""

    start: float
    end: float = 0.0

    def at(self, moment: Moment) -> float:
        """The value at a moment."""
        return self.start + (self.end - self.start) * moment.progress


Schedule = Constant | ExponentialDecay | EpochRamp | LinearDecay
SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "exponential_decay": ExponentialDecay,
    "epoch_ramp": EpochRamp,
    "linear_decay": LinearDecay,
}
