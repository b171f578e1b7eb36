"""The comparison of sides: as JSON, and as a page to read."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any

from advnets.assessment.measures import FEW_REAL, MEASURES
from advnets.assessment.report import format_estimate
from advnets.assessment.verdict import format_p_value
from advnets.comparison.difference import (
    LEVEL,
    NOT_SHOWN,
    POWER,
    ROUNDED,
    THE_SAME,
    Contrast,
    smallest_exact_p_value,
)
from advnets.comparison.settings_difference import differing_fields
from advnets.comparison.work import compare_work
from advnets.markup import html_card, html_lines, html_table
from advnets.statistics import Estimate
from advnets.text import align_table, escape_markdown, format_reasons

KINDS = {
    "paired": "The samples of all sides were measured against the same real images. The error of a difference is that "
    "of a jackknife over blocks of samples and of these images, so that what the images change for all sides cancels. "
    "The page speaks of these generators, not of their recipes: to compare recipes, compare groups of seeds.",
    "reports": "The values are those of separate reports, and their errors are taken as independent. If sides were "
    "measured against the same real images, the errors are too large, and differences are harder to show. Without "
    "--reports, samples are compared in pairs.",
    "seeds": "Values are means over runs, with their standard error over runs; differences are tested by Welch's t "
    "test.",
    "matched seeds": "Values are means over runs, with their standard error over runs; differences are tested by a "
    "paired t test, as each group has runs of the same seeds. The runs of a pair share their seed alone. Pairing takes "
    "off what a seed changes alike on both sides, such as the order of the data; of that two recipes may share little. "
    "`--unpaired` (in Python `unpaired=True`) tests without pairing.",
}
"""How sides were compared, and what that means."""

ALIKE = "(all alike)"
"""Beside the mean of runs that have one value."""
PROTOCOL_WORDS = {"seed": "seed of the samples"}
"""Fields of a protocol whose name alone would be taken for another: sides have a seed of their training."""

NUMBERS = {2: "Two", 3: "Three", 4: "Four"}
"""Runs a group that the page calls few, in words."""

MOST_SETTINGS = 8
"""Settings in which sides differ that are named at most."""
TOLD_ELSEWHERE = ("settings.seed", "settings.steps", "settings.minutes")
"""Settings that a side's own line tells, or the steps."""

QUALITY = ("fidelity", "diversity", "two samples")
"""Groups of the measures that tell whether samples look real and vary."""
HALVED = ("precision", "density", "recall")
"""Measures that `evaluate` takes of half of the held-out images, and a comparison of all."""


@dataclass(frozen=True)
class Side:
    """One side.

    Attributes:
        name: How it is called.
        of: Its paths.
        steps: The step that each was trained to, or None.
        seeds: The seed that each was trained with, or None.
        recipe: Name of the recipe that trained it; "" where that is not known.
        work: What a step of its training costs, as `describe_work` has it; empty where that is not known.
        seconds: The seconds that each was trained for, or None.
        settings: The values of the recipe as typed, and the settings, of its first run; empty of files.
    """

    name: str
    of: tuple[str, ...]
    steps: tuple[int | None, ...]
    seeds: tuple[int | None, ...]
    recipe: str = ""
    work: Mapping[str, str] = field(default_factory=dict)
    seconds: tuple[float | None, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """Sides beside each other.

    Attributes:
        kind: How they were compared, a name in KINDS.
        sides: All sides.
        protocol: How all sides were measured.
        contrasts: Every measure of every pair.
        left_out: Reasons, by measure, why it could not be taken.
        control: Control of the multiple tests, a row of CONTROLS.
    """

    kind: str
    sides: tuple[Side, ...]
    protocol: Mapping[str, Any]
    contrasts: tuple[Contrast, ...]
    left_out: Mapping[str, str]
    control: str

    def as_dict(self) -> dict[str, Any]:
        """The comparison as JSON.

        Returns:
            Its fields, and "level", the level of the tests.
        """
        return {
            "kind": self.kind,
            "sides": [_side_as_json(side) for side in self.sides],
            "settings_differ": {name: list(values) for name, values in self._differing_settings().items()},
            "protocol": dict(self.protocol),
            "control": self.control,
            "level": LEVEL,
            "contrasts": [contrast.as_dict() for contrast in self.contrasts],
            "left_out": dict(self.left_out),
        }

    def __str__(self) -> str:
        return self.markdown()

    def _repr_html_(self) -> str:
        """What a notebook shows: the verdict and the tables; `print` shows the whole page."""
        parts = [html_lines([self.verdict()])]
        for pair, contrasts in groupby(self.contrasts, lambda each: (each.first, each.second)):
            head, *rows = _rows(*pair, list(contrasts))
            parts.append(html_table(rows, head=head, right=RIGHT))
        return html_card(" beside ".join(side.name for side in self.sides), *parts)

    def verdict(self) -> str:
        """The whole comparison in a few sentences; the first say what stands in the way of one.

        Returns:
            The sentences, for people.
        """
        work = compare_work(*({side.name: getattr(side, name) for side in self.sides} for name in ("work", "seconds")))
        return f"{self._too_few_held_out()}{self._unlike_steps()}{work}{self._findings()}"

    def _too_few_held_out(self) -> str:
        """That what is asked first, which side looks more real, is not answered by so few images."""
        held_out = self.protocol.get("held_out", FEW_REAL)
        taken = {each.measure for each in self.contrasts}
        quality = {name for name, row in MEASURES.items() if row.group in QUALITY}
        if held_out >= FEW_REAL or quality & taken or not quality & self.left_out.keys():
            return ""
        return (
            f"Which side looks more real, or varies more, cannot be told by {held_out} held-out images: put {FEW_REAL} "
            "or more into a folder val, and the rest into a folder train beside it, and train the sides again. "
        )

    def _unlike_steps(self) -> str:
        steps = {side.name: _format_steps(side) for side in self.sides}
        if len(set(steps.values()) - {""}) < 2:
            return ""
        each = ", ".join(f"{name}: {text}" for name, text in steps.items() if text)
        return f"The sides were trained for unlike numbers of steps ({each}), which alone may make them differ. "

    def _findings(self) -> str:
        tests = [each for each in self.contrasts if each.adjusted is not None]
        differ = [each for each in tests if each.words not in (NOT_SHOWN, THE_SAME, ROUNDED)]
        if not tests:
            return "Nothing could be tested: no error is known."
        if all(each.words in (THE_SAME, ROUNDED) for each in tests):
            return "The sides are equal in all that was measured, as the same samples are."
        if not differ:
            whole = "by the one test" if len(tests) == 1 else f"by any of {len(tests)} tests"
            return f"{NOT_SHOWN[0].upper()}{NOT_SHOWN[1:]}, {whole}. There may still be one."
        wins: dict[str, list[str]] = {}
        for each in differ:
            wins.setdefault(_relation(each), []).append(each.measure)
        findings = "; ".join(f"{relation} by {', '.join(measures)}" for relation, measures in wins.items())
        rest = len(tests) - len(differ)
        return f"{findings}." + (f" By {rest} other tests of {len(tests)} {NOT_SHOWN}." if rest else "")

    def markdown(self) -> str:
        """The comparison as a page of Markdown.

        Returns:
            The text of the page, which ends with a line break.
        """
        title = escape_markdown(" beside ".join(side.name for side in self.sides))
        parts = [f"# {title}", escape_markdown(self.verdict()), self._sides()]
        for pair, contrasts in groupby(self.contrasts, lambda each: (each.first, each.second)):
            parts += [f"## {escape_markdown(' - '.join(pair))}"] if len(self.sides) > 2 else []
            parts.append(_table(*pair, list(contrasts)))
        return "\n\n".join([*parts, self._explanation(), *self._left_out()]) + "\n"

    def _sides(self) -> str:
        protocol = "; ".join(
            f"{PROTOCOL_WORDS.get(name, name.replace('_', '-'))} {value}"
            for name, value in self.protocol.items()
            if name != "digest"
        )
        lines = [f"- {side.name}{_members(side)}" for side in self.sides]
        if differing := self._differing_settings():
            told = [f"{name} {' / '.join(values)}" for name, values in differing.items()]
            more = f"; and {len(told) - MOST_SETTINGS} more" if len(told) > MOST_SETTINGS else ""
            lines.append(f"- trained otherwise by: {'; '.join(told[:MOST_SETTINGS])}{more}")
        return "\n".join(map(escape_markdown, [*lines, f"- measured by: {protocol}"]))

    def _differing_settings(self) -> dict[str, tuple[str, ...]]:
        """What runs of one recipe differ in, beside seed and limit; nothing of files, and of several recipes."""
        if not all(side.settings for side in self.sides) or len({side.recipe for side in self.sides}) > 1:
            return {}
        found = differing_fields([side.settings for side in self.sides])
        return {name: values for name, values in found.items() if name not in TOLD_ELSEWHERE}

    def _explanation(self) -> str:
        what = "the chance of any false one" if self.control == "holm" else "the expected share of false ones"
        return (
            f"{KINDS[self.kind]}{self._on_runs()}{self._on_halves()}\n\n"
            f"P-values are adjusted for all tests of this page ({self.control}): among the reported differences, "
            f"{what} is at most {LEVEL:g}. Each interval holds 95 % by itself. "
            "`could be shown` is the true difference that this comparison would have "
            f"found with a probability of {POWER:g}; a smaller one may well be there unseen. `real` is what as many "
            "real images get; it is empty where that is not known, as for `fid` of too few samples, or has no meaning."
            f"{self._on_order()}{self._on_bias()}"
        )

    def _on_order(self) -> str:
        """Why a difference is shown, and a better side is not."""
        if not any(each.words.endswith(" is higher") for each in self.contrasts):
            return ""
        return (
            " `is higher` stands where two values differ, and which of them is nearer to what real images get cannot "
            "be shown, or is not known; `is better` stands where that is shown too."
        )

    def _on_bias(self) -> str:
        """What a difference of Frechet distances holds beside the difference of quality."""
        if not any(each.measure == "fid" for each in self.contrasts):
            return ""
        return (
            " With few samples each `fid` is too large, and not all by the same amount: the difference holds that too. "
            "`advnets evaluate` has each value less its bias."
        )

    def _on_runs(self) -> str:
        """What the error over runs rests on, and what it does not hold."""
        if self.kind not in ("seeds", "matched seeds"):
            return ""
        degrees = sorted({f"{each.degrees:.3g}" for each in self.contrasts}, key=float)
        told = degrees[0] if len(degrees) == 1 else f"{degrees[0]} to {degrees[-1]}"
        runs = min(len(side.of) for side in self.sides)
        few = f" {NUMBERS[runs]} runs a group are few: only large differences can be shown." if runs in NUMBERS else ""
        alike = any(ALIKE in _format_value(value) for each in self.contrasts for value in (each.a, each.b))
        one = f" `{ALIKE}` stands where all runs of a group have one value: so few tell no error." if alike else ""
        return (
            f" The test has {told} degree{'s' * (told != '1')} of freedom.{few}{self._on_normality(runs)}{one} "
            "The error over runs does not hold the error of the real images, which are the same for all runs: with "
            "others, all values may lie elsewhere."
        )

    def _on_normality(self, pairs: int) -> str:
        """What the test of few pairs rests on, and how far the tests can go that do not rest on it."""
        least = smallest_exact_p_value(pairs)
        if self.kind != "matched seeds" or least <= LEVEL:
            return ""
        return (
            " The test rests on differences of pairs that are normally distributed, which so few cannot show. The "
            "exact tests of signs and of permutations do not: `--json` has them as `p_sign` and `p_permutation`. "
            f"Of {pairs} pairs they cannot go below p = {f'{least:.4g}'.removeprefix('0')}, whatever the difference."
        )

    def _on_halves(self) -> str:
        """Why some values are not those of a report."""
        names = [name for name in HALVED if any(each.measure == name for each in self.contrasts)]
        if self.kind == "reports" or not names:
            return ""
        return (
            f" Values of {', '.join(names)} are not those of `advnets evaluate`, which measures them against at most "
            "half of the held-out images, with as many samples, and lets the others stand in for samples."
        )

    def _left_out(self) -> list[str]:
        if not self.left_out:
            return []
        return ["Not compared:\n\n" + format_reasons(self.left_out)]


RIGHT = (2, 3, 4, 5, 6, 7)
"""Columns of a table that are set to the right."""


def _table(first: str, second: str, contrasts: list[Contrast]) -> str:
    rows = [[escape_markdown(cell) for cell in row] for row in _rows(first, second, contrasts)]
    return align_table(rows, right=RIGHT)


def _rows(first: str, second: str, contrasts: list[Contrast]) -> list[list[str]]:
    """The cells of a table, as text."""
    rows = [["measure", "better", first, second, "real", "difference", "p", "could be shown", "verdict"]]
    for each in contrasts:
        row = MEASURES.get(each.measure)
        rows.append([
            each.measure,
            "" if row is None else {"floor": "as real"}.get(row.better, row.better),
            _format_value(each.a),
            _format_value(each.b),
            _format_real(each),
            format_estimate(each.difference) if each.difference.error else f"{each.difference.value:.4g}",
            "" if each.adjusted is None else format_p_value(each.adjusted).removeprefix("p = ").removeprefix("p "),
            "" if each.smallest is None else f"{each.smallest:.2g}",
            each.words,
        ])  # fmt: skip
    return rows


def _format_value(found: Estimate) -> str:
    """A value with its error; of runs that all have one value, which tell no error, with a sign that says so."""
    if "deviation" in found.notes and not found.error:
        return f"{found.value:.4g} {ALIKE}"
    return format_estimate(found)


def _format_real(contrast: Contrast) -> str:
    """What real images get: one number, or that of each side where they were measured separately."""
    floors = [f"{each.floor:.4g}" for each in (contrast.a, contrast.b) if each.floor is not None]
    return ", ".join(dict.fromkeys(floors))


def _relation(contrast: Contrast) -> str:
    """Which side is better than which, or higher where neither is better."""
    upper, lower = contrast.first, contrast.second
    if contrast.better is None:
        upper, lower = (upper, lower) if contrast.difference.value > 0 else (lower, upper)
        return f"{upper} is higher than {lower}"
    return f"{contrast.better} is better than {lower if contrast.better == upper else upper}"


def _format_steps(side: Side) -> str:
    """The step of all members, or the first and the last; empty where none is known."""
    steps = sorted({step for step in side.steps if step is not None})
    return f"{steps[0]:,} to {steps[-1]:,}" if len(steps) > 1 else "".join(f"{step:,}" for step in steps)


def _members(side: Side) -> str:
    what = [] if side.of == (side.name,) else [", ".join(side.of)]
    if steps := _format_steps(side):
        what.append(f"step{'s' * (' ' in steps)} {steps}")
    if side.recipe:
        what.append(f"recipe {side.recipe}")
    if None not in side.seeds:
        what.append(f"trained with seed{'s' * (len(side.seeds) > 1)} {', '.join(map(str, side.seeds))}")
    return f": {'; '.join(what)}" if what else ""


def _side_as_json(side: Side) -> dict[str, Any]:
    """A side without its settings, of which those that differ stand once for all sides."""
    told = asdict(side)
    del told["settings"]
    return told
