"""What a measure is: the question that it answers, what it needs, and how its number is read."""

from collections.abc import Callable
from dataclasses import dataclass

from advnets.assessment.context import Context
from advnets.errors import BadInput, unknown
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


@dataclass(frozen=True)
class MeasureRow:
    """One measure.

    Attributes:
        group: One of GROUPS: under which heading of a report it stands, and which of the three sentences tells of it.
        asks: The question that it answers, in a sentence.
        better: Which values are nearer to real, one of BETTER: "lower", "higher", or "floor" if either side of what
            real samples get is off. Blurred samples, for example, lie more densely among real images than real samples
            do.
        find: Measures; raises BadInput, with the reason, where it cannot.
        on: What it looks at, one of KINDS; the id of what gave it enters the protocol.
        of: What data it is for, one of DATA: "images", "points" or "any".
        needs: Names in NEEDS; without them the measure is skipped, with the reason.
        unit: Unit of the value.
        least: The least number of samples.
        differs: The finding in words where its p-value is small.
        alike: The finding in words where its p-value is not small.
        jackknife: Jackknife by which two sets of samples are compared in pairs; None if they cannot be.
        paired_floor: What real images get by that jackknife, where better is "floor".

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
    differs: str = "differs from real"
    alike: str = "no difference can be shown"
    jackknife: Callable[[Context], Jackknife] | None = None
    paired_floor: float | Callable[[Context], float] | None = None

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
