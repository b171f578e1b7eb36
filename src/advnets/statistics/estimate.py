"""What a metric returns: a measured number and how far to trust it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from advnets.errors import BadInput

Note = float | int | str | bool

Z95 = 1.959963984540054
"""Half a 95 % interval of a normal distribution, in standard deviations."""


@dataclass(frozen=True)
class Estimate:
    """A measured number, and how far to trust it.

    value: the number, in the unit that the metric names.
    error: its standard error, in the same unit, or None where there is none; which randomness it covers is for the
    metric to say.
    floor: the value that real samples of the same sizes would get, or None where there is no such thing.
    notes: what else was found on the way, by name: chosen settings, flags, counts, warnings.
    interval: (low, high) at 95 %, where it is not value +- 1.96 error.
    bias: what is known of E[value] - truth at these sizes, in the same unit; it is not taken off the value.
    p_value: of the test whose statistic the value is: the chance of one as far out if samples were real.
    """

    value: float
    error: float | None = None
    floor: float | None = None
    notes: Mapping[str, Note] = field(default_factory=dict)
    interval: tuple[float, float] | None = None
    bias: float | None = None
    p_value: float | None = None

    @property
    def standard_error(self) -> float:
        """The error of a metric that always has one."""
        assert self.error is not None
        return self.error

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The interval at 95 %: the one that was given, or value +- 1.96 error; None if neither is known."""
        if self.interval is not None or self.error is None:
            return self.interval
        return self.value - Z95 * self.error, self.value + Z95 * self.error

    def __str__(self) -> str:
        """The number with what is known of it; an interval of a biased value is about the value less its bias.

        >>> print(Estimate(1.5, 0.25, floor=0.5, p_value=0.004))
        1.5 +- 0.25 (real 0.5, p = 0.004)
        >>> print(Estimate(3.5, interval=(1.3, 2.6), bias=1.6))
        3.5 [less bias: 1.3, 2.6]
        """
        told = f"{self.value:.4g}"
        if self.interval is not None:
            about = "less bias: " if self.bias else ""
            told += f" [{about}{self.interval[0]:.4g}, {self.interval[1]:.4g}]"
        elif self.error is not None:
            told += f" +- {self.error:.2g}"
        beside = [] if self.floor is None else [f"real {self.floor:.4g}"]
        beside += [] if self.p_value is None else [f"p = {self.p_value:.2g}"]
        return told + (f" ({', '.join(beside)})" if beside else "")

    def as_dict(self) -> dict[str, Any]:
        """The estimate as JSON holds it, without what is None.

        >>> Estimate(1.5, 0.25, notes={"n": 4}).as_dict()
        {'value': 1.5, 'error': 0.25, 'notes': {'n': 4}}
        """
        told = {
            "value": self.value,
            "error": self.error,
            "floor": self.floor,
            "notes": dict(self.notes),
            "interval": None if self.interval is None else list(self.interval),
            "bias": self.bias,
            "p_value": self.p_value,
        }
        return {name: value for name, value in told.items() if value is not None}

    @staticmethod
    def from_dict(told: Mapping[str, Any]) -> "Estimate":
        """The estimate that `as_dict` told of; raises BadInput for what it cannot have told.

        >>> Estimate.from_dict({"value": 1.5, "interval": [1, 2]})
        Estimate(value=1.5, error=None, floor=None, notes={}, interval=(1.0, 2.0), bias=None, p_value=None)
        """
        known = {"value", "error", "floor", "notes", "interval", "bias", "p_value"}
        if not isinstance(told, Mapping) or "value" not in told or not set(told) <= known:
            raise BadInput(f"estimate: found {_abbreviate(told)}, expected the fields {', '.join(sorted(known))}")
        numbers = {
            name: _expect_number(name, told.get(name))
            for name in ("value", "error", "floor", "bias", "p_value")
            if told.get(name) is not None
        }
        if "value" not in numbers:
            raise BadInput("estimate: found no value, expected a number")
        if numbers.get("error", 0.0) < 0 or not 0 <= numbers.get("p_value", 0.0) <= 1:
            raise BadInput(
                f"estimate: found {_abbreviate(told)}, expected an error of at least 0, and a p_value in [0, 1]"
            )
        ends = told.get("interval")
        if ends is not None and not (isinstance(ends, list | tuple) and len(ends) == 2):
            raise BadInput(f"estimate: found the interval {_abbreviate(ends)}, expected [low, high]")
        notes = told.get("notes", {})
        if not isinstance(notes, Mapping) or not all(isinstance(note, Note) for note in notes.values()):
            raise BadInput(
                f"estimate: found the notes {_abbreviate(notes)}, expected numbers, words and truth values by name"
            )
        low_high = None if ends is None else (_expect_number("interval", ends[0]), _expect_number("interval", ends[1]))
        return Estimate(**numbers, notes=dict(notes), interval=low_high)


def share_error(count: int, n: int) -> float:
    """Standard error of the share count / n of independent samples, above 0 for every count.

        sqrt(p (1 - p) / n),        1 / (n + 2) <= p <= (n + 1) / (n + 2)

    p is the share; where none or all of the samples count, it is what Laplace's rule of succession makes of that, for
    else the error would be 0, as if a hundred samples had settled the matter.

    >>> round(share_error(50, 100), 4), round(share_error(0, 100), 4)
    (0.05, 0.0099)
    """
    p = min(max(count / n, 1 / (n + 2)), (n + 1) / (n + 2))
    return math.sqrt(p * (1 - p) / n)


def _expect_number(name: str, value: Any) -> float:
    if (
        isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**1023
    ):  # more is no float, though JSON has such integers
        raise BadInput(f"estimate: found {name} = {_abbreviate(value)}, expected a finite number")
    return float(value)


def _abbreviate(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
