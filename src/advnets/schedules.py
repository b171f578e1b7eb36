"""Schedules: numbers that change while a run goes on, as values that a recipe can hold and a file can store."""

from dataclasses import dataclass


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
