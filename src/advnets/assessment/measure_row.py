"""What a measure is: the question that it answers, what it needs, how its number is read, and what it found."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from advnets.assessment.context import Context
from advnets.errors import BadInput, is_of_advnets, unknown
from advnets.records import parse_record
from advnets.statistics import Estimate, Jackknife

Find = Callable[[Context], Estimate]

GROUPS = ("translation", "fidelity", "diversity", "memorisation", "two samples", "likelihood")
KINDS = ("values", "features", "classes", "scores")
BETTER = ("lower", "higher", "floor")
DATA = ("images", "points", "any")

OWN = "own"
HEADINGS = (*GROUPS, OWN)
"""The headings of a report's table: the groups, and below them the measures whose group is not known."""

ASKED, TRANSLATIONS = "asked classes", "translations"
"""What those measures need that are for models given labels, or images, alone."""

NEEDS: dict[str, Callable[[Context], object]] = {
    "labels": lambda context: context.reference.require_classifier(),
    "mixture": lambda context: context.mixture,
    "discriminator": lambda context: context.discriminator_logits,
    ASKED: lambda context: context.require_asked(),
    TRANSLATIONS: lambda context: context.require_translations(),
    "targets": lambda context: context.require_translations().require_targets(),
    "way back": lambda context: context.require_translations().require_again(),
    "input classes": lambda context: context.require_translations().require_labels(),
}
"""What a measure may need beside samples and real images: each raises BadInput, with the reason, if it is missing."""


DIFFERS, ALIKE = "differs from real", "no difference can be shown"


@dataclass(frozen=True)
class MeasureCard:
    """What a page says of a measure. A report holds it of measures that advnets does not have, to be shown anywhere.

    Attributes:
        group: As in `MeasureRow`, and so are the others. A report of others may name a group that is none.
        asks: The question that it answers; empty if it is not known.
        better: Which values are nearer to real.
        on: What it looks at.
        of: What data it is for.
        unit: Unit of the value.
        differs: The finding in words where its p-value is small.
        alike: The finding in words where its p-value is not small.
    """

    group: str
    asks: str = ""
    better: str = "floor"
    on: str = "features"
    of: str = "any"
    unit: str = ""
    differs: str = DIFFERS
    alike: str = ALIKE

    @property
    def known_group(self) -> str:
        """Its group, or OWN if that is none: the heading under which it stands, one of HEADINGS."""
        return self.group if self.group in GROUPS else OWN


@dataclass(frozen=True)
class MeasureRow:
    """One measure.

    Attributes:
        group: One of GROUPS: under which heading of a report it stands, and which of the three sentences tells of it.
        asks: The question that it answers, in a sentence.
        better: Which values are nearer to real, one of BETTER: "lower", "higher", or "floor" if either side of what
            real samples get is off. Blurred samples, for example, lie more densely among real images than real samples
            do.
        find: Measures; raises BadInput, with the reason, where it cannot. Whatever a function of the user's own raises
            is taken for such a reason.
        on: What it looks at, one of KINDS; the id of what gave it enters the protocol.
        of: What data it is for, one of DATA: "images", "points" or "any".
        needs: Names in NEEDS; without them the measure is skipped, with the reason.
        unit: Unit of the value.
        least: The least number of samples.
        least_held_out: The least number of held-out images by which sides are compared; with fewer its error is too
            small where a few odd samples decide it.
        differs: The finding in words where its p-value is small.
        alike: The finding in words where its p-value is not small.
        jackknife: Jackknife by which two sets of samples are compared in pairs; None if they cannot be.
        paired_floor: What real images get by that jackknife; None where it is not known, or has no meaning.

    Raises:
        BadInput: For a group, a need or another name that is in no table, for a `find` that cannot be called, and for a
            least number of samples below 1.
    """

    group: str
    asks: str
    better: str
    find: Find
    on: str = "features"
    of: str = "any"
    needs: tuple[str, ...] = ()
    unit: str = ""
    least: int = 1
    least_held_out: int = 1
    differs: str = DIFFERS
    alike: str = ALIKE
    jackknife: Callable[[Context], Jackknife] | None = None
    paired_floor: float | Callable[[Context], float | None] | None = None

    def __post_init__(self) -> None:
        for name, known in (("group", GROUPS), ("better", BETTER), ("on", KINDS), ("of", DATA)):
            if getattr(self, name) not in known:
                raise unknown(f"`{name}` of a MeasureRow", str(getattr(self, name)), known)
        if isinstance(self.needs, str):
            raise BadInput(f"`needs` of a MeasureRow is the text {self.needs!r}, expected a tuple of names. Write one.")
        for need in self.needs:
            if need not in NEEDS:
                raise unknown("name in `needs` of a MeasureRow", str(need), NEEDS)
        if not callable(self.find):
            raise BadInput(
                f"`find` of a MeasureRow is {type(self.find).__name__}, expected a function of a Context that returns "
                "an Estimate. Give the function itself, without calling it."
            )
        if self.least < 1:
            raise BadInput(f"`least` of a MeasureRow is {self.least}, expected a number of samples from 1. Raise it.")

    @property
    def is_own(self) -> bool:
        """Whether its function is the user's own, so that advnets does not have the row in another process."""
        return not is_of_advnets(self.find)

    @property
    def card(self) -> MeasureCard:
        """What a page says of the measure."""
        return MeasureCard(**{spec.name: getattr(self, spec.name) for spec in fields(MeasureCard)})

    def must_suit(self, context: Context) -> None:
        """Check that samples and data have what the measure needs.

        Args:
            context: The samples and the data.

        Raises:
            BadInput: If they have not, with the reason.
        """
        if self.of != "any" and self.of != context.reference.kind:
            raise BadInput(f"it is for {self.of}, and these data are {context.reference.kind}")
        for name in self.needs:
            NEEDS[name](context)

    def must_compare(self, context: Context) -> None:
        """Check that sides can be compared by the measure.

        Args:
            context: The samples of a side and the data.

        Raises:
            BadInput: If `must_suit` raises it, or there are too few held-out images, with the reason.
        """
        self.must_suit(context)
        found = len(context.reference.held_out)
        if found < self.least_held_out:
            raise BadInput(
                f"found {found} held-out images, and sides are compared by it with {self.least_held_out} or more; "
                "bring more images"
            )


@dataclass(frozen=True)
class Measure:
    """An estimate and the protocol that it was made by; measures of different protocols refuse to be compared.

    Attributes:
        name: What was measured.
        estimate: The number, with its error.
        protocol: Split, counts, seed, data, extractor and settings, as JSON can hold them.
        card: What a page says of it, for a measure that advnets does not have; None for one of its own.
    """

    name: str
    estimate: Estimate
    protocol: Mapping[str, Any]
    card: MeasureCard | None = None

    def __str__(self) -> str:
        return f"{self.name}: {self.estimate}"

    def __sub__(self, other: "Measure") -> Estimate:
        """The difference of two values, in their unit; its error takes them as independent.

        Raises:
            BadInput: If their protocols differ; names the fields.
        """
        self.must_be_like(other)
        mine, others = self.estimate, other.estimate
        both = None if mine.error is None or others.error is None else math.hypot(mine.error, others.error)
        return Estimate(mine.value - others.value, both, floor=0.0)

    def differences(self, other: "Measure") -> dict[str, tuple[Any, Any]]:
        """The fields in which two protocols differ.

        Args:
            other: The other measure.

        Returns:
            By field, the values of both; None where one of them has none.
        """
        mine = {"name": self.name, **self.protocol}
        others = {"name": other.name, **other.protocol}
        return {
            key: (mine.get(key), others.get(key))
            for key in sorted({*mine, *others})
            if mine.get(key) != others.get(key)
        }

    def must_be_like(self, other: "Measure") -> None:
        """Check that two protocols are equal.

        Args:
            other: The other measure.

        Raises:
            BadInput: If they differ; names the fields.
        """
        found = "; ".join(f"{key}: {mine!r} and {others!r}" for key, (mine, others) in self.differences(other).items())
        if found:
            raise BadInput(
                f"{self.name} and {other.name} were measured differently ({found}), and cannot be compared. Measure "
                "both by one protocol."
            )

    def as_dict(self) -> dict[str, Any]:
        """The measure as JSON holds it: the estimate's fields, name, protocol and card.

        Returns:
            Its name, the fields of its estimate that are known, its protocol, and its card if it has one.
        """
        card = {} if self.card is None else {"card": asdict(self.card)}
        return {"name": self.name, **self.estimate.as_dict(), "protocol": dict(self.protocol), **card}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "Measure":
        """Read a measure.

        Args:
            values: What `as_dict` gives.

        Returns:
            The measure.

        Raises:
            BadInput: If `as_dict` cannot have given this.
        """
        name, protocol = (values.get("name"), values.get("protocol")) if isinstance(values, Mapping) else (None, None)
        if not isinstance(name, str) or not isinstance(protocol, Mapping):
            raise BadInput("measure: expected an object with a name, and with a protocol that is an object")
        card = None if "card" not in values else parse_record(MeasureCard, values["card"], what=f"measure {name}: card")
        rest = {key: value for key, value in values.items() if key not in ("name", "protocol", "card")}
        return Measure(name, Estimate.from_dict(rest), dict(protocol), card)
