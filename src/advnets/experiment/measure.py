"""A number with the protocol that it was measured by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from advnets import metrics
from advnets.errors import BadInput


@dataclass(frozen=True)
class Measure:
    """An estimate and the protocol it was made by; measures of different protocols refuse to be compared.

    name: what was measured. estimate: the number. protocol: split, n, samples, seed, data and settings.
    """

    name: str
    estimate: metrics.Estimate
    protocol: Mapping[str, Any]

    def __sub__(self, other: "Measure") -> float:
        """The difference of two values, in their unit; raises BadInput if their protocols differ."""
        differing = sorted(
            key for key in {*self.protocol, *other.protocol} if self.protocol.get(key) != other.protocol.get(key)
        )
        if self.name != other.name or differing:
            what = differing or ["name"]
            raise BadInput(
                f"{self.name} and {other.name} were measured differently ({', '.join(what)}): not comparable"
            )
        return self.estimate.value - other.estimate.value
