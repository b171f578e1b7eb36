"""A number with the protocol that it was measured by."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from advnets.errors import BadInput
from advnets.statistics import Estimate


@dataclass(frozen=True)
class Measure:
    """An estimate and the protocol it was made by; measures of different protocols refuse to be compared.

    name: what was measured. estimate: the number. protocol: split, n, samples, seed, data, extractor and settings, as
    JSON can hold them.
    """

    name: str
    estimate: Estimate
    protocol: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.name}: {self.estimate}"

    def __sub__(self, other: "Measure") -> Estimate:
        """The difference of two values, in their unit; its error takes them as independent.

        Raises BadInput if they are of different protocols, and says in which fields.
        """
        self.must_be_like(other)
        mine, others = self.estimate, other.estimate
        both = None if mine.error is None or others.error is None else math.hypot(mine.error, others.error)
        return Estimate(mine.value - others.value, both, floor=0.0)

    def differences(self, other: "Measure") -> dict[str, tuple[Any, Any]]:
        """The fields of two protocols that differ, with what either has (None where it has none)."""
        mine = {"name": self.name, **self.protocol}
        others = {"name": other.name, **other.protocol}
        return {
            key: (mine.get(key), others.get(key))
            for key in sorted({*mine, *others})
            if mine.get(key) != others.get(key)
        }

    def must_be_like(self, other: "Measure") -> None:
        """Raise BadInput if two protocols differ, naming the fields."""
        found = "; ".join(f"{key}: {mine!r} and {others!r}" for key, (mine, others) in self.differences(other).items())
        if found:
            raise BadInput(
                f"{self.name} and {other.name} were measured differently ({found}), and cannot be compared. Measure "
                "both by one protocol."
            )

    def as_dict(self) -> dict[str, Any]:
        """The measure as JSON holds it: the estimate's fields, name and protocol."""
        return {"name": self.name, **self.estimate.as_dict(), "protocol": dict(self.protocol)}

    @staticmethod
    def from_dict(told: Mapping[str, Any]) -> "Measure":
        """The measure that `as_dict` told of; raises BadInput for what it cannot have told."""
        name, protocol = (told.get("name"), told.get("protocol")) if isinstance(told, Mapping) else (None, None)
        if not isinstance(name, str) or not isinstance(protocol, Mapping):
            raise BadInput("measure: expected a name, and a protocol as an object")
        rest = {key: value for key, value in told.items() if key not in ("name", "protocol")}
        return Measure(name, Estimate.from_dict(rest), dict(protocol))
