"""What a metric returns: a measured number with its error."""

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

    Attributes:
        value: The number, in the unit that the metric names.
        error: Its standard error, in the same unit, or None where there is none. The metric says which randomness it
            covers.
        floor: The value that real samples of the same sizes would get, or None where there is no such value.
        notes: What else was measured, by name: chosen settings, flags, counts, warnings.
        interval: (low, high) at 95 %, where it is not value +- 1.96 error.
        bias: What is known of E[value] - truth at these sizes, in the same unit. It is not subtracted from the value.
        p_value: The test's p-value: the chance of a value as extreme if the samples were real.
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
    def less_bias(self) -> float:
        """The value less its bias, which an interval is about."""
        return self.value - (self.bias or 0.0)

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The interval at 95 %: the one that was given, or value +- 1.96 error, or None if neither is known."""
        if self.interval is not None or self.error is None:
            return self.interval
        return self.value - Z95 * self.error, self.value + Z95 * self.error

    def __str__(self) -> str:
        """Return the number with its error or interval, floor and p-value.

        The interval of a biased value is about the value less its bias.

        Example:
            >>> print(Estimate(1.5, 0.25, floor=0.5, p_value=0.004))
            1.5 +- 0.25 (real 0.5, p = 0.004)
            >>> print(Estimate(3.5, interval=(1.3, 2.6), bias=1.6))
            3.5, less bias 1.9 [1.3, 2.6]
        """
        text = f"{self.value:.4g}"
        if self.interval is not None:
            text += f", less bias {self.less_bias:.4g}" if self.bias else ""
            text += f" [{self.interval[0]:.4g}, {self.interval[1]:.4g}]"
        elif self.error is not None:
            text += f" +- {self.error:.2g}"
        beside = [] if self.floor is None else [f"real {self.floor:.4g}"]
        beside += [] if self.p_value is None else [f"p = {self.p_value:.2g}"]
        return text + (f" ({', '.join(beside)})" if beside else "")

    def as_dict(self) -> dict[str, Any]:
        """Return the estimate as JSON stores it, without fields that are None.

        Returns:
            The fields by name.

        Example:
            >>> Estimate(1.5, 0.25, notes={"n": 4}).as_dict()
            {'value': 1.5, 'error': 0.25, 'notes': {'n': 4}}
        """
        fields = {
            "value": self.value,
            "error": self.error,
            "floor": self.floor,
            "notes": dict(self.notes),
            "interval": None if self.interval is None else list(self.interval),
            "bias": self.bias,
            "p_value": self.p_value,
        }
        return {name: value for name, value in fields.items() if value is not None}

    @staticmethod
    def from_dict(fields: Mapping[str, Any]) -> "Estimate":
        """Read an estimate that `as_dict` wrote.

        Args:
            fields: The fields by name, as JSON has them.

        Returns:
            The estimate.

        Raises:
            BadInput: If a field is unknown, missing or of another type or range.

        Example:
            >>> Estimate.from_dict({"value": 1.5, "interval": [1, 2]})
            Estimate(value=1.5, error=None, floor=None, notes={}, interval=(1.0, 2.0), bias=None, p_value=None)
        """
        known = {"value", "error", "floor", "notes", "interval", "bias", "p_value"}
        if not isinstance(fields, Mapping) or "value" not in fields or not set(fields) <= known:
            raise BadInput(
                f"estimate: found {_abbreviate(fields)}, expected `value` among the fields {', '.join(sorted(known))}"
            )
        numbers = {
            name: _expect_number(name, fields.get(name))
            for name in ("value", "error", "floor", "bias", "p_value")
            if fields.get(name) is not None
        }
        if "value" not in numbers:
            raise BadInput("estimate: found no value, expected a number. Check the file.")
        if numbers.get("error", 0.0) < 0 or not 0 <= numbers.get("p_value", 0.0) <= 1:
            raise BadInput(
                f"estimate: found {_abbreviate(fields)}, expected an error from 0 and a p_value in [0, 1]. Check it."
            )
        ends = fields.get("interval")
        if ends is not None and not (isinstance(ends, list | tuple) and len(ends) == 2):
            raise BadInput(f"estimate: found the interval {_abbreviate(ends)}, expected [low, high]. Check the file.")
        notes = fields.get("notes", {})
        if not isinstance(notes, Mapping) or not all(isinstance(note, Note) for note in notes.values()):
            raise BadInput(
                f"estimate: found the notes {_abbreviate(notes)}, expected numbers, words and truth values by name"
            )
        low_high = None if ends is None else (_expect_number("interval", ends[0]), _expect_number("interval", ends[1]))
        return Estimate(**numbers, notes=dict(notes), interval=low_high)


def share_error(count: int, n: int) -> float:
    """Compute the standard error of a share of independent samples, above 0 for every count.

        sqrt(p (1 - p) / n),        1 / (n + 2) <= p <= (n + 1) / (n + 2)

    p is the share count / n. Where none or all of the samples count, p is the estimate of Laplace's rule of succession:
    otherwise the error would be 0, though a hundred samples do not settle the matter.

    Args:
        count: Samples that count, 0 .. n.
        n: Samples.

    Returns:
        The standard error.

    Example:
        >>> round(share_error(50, 100), 4), round(share_error(0, 100), 4)
        (0.05, 0.0099)
    """
    p = min(max(count / n, 1 / (n + 2)), (n + 1) / (n + 2))
    return math.sqrt(p * (1 - p) / n)


def _expect_number(name: str, value: Any) -> float:
    if (
        isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**1023
    ):  # more is no float, though JSON has such integers
        raise BadInput(f"estimate: found {name} = {_abbreviate(value)}, expected a finite number. Check the file.")
    return float(value)


def _abbreviate(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
