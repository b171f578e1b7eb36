"""What a metric returns: a measured number and how far to trust it."""

from dataclasses import dataclass, field
from typing import Any

Note = float | int | str | bool


@dataclass(frozen=True)
class Estimate:
    """A measured number with its standard error.

    value: the number, in the unit that the metric names.
    error: its standard error, in the same unit; which randomness it covers is for the metric to say.
    floor: the value that real samples of the same sizes would get, or None where there is no such thing.
    notes: what else was found on the way, by name: chosen settings, flags, counts.
    """

    value: float
    error: float
    floor: float | None = None
    notes: dict[str, Note] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The estimate as JSON holds it: {"value", "error", "floor", "notes"}.

        >>> Estimate(1.5, 0.25, notes={"n": 4}).as_dict()
        {'value': 1.5, 'error': 0.25, 'floor': None, 'notes': {'n': 4}}
        """
        return {"value": self.value, "error": self.error, "floor": self.floor, "notes": dict(self.notes)}
