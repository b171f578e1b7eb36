"""What the table says of each row, out of what is stored of its units."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from advnets.metrics import PROTOCOLS
from advnets.studies.table.controls import CONTROLS
from advnets.studies.table.evaluator import PAPER
from advnets.studies.table.records import ChainMixing, ClassCoverage, Measurements, TrainedUnit
from advnets.studies.table.results import TableResults
from advnets.studies.table.rows import TABLE_ROWS, label_of


@dataclass(frozen=True)
class SummaryRow:
    """One row: means over its units, or a control. A field is None where there is nothing to state.

    Attributes:
        label: What the table calls the row.
        recipe: Name of its recipe, None for a control.
        paper: Nats and standard error of Table 1.
        seeds: Seeds of the units.
        samples: Number of samples of a unit.
        nats: Scores, {protocol: {split: mean over seeds}}.
        between: Standard deviation over seeds of the test score by the paper's protocol; None for fewer than two.
        error: The paper's error, over test points; mean over seeds.
        sigmas: The sigmas that were chosen by the paper's protocol.
        edge: Whether any of them was an end of the grid.
        flag: "blur" for a score above that of as many real images, "more centres" for a control that has more samples
            than they are; empty otherwise.
        minutes: Minutes of training, mean over seeds.
        steps: Steps of training, mean over seeds.
        least_class: Smallest share of a class in any unit.
        most_class: Largest share of a class in any unit.
        coverage: Coverage of validation images, mean over seeds.
        coverage_of_real: Coverage by as many real images.
        nearness: Mean distance to the nearest training image over that of validation images, mean over seeds.
        layer_passes: Passes through layers for 10,000 samples.
        seconds: Seconds for 10,000 samples, mean over seeds.
        tau_one: Autocorrelation time in steps of one chain, mean over seeds.
        tau_many: Autocorrelation time in steps of many chains, mean over seeds.
        tau_enough: Whether all chains were long enough to estimate it.
        consecutive: Score of consecutive states of many chains, mean over seeds.
        test_readings: Largest number of times that the test split of a run was read.
    """

    label: str
    recipe: str | None
    paper: tuple[float, float] | None
    seeds: tuple[int, ...]
    samples: int
    nats: dict[str, dict[str, float]]
    between: float | None
    error: float
    sigmas: tuple[float, ...]
    edge: bool
    flag: str
    minutes: float | None
    steps: float | None
    least_class: float | None
    most_class: float | None
    coverage: float | None
    coverage_of_real: float | None
    nearness: float
    layer_passes: float | None
    seconds: float | None
    tau_one: float | None
    tau_many: float | None
    tau_enough: bool
    consecutive: float | None
    test_readings: int

    @property
    def test(self) -> float:
        """The score that rows are compared by."""
        return self.nats[PAPER]["test"]


def summarise(results: TableResults) -> list[SummaryRow]:
    """Summarise the units of each row, and the controls.

    Args:
        results: The results of a study.

    Returns:
        The rows of the table in its order, then those of recipes that are no longer rows, then the controls.
    """
    known = [row.recipe for row in TABLE_ROWS]
    others = sorted({unit.row for unit in results.units} - set(known))
    models = [_model(results, recipe) for recipe in [*known, *others] if results.units_of_row(recipe)]
    controls = sorted(results.controls, key=lambda name: [*CONTROLS, name].index(name))
    return models + [_control(results, name) for name in controls]


def _model(results: TableResults, recipe: str) -> SummaryRow:
    units = results.units_of_row(recipe)
    row = next((row for row in TABLE_ROWS if row.recipe == recipe), None)
    return _line(
        results,
        [unit.numbers for unit in units],
        units,
        label=label_of(recipe),
        recipe=recipe,
        paper=row.published_score(results.data) if row else None,
    )


def _control(results: TableResults, name: str) -> SummaryRow:
    return _line(results, [results.controls[name].numbers], [], label=name, recipe=None, paper=None)


def _line(
    results: TableResults,
    numbers: Sequence[Measurements],
    units: Sequence[TrainedUnit],
    *,
    label: str,
    recipe: str | None,
    paper: tuple[float, float] | None,
) -> SummaryRow:
    test = [one.scores[PAPER]["test"] for one in numbers]
    return SummaryRow(
        label=label,
        recipe=recipe,
        paper=paper,
        seeds=tuple(unit.seed for unit in units),
        samples=numbers[0].samples,
        nats=_nats(numbers),
        between=statistics.stdev(score.value for score in test) if len(test) > 1 else None,
        error=_mean(score.error for score in test),
        sigmas=tuple(sorted({score.sigma for score in test})),
        edge=any(score.edge for score in test),
        flag=_flag(results, _mean(score.value for score in test), numbers[0].samples),
        minutes=_mean_or_none(unit.minutes for unit in units),
        steps=_mean_or_none(unit.steps for unit in units),
        nearness=_mean(one.nearness for one in numbers),
        layer_passes=_mean_or_none(unit.layer_passes for unit in units),
        seconds=_mean_or_none(unit.seconds for unit in units),
        test_readings=max((unit.test_readings for unit in units), default=1),
        **_class_numbers([one.classes for one in numbers if one.classes]),
        **_chain_numbers([unit.mixing for unit in units if unit.mixing]),
    )


def _nats(numbers: Sequence[Measurements]) -> dict[str, dict[str, float]]:
    return {
        protocol: {
            split: _mean(one.scores[protocol][split].value for one in numbers) for split in ("validation", "test")
        }
        for protocol in PROTOCOLS
    }


def _class_numbers(classes: Sequence[ClassCoverage]) -> dict[str, Any]:
    return {
        "least_class": min((one.least for one in classes), default=None),
        "most_class": max((one.most for one in classes), default=None),
        "coverage": _mean_or_none(one.coverage for one in classes),
        "coverage_of_real": _mean_or_none(one.coverage_of_real for one in classes),
    }


def _chain_numbers(chains: Sequence[ChainMixing]) -> dict[str, Any]:
    return {
        "tau_one": _mean_or_none(chain.one.value for chain in chains),
        "tau_many": _mean_or_none(chain.many.value for chain in chains),
        "tau_enough": all(tau.enough for chain in chains for tau in (chain.one, chain.many)),
        "consecutive": _mean_or_none(chain.consecutive["test"].value for chain in chains),
    }


def _flag(results: TableResults, nats: float, samples: int) -> str:
    """Return the flag: a score above that of as many real images is too smooth to be real."""
    real = results.controls.get("real images")
    # The same images in another order give the same score but for its last digits.
    if real is None or nats <= real.numbers.scores[PAPER]["test"].value + 1e-3:
        return ""
    return "blur" if samples <= real.numbers.samples else "more centres"


def _mean(values: Iterable[float]) -> float:
    return statistics.fmean(values)


def _mean_or_none(values: Iterable[float]) -> float | None:
    found = list(values)
    return statistics.fmean(found) if found else None
