"""What the table says of each row, out of what is kept of its units."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from advnets.metrics import PROTOCOLS
from advnets.studies.table.controls import CONTROLS
from advnets.studies.table.evaluator import PAPER
from advnets.studies.table.records import Measurements, TrainedUnit
from advnets.studies.table.results import TableResults
from advnets.studies.table.rows import TABLE_ROWS, label_of


@dataclass(frozen=True)
class SummaryRow:
    """One row: means over its units, or a control.

    paper: nats and standard error of Table 1. seeds: of the units. nats: {protocol: {split: mean over seeds}}.
    between: standard deviation over seeds of the test score by the paper's protocol, None of fewer than two. error:
    the paper's, over test points; mean over seeds. sigmas: chosen by the paper's protocol; edge: whether any was an
    end of the grid. flag: "blur" above as many real images. The others are means over seeds, and None where there is
    nothing to tell: minutes, steps, classes, coverage, nearness, layer passes and seconds for 10,000 samples,
    autocorrelation times in steps by one chain and by many, and the score of consecutive states of few chains.
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
    """The rows of the table, in its order, then units of recipes that are no rows any more, then the controls."""
    known = [row.recipe for row in TABLE_ROWS]
    others = sorted({unit.row for unit in results.units} - set(known))
    models = [_model(results, recipe) for recipe in [*known, *others] if results.of_row(recipe)]
    controls = sorted(results.controls, key=lambda name: [*CONTROLS, name].index(name))
    return models + [_control(results, name) for name in controls]


def _model(results: TableResults, recipe: str) -> SummaryRow:
    units = results.of_row(recipe)
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
    classes = [one.classes for one in numbers if one.classes]
    chains = [unit.mixing for unit in units if unit.mixing]
    return SummaryRow(
        label=label,
        recipe=recipe,
        paper=paper,
        seeds=tuple(unit.seed for unit in units),
        samples=numbers[0].samples,
        nats={
            protocol: {
                split: _mean(one.scores[protocol][split].value for one in numbers) for split in ("validation", "test")
            }
            for protocol in PROTOCOLS
        },
        between=statistics.stdev(score.value for score in test) if len(test) > 1 else None,
        error=_mean(score.error for score in test),
        sigmas=tuple(sorted({score.sigma for score in test})),
        edge=any(score.edge for score in test),
        flag=_flag(results, _mean(score.value for score in test), numbers[0].samples),
        minutes=_mean_or_none(unit.minutes for unit in units),
        steps=_mean_or_none(unit.steps for unit in units),
        least_class=min((one.least for one in classes), default=None),
        most_class=max((one.most for one in classes), default=None),
        coverage=_mean_or_none(one.coverage for one in classes),
        coverage_of_real=_mean_or_none(one.coverage_of_real for one in classes),
        nearness=_mean(one.nearness for one in numbers),
        layer_passes=_mean_or_none(unit.layer_passes for unit in units),
        seconds=_mean_or_none(unit.seconds for unit in units),
        tau_one=_mean_or_none(chain.one.value for chain in chains),
        tau_many=_mean_or_none(chain.many.value for chain in chains),
        tau_enough=all(tau.enough for chain in chains for tau in (chain.one, chain.many)),
        consecutive=_mean_or_none(chain.consecutive["test"].value for chain in chains),
        test_readings=max((unit.test_readings for unit in units), default=1),
    )


def _flag(results: TableResults, nats: float, samples: int) -> str:
    """What is above as many real images is too smooth to be real; more centres than a model has are flagged so."""
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
