"""Measures of samples, each with its protocol, and the report that they make: as JSON, and as a page to read."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from advnets.assessment.context import ReferenceCard
from advnets.assessment.measure_row import HEADINGS, Measure, MeasureCard
from advnets.assessment.measures import MEASURES, card_of
from advnets.assessment.paragraphs import baseline_lines, class_lines, reference_lines
from advnets.assessment.power import power_lines
from advnets.assessment.summary import Summary, summarise
from advnets.assessment.verdict import Verdict, explain_numbers, verdicts
from advnets.errors import BadInput
from advnets.markup import html_card, html_lines, html_table
from advnets.records import parse_record, parse_value
from advnets.statistics import Estimate
from advnets.statistics.estimate import Z95
from advnets.text import align_table, escape_markdown, format_reasons, shorten_digests

SCHEMA = 2

ROUNDING = 0.1
"""Nats between two Parzen scores that rounding cannot make: a score in float32 is within a hundredth."""

WARNINGS = {
    "few_samples": "so few samples (or real images) that the value is far above that of many, by an unknown amount.",
    "constant_features": "{} features do not vary on one side: is it one image again and again?",
    "zero_rows": "{} samples have no feature above 0, and were left out.",
    "exact copies": "{} samples equal a training image in all features.",
    "held-out copies": "{} held-out images equal a training image in all features: the data repeat themselves.",
}
"""Notes of estimates that are printed under the table, by name; {} is the value of the note."""


@dataclass(frozen=True)
class Report:
    """What was found about samples.

    Attributes:
        name: What was measured.
        step: The step that its generator was trained to, or None.
        against: What it was measured against, and by what.
        measures: Measures by name, each with its protocol.
        skipped: Reasons, by the name of the measure, why it could not be taken.
        controls: Parzen scores of centres that no model made, where the score was measured.
        seconds: Seconds that it took.
        figures: Figures by name, as PNG; empty bytes in a report that was read from a file.
    """

    name: str
    step: int | None
    against: ReferenceCard
    measures: Mapping[str, Measure]
    skipped: Mapping[str, str]
    controls: Mapping[str, Estimate]
    seconds: float
    figures: Mapping[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def cards(self) -> dict[str, MeasureCard]:
        """What a page says of each measure: by its row of MEASURES, or else by what the report holds of it."""
        return {name: card_of(name, measure.card) for name, measure in self.measures.items()}

    @cached_property
    def verdicts(self) -> dict[str, Verdict]:
        """The verdict on each measure; p-values are adjusted for all rows of the report."""
        return verdicts(self._estimates(), self.cards)

    @cached_property
    def summary(self) -> Summary:
        """Fidelity, variety and copies, in a sentence each."""
        return summarise(self._estimates(), self.verdicts, self.against.held_out, self.skipped, self.cards)

    def must_have_measures(self) -> None:
        """Check that something was measured.

        Raises:
            BadInput: If nothing was, with the reasons.
        """
        if self.measures:
            return
        names: dict[str, list[str]] = {}
        for name, reason in self.skipped.items():
            names.setdefault(reason.rstrip("."), []).append(name)
        reasons = "; ".join(f"{', '.join(of)}: {reason}" for reason, of in names.items())
        raise BadInput(f"{self.name}: nothing that was asked for can be measured ({reasons}). Ask for others.")

    def share_of_the_way(self) -> float | None:
        """Where the Parzen score lies between the mean image (0) and as many real images (1).

        Returns:
            The share; None without a score, and where real images do not exceed the mean image by more than rounding
            and sampling error.
        """
        if not self.controls or "parzen" not in self.measures:
            return None
        mean, real = self.controls["mean image"], self.controls["real images"]
        gap = real.value - mean.value
        if not gap > max(ROUNDING, Z95 * math.hypot(mean.error or 0.0, real.error or 0.0)):
            return None
        return (self.measures["parzen"].estimate.value - mean.value) / gap

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON can hold it, without the bytes of its figures.

        Returns:
            Its fields, with the verdicts and the summary.
        """
        return {
            "schema": SCHEMA,
            "name": self.name,
            "step": self.step,
            "against": asdict(self.against),
            "measures": [measure.as_dict() for measure in self.measures.values()],
            "verdicts": {name: asdict(verdict) for name, verdict in self.verdicts.items()},
            "skipped": dict(self.skipped),
            "controls": {name: estimate.as_dict() for name, estimate in self.controls.items()},
            "summary": asdict(self.summary),
            "share_of_the_way": self.share_of_the_way(),
            "figures": list(self.figures),
            "seconds": self.seconds,
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> "Report":
        """Read a report.

        Args:
            values: What `as_dict` gives.

        Returns:
            The report, without the bytes of its figures.

        Raises:
            BadInput: If `as_dict` cannot have given this.
        """
        if not isinstance(values, Mapping) or values.get("schema") != SCHEMA:
            found = values.get("schema", "none") if isinstance(values, Mapping) else type(values).__name__
            raise BadInput(f"report: found schema {found}, expected {SCHEMA}. Measure again: `advnets evaluate`.")

        def read(name: str, hint: Any, default: Any) -> Any:
            return parse_value(values.get(name, default), hint, rows={}, what=f"report: {name}")

        measures = [Measure.from_dict(one) for one in read("measures", tuple[Mapping[str, Any], ...], ())]
        controls = read("controls", Mapping[str, Mapping[str, Any]], {})
        if controls and not {"mean image", "real images"} <= set(controls):
            raise BadInput(f"report: found the controls {', '.join(controls)}, expected mean image and real images")
        return Report(
            name=read("name", str, None),
            step=read("step", int | None, None),
            against=parse_record(ReferenceCard, values.get("against", {}), what="report: against"),
            measures={measure.name: measure for measure in measures},
            skipped=read("skipped", Mapping[str, str], {}),
            controls={name: Estimate.from_dict(one) for name, one in controls.items()},
            seconds=read("seconds", float, 0.0),
            figures=dict.fromkeys(read("figures", tuple[str, ...], ()), b""),
        )

    def __str__(self) -> str:
        return self.markdown()

    def _repr_html_(self) -> str:
        """What a notebook shows: the three sentences and the table; `print` shows the whole page."""
        step = "" if self.step is None else f" at step {self.step:,}"
        rows = [self._plain_row(name) for name in self.measures]
        table = html_table(rows, head=("measure", "value", "real", "verdict"), right=(1, 2))
        sentences = str(self.summary).replace("**", "").splitlines()
        about = f"{self.against.samples:,} samples, against {self.against.held_out:,} images of {self.against.data}"
        return html_card(f"{self.name}{step}", html_lines([about, *sentences]), table)

    def markdown(self, *, definitions: bool = False) -> str:
        """The report as a page of Markdown.

        Args:
            definitions: Whether the question of each measure is told below the table.

        Returns:
            The page.
        """
        figures = [f"![{name}](figures/{name}.png)" for name in map(escape_markdown, self.figures)]
        return "\n\n".join([self._head(), *self.sections(definitions=definitions), *figures]) + "\n"

    def sections(self, *, definitions: bool = False) -> list[str]:
        """Return the report as Markdown without heading and figures, to stand on another page.

        Args:
            definitions: As in `markdown`.

        Returns:
            Paragraphs and tables, one string each.
        """
        parts = [str(self.summary), *reference_lines(self.against), self._table(), *self._warnings()]
        parts += [self._explanation(definitions), *power_lines(self._estimates(), self.against.held_out)]
        parts += [*self._draws(), *baseline_lines(self._estimates()), *class_lines(self._estimates())]
        return [*parts, *self._parzen(), *self._list_skipped()]

    def _head(self) -> str:
        it, right = self.against, self.against.accuracy
        step = "" if self.step is None else f" at step {self.step:,}"
        seen = "" if right is None else f" The classifier is right on {100 * right:.1f} % of validation images."
        features = escape_markdown(shorten_digests(it.extractor))
        return (
            f"# {escape_markdown(self.name)}{step}\n\n"
            f"{it.samples:,} samples, measured against {it.held_out:,} {escape_markdown(it.split)} and {it.train:,} "
            f"training images of {escape_markdown(it.data)}. Features: {features}.{seen}"
        )

    def _table(self) -> str:
        rows = [["measure", "value", "real", "verdict"]]
        for group in HEADINGS:
            names = [name for name in self.measures if self.cards[name].known_group == group]
            rows += [[f"**{group}**", "", "", ""]] if names else []
            rows += [self._row(name) for name in names]
        return align_table(rows, right=(1, 2))

    def _row(self, name: str) -> list[str]:
        _, *cells = self._plain_row(name)
        return [escape_markdown(name), *(self._as_text(name, cell) for cell in cells)]

    def _plain_row(self, name: str) -> tuple[str, str, str, str]:
        found = self.measures[name].estimate
        real = "" if found.floor is None else f"{found.floor:.4g}"
        return name, f"{format_estimate(found)} {self.cards[name].unit}".rstrip(), real, self.verdicts[name].words

    def _as_text(self, name: str, words: str) -> str:
        """Words on a measure in Markdown; those of a row that is not loaded are a stranger's, and text alone."""
        if name in MEASURES:
            return words
        return escape_markdown(words).replace("p &lt; ", "p < ")  # a < before a space opens no mark

    def _warnings(self) -> list[str]:
        """Notes of the estimates that a reader of their values has to know."""
        lines = [
            f"- {escape_markdown(name)}: {words.format(escape_markdown(str(found.estimate.notes[note])))}"
            for name, found in self.measures.items()
            for note, words in WARNINGS.items()
            if found.estimate.notes.get(note)
        ]
        return ["Note:\n\n" + "\n".join(lines)] if lines else []

    def _draws(self) -> list[str]:
        """Which measures used only a draw of the samples."""
        parts: dict[int, list[str]] = {}
        for name, measure in self.measures.items():
            noted = (measure.estimate.notes.get(key) for key in ("n", "m"))
            sizes = [size for size in noted if isinstance(size, int)]
            if name != "parzen" and sizes and max(sizes) < self.against.samples:
                parts.setdefault(max(sizes), []).append(name)
        if not parts:
            return []
        draws = "; ".join(f"{n:,} by {escape_markdown(', '.join(names))}" for n, names in sorted(parts.items()))
        return [
            "Some measures use only a random draw of the samples, because they need as many real images as samples. "
            f"Some of them also need other real images that stand in for samples. Samples used: {draws}."
        ]

    def _explanation(self, definitions: bool) -> str:
        asked = [
            f"- {escape_markdown(name)}: {self._as_text(name, card.asks)}"
            for name, card in self.cards.items()
            if card.asks
        ]
        told = "\n".join(asked) if definitions else "What each measure asks: `advnets evaluate RUN --definitions`."
        return f"{explain_numbers(self._estimates(), self.against.extractor)}\n\n{told}"

    def _estimates(self) -> dict[str, Estimate]:
        return {name: measure.estimate for name, measure in self.measures.items()}

    def _parzen(self) -> list[str]:
        if not self.controls or "parzen" not in self.measures:
            return []
        way = self.share_of_the_way()
        praised = way is not None and not self.summary.claims  # no praise beside a claim of other rows
        far = f"{100 * (way or 0):.0f} % of the way from the mean image to as many real images. " if praised else ""
        measure = self.measures["parzen"]
        protocol = {key: escape_markdown(str(value)) for key, value in measure.protocol.items()}
        rows = [["centres", "how many", "nats", "standard error", "sigma", "edge", "ceiling"]]
        rows += [_centres(name, one) for name, one in {"these samples": measure.estimate, **self.controls}.items()]
        return [
            f"Parzen window log-likelihood, {protocol['parzen']}, {protocol['split']} split, in nats. Sigma was chosen "
            f"on {protocol['n_selection']} validation images, and the score computed on {protocol['n']} others.",
            align_table(rows, right=(1, 2, 3, 4, 6)),
            f"{far}The score is not a log-likelihood of the model, and centres above the real images' row are blur, "
            "not quality (Theis et al. 2016).",
        ]

    def _list_skipped(self) -> list[str]:
        return ["Not measured:\n\n" + format_reasons(self.skipped)] if self.skipped else []


def format_estimate(found: Estimate) -> str:
    """A value as text, with its error or interval.

    Args:
        found: The estimate.

    Returns:
        The text; the interval of a biased value is about the value less its bias.

    Example:
        >>> format_estimate(Estimate(12.34567, 0.271)), format_estimate(Estimate(3.5, interval=(1.3, 2.6), bias=1.6))
        ('12.35 +- 0.27', '3.5, less bias 1.9 [1.3, 2.6]')
    """
    if found.notes.get("at least") and "low" in found.notes:
        return f"at least {float(found.notes['low']):.4g}"
    if found.notes.get("few_samples"):
        return f"{found.value:.4g}"
    if found.interval is not None:
        about = f", less bias {found.less_bias:.3g}" if found.bias else ""
        return f"{found.value:.4g}{about} [{found.interval[0]:.3g}, {found.interval[1]:.3g}]"
    return f"{found.value:.4g}" if found.error is None else f"{found.value:.4g} +- {found.error:.2g}"


def _centres(name: str, found: Estimate) -> list[str]:
    notes = found.notes
    numbers = [f"{notes['n_centres']:,}", f"{found.value:.1f}", f"{found.standard_error:.1f}", f"{notes['sigma']:.4f}"]
    return [escape_markdown(name), *numbers, "yes" if notes["edge"] else "no", f"{notes['ceiling']:.0f}"]
