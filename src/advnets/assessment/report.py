"""What was found of samples: measures, controls, verdicts; as JSON, and as a page to read."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from advnets.assessment.measure import Measure
from advnets.assessment.measures import GROUPS, MEASURES
from advnets.assessment.verdict import LEVEL, Verdict, verdicts
from advnets.errors import BadInput
from advnets.records import parse_record, parse_value
from advnets.statistics import Estimate
from advnets.statistics.estimate import Z95

SCHEMA = 2

ROUNDING = 0.1
"""Nats between two Parzen scores that rounding cannot make: a score in float32 is within a hundredth."""

FEW = 20
"""Classes whose shares are told one by one; of more, the smallest."""


WARNINGS = {
    "few_samples": "so few samples (or real images) that the value is far above that of many, by an unknown amount.",
    "constant_features": "{} features do not vary on one side: is it one image again and again?",
    "zero_rows": "{} samples have no feature above 0, and were left out.",
    "exact copies": "{} samples equal a training image in all features.",
    "held-out copies": "{} held-out images equal a training image in all features: the data repeat themselves.",
}
"""Notes of estimates that are told under the table, by name; {} is what they hold."""


@dataclass(frozen=True)
class ReferenceCard:
    """What samples were held against, and by what.

    data, digest: of the data set. split, held_out, train: which images, and how many. samples: how many.
    extractor: the id of what gave the features. classifier, accuracy: its id and its share of right answers on
    validation images, or None. seed: of draws.
    """

    data: str
    digest: str
    split: str
    samples: int
    held_out: int
    train: int
    extractor: str
    seed: int
    classifier: str | None = None
    accuracy: float | None = None


@dataclass(frozen=True)
class Report:
    """What was found of samples.

    name, step: what was measured. against: what it was held against. measures: by name, each with its protocol.
    skipped: measures that could not be taken, with the reason. controls: the Parzen score of centres that no model
    made, where the score was taken. seconds: that measuring took. pictures: figures by name, as PNG; of a report that
    was read, only the names are known.
    """

    name: str
    step: int | None
    against: ReferenceCard
    measures: Mapping[str, Measure]
    skipped: Mapping[str, str]
    controls: Mapping[str, Estimate]
    seconds: float
    pictures: Mapping[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def verdicts(self) -> dict[str, Verdict]:
        """What each measure says; p-values are adjusted for all tests of the report."""
        return verdicts({name: measure.estimate for name, measure in self.measures.items()})

    def share_of_the_way(self) -> float | None:
        """Where the Parzen score lies between the mean image (0) and as many real images (1).

        None without a score, and where real images are not above the mean image by more than rounding and luck.
        """
        if not self.controls or "parzen" not in self.measures:
            return None
        mean, real = self.controls["mean image"], self.controls["real images"]
        gap = real.value - mean.value
        if not gap > max(ROUNDING, Z95 * math.hypot(mean.error or 0.0, real.error or 0.0)):
            return None
        return (self.measures["parzen"].estimate.value - mean.value) / gap

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "step": self.step,
            "against": asdict(self.against),
            "measures": [measure.as_dict() for measure in self.measures.values()],
            "verdicts": {name: asdict(verdict) for name, verdict in self.verdicts.items()},
            "skipped": dict(self.skipped),
            "controls": {name: estimate.as_dict() for name, estimate in self.controls.items()},
            "share_of_the_way": self.share_of_the_way(),
            "figures": list(self.pictures),
            "seconds": self.seconds,
        }

    @staticmethod
    def from_dict(told: Mapping[str, Any]) -> "Report":
        """The report that `as_dict` told of; raises BadInput for what it cannot have told."""
        if not isinstance(told, Mapping) or told.get("schema") != SCHEMA:
            found = told.get("schema", "none") if isinstance(told, Mapping) else type(told).__name__
            raise BadInput(f"report: found schema {found}, expected {SCHEMA}. Measure again: `advnets evaluate`.")

        def given(name: str, hint: Any, usual: Any) -> Any:
            return parse_value(told.get(name, usual), hint, rows={}, what=f"report: {name}")

        measures = [Measure.from_dict(one) for one in given("measures", tuple[Mapping[str, Any], ...], ())]
        controls = given("controls", Mapping[str, Mapping[str, Any]], {})
        if controls and not {"mean image", "real images"} <= set(controls):
            raise BadInput(f"report: found the controls {', '.join(controls)}, expected mean image and real images")
        return Report(
            name=given("name", str, None),
            step=given("step", int | None, None),
            against=parse_record(ReferenceCard, told.get("against", {}), what="report: against"),
            measures={measure.name: measure for measure in measures},
            skipped=given("skipped", Mapping[str, str], {}),
            controls={name: Estimate.from_dict(one) for name, one in controls.items()},
            seconds=given("seconds", float, 0.0),
            pictures=dict.fromkeys(given("figures", tuple[str, ...], ()), b""),
        )

    def __str__(self) -> str:
        return self.markdown()

    def markdown(self) -> str:
        """The report as a page of Markdown."""
        parts = [self._head(), self._table(), *self._warnings(), self._reading()]
        parts += [*self._parts(), *self._classes(), *self._parzen(), *self._skipped()]
        parts += [f"![{name}](figures/{name}.png)" for name in self.pictures]
        return "\n\n".join(parts) + "\n"

    def _head(self) -> str:
        it = self.against
        step = "" if self.step is None else f" at step {self.step:,}"
        seen = (
            "" if it.accuracy is None else f" The classifier is right on {100 * it.accuracy:.1f} % of held-out images."
        )
        return (
            f"# {self.name}{step}\n\n"
            f"{it.samples:,} samples, held against {it.held_out:,} {it.split} and {it.train:,} training images of "
            f"{it.data}. Features: {it.extractor}.{seen}"
        )

    def _table(self) -> str:
        rows = [["measure", "value", "real", "verdict"]]
        for group in GROUPS:
            names = [name for name in self.measures if group_of(name) == group]
            rows += [[f"**{group}**", "", "", ""]] if names else []
            rows += [self._row(name) for name in names]
        return align_table(rows, right=(1, 2))

    def _row(self, name: str) -> list[str]:
        found, unit = self.measures[name].estimate, MEASURES[name].unit if name in MEASURES else ""
        return [
            name,
            f"{format_estimate(found)} {unit}".rstrip(),
            "" if found.floor is None else f"{found.floor:.4g}",
            self.verdicts[name].words,
        ]

    def _warnings(self) -> list[str]:
        """What the estimates note that a reader of their values has to know."""
        told = [
            f"- {name}: {words.format(found.estimate.notes[note])}"
            for name, found in self.measures.items()
            for note, words in WARNINGS.items()
            if found.estimate.notes.get(note)
        ]
        return ["Heed:\n\n" + "\n".join(told)] if told else []

    def _parts(self) -> list[str]:
        """Which measures looked at a draw of the samples only."""
        parts: dict[int, list[str]] = {}
        for name, measure in self.measures.items():
            noted = (measure.estimate.notes.get(key) for key in ("n", "m"))
            sizes = [size for size in noted if isinstance(size, int)]
            if name != "parzen" and sizes and max(sizes) < self.against.samples:
                parts.setdefault(max(sizes), []).append(name)
        if not parts:
            return []
        told = "; ".join(f"{n:,} by {', '.join(names)}" for n, names in sorted(parts.items()))
        return [
            "Some measures look at a random draw of the samples, as many as there are real images for both sides and "
            f"to stand in for samples: {told}."
        ]

    def _reading(self) -> str:
        tests = sum(verdict.adjusted is not None for verdict in self.verdicts.values())
        asked = "\n".join(f"- {name}: {MEASURES[name].asks}" for name in self.measures if name in MEASURES)
        adjusted = (
            f" P-values are adjusted for the {tests} test{'s' * (tests > 1)} of this table (Benjamini and Hochberg), "
            f"so that of the differences told at most {100 * LEVEL:.0f} % are expected to be false. That no difference "
            "can be shown does not say that there is none."
        )
        return (
            "Values are given with their standard error, or their 95 % interval; `real` is what real samples of the "
            f"same sizes get.{adjusted if tests else ''}\n\n{asked}"
        )

    def _classes(self) -> list[str]:
        if "class-shares" not in self.measures:
            return []
        found = self.measures["class-shares"].estimate
        n = found.notes.get("n_all", found.notes["n"])
        return [f"Classes of {n:,} samples by the classifier, in %: {format_class_shares(found)}."]

    def _parzen(self) -> list[str]:
        if not self.controls or "parzen" not in self.measures:
            return []
        way = self.share_of_the_way()
        far = "" if way is None else f"{100 * way:.0f} % of the way from the mean image to as many real images. "
        measure = self.measures["parzen"]
        told = measure.protocol
        rows = [["centres", "how many", "nats", "standard error", "sigma", "edge", "ceiling"]]
        rows += [_centres(name, one) for name, one in {"these samples": measure.estimate, **self.controls}.items()]
        return [
            f"Parzen window log-likelihood, {told['parzen']}, {told['split']} split, in nats; sigma was chosen on "
            f"{told['n_selection']} validation images and the score read on {told['n']} others.",
            align_table(rows, right=(1, 2, 3, 4, 6)),
            f"{far}The score is not a log-likelihood of the model, and centres above the real images' row are blur, "
            "not quality (Theis et al. 2016).",
        ]

    def _skipped(self) -> list[str]:
        if not self.skipped:
            return []
        return ["Not measured:\n\n" + "\n".join(f"- {name}: {reason}" for name, reason in self.skipped.items())]


def group_of(name: str) -> str:
    """The group of a measure; one that this version does not know is put last."""
    return MEASURES[name].group if name in MEASURES else GROUPS[-1]


def format_estimate(found: Estimate) -> str:
    """Value with its error or interval; an interval of a biased value is about the value less its bias.

    >>> format_estimate(Estimate(12.34567, 0.271)), format_estimate(Estimate(3.5, interval=(1.3, 2.6), bias=1.6))
    ('12.35 +- 0.27', '3.5 [less bias: 1.3, 2.6]')
    """
    if found.notes.get("at least") and "low" in found.notes:
        return f"at least {float(found.notes['low']):.4g}"
    if found.notes.get("few_samples"):
        return f"{found.value:.4g}"
    if found.interval is not None:
        about = "less bias: " if found.bias else ""
        return f"{found.value:.4g} [{about}{found.interval[0]:.3g}, {found.interval[1]:.3g}]"
    return f"{found.value:.4g}" if found.error is None else f"{found.value:.4g} +- {found.error:.2g}"


def align_table(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """A table of Markdown that can be read as it is; the first row heads it. right: columns set to the right."""
    widths = [max(3, *(len(row[column]) for row in rows)) for column in range(len(rows[0]))]
    rule = [f"{'-' * (width - 1)}{':' if column in right else '-'}" for column, width in enumerate(widths)]
    lines = []
    for row in (rows[0], rule, *rows[1:]):
        cells = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def format_class_shares(classes: Estimate) -> str:
    """The shares of `class_shares` in words: each one, or the smallest where they are many."""
    shares = {
        name.removeprefix("class "): float(share) for name, share in classes.notes.items() if name.startswith("class ")
    }
    if len(shares) > FEW:
        return f"{100 * min(shares.values()):.2f} at least, {classes.notes['missing']} of {len(shares)} missing"
    return ", ".join(f"{name} {100 * share:.1f}" for name, share in shares.items())


def _centres(name: str, found: Estimate) -> list[str]:
    notes = found.notes
    numbers = [f"{notes['n_centres']:,}", f"{found.value:.1f}", f"{found.standard_error:.1f}", f"{notes['sigma']:.4f}"]
    return [name, *numbers, "yes" if notes["edge"] else "no", f"{notes['ceiling']:.0f}"]
