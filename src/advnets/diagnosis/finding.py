"""A finding: what is wrong, the number that shows it, and the flag to change."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

SEVERITIES = ("note", "warning", "finding")
"""From what is only worth knowing, through what was seen once, to what stands."""


@dataclass(frozen=True)
class Finding:
    """What is wrong with a training.

    Attributes:
        name: Row of DETECTORS, or "non-finite".
        severity: One of SEVERITIES.
        step: The step at which it was measured.
        since: The step at which it was first seen without a break.
        what: What is wrong, one sentence.
        measured: The number that shows it.
        threshold: The number that it is compared with.
        null: What the number is where nothing is wrong, and how that is known.
        cause: The likely cause, one sentence.
        remedy: What to change, by the flags of `advnets train`.
    """

    name: str
    severity: str
    step: int
    since: int
    what: str
    measured: float
    threshold: float
    null: str
    cause: str
    remedy: str

    def as_json(self) -> dict[str, Any]:
        """Return the finding as JSON.

        Returns:
            Its fields.
        """
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Finding":
        """Return the finding that `as_json` wrote.

        Args:
            value: What `as_json` returned.

        Returns:
            The finding.

        Raises:
            TypeError: If it is another object.
        """
        return Finding(**value)

    @property
    def evidence(self) -> str:
        """The number, its threshold, and what it is where nothing is wrong."""
        return f"measured {self.measured:.3g}, threshold {self.threshold:.3g}; {self.null}"

    def line(self) -> str:
        """Return the finding as one line, as the console has it while a run trains.

        Returns:
            The line, without a line break at its end.
        """
        return f"doctor: {self.severity} at step {self.step:,}: {self.name}: {self.what} {self.remedy}"

    def __str__(self) -> str:
        since = f"since step {self.since:,}" if self.since < self.step else f"at step {self.step:,}"
        return (
            f"{self.severity}: {self.name}, {since}\n  {self.what}\n  Evidence: {self.evidence}.\n"
            f"  Likely cause: {self.cause}\n  Remedy: {self.remedy}"
        )
