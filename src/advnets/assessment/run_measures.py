"""Measuring samples against a reference, one measure after the other, telling how far it has come."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from advnets import runs
from advnets.assessment.context import Context
from advnets.assessment.drawings import draw_figures
from advnets.assessment.measure import Measure
from advnets.assessment.measures import MEASURES, MeasureRow
from advnets.assessment.plan import EvaluationPlan, parse_measure_names
from advnets.assessment.reference import Reference, needs_new_classifier, reference
from advnets.assessment.report import ReferenceCard, Report
from advnets.assessment.subject import Subject
from advnets.data import Dataset
from advnets.errors import BadInput, NonFinite
from advnets.statistics import Estimate

LEAST = {
    "fid": 2, "kid": 3, "precision": 6, "density": 6, "sliced-wasserstein": 4, "mind": 4, "spectrum": 4,
    "inception-score": 2, "recall": 6, "coverage": 2, "pairwise-distance": 2, "birthday": 6, "duplicates": 6,
    "neighbour-test": 2, "classifier-test": 8,
}  # fmt: skip
"""Samples that a measure needs; of others one will do, or it depends on the data."""


@dataclass(frozen=True)
class Doing:
    """What is being done, told before it begins.

    share: of the whole, from 0 to 1. result: what came of it, of the last one. note: whether it is nothing that is
    done, but something that is to be known.
    """

    what: str
    share: float
    result: Any = None
    note: bool = False


def assess(
    values: Tensor | Subject,
    against: Dataset | Reference,
    *,
    split: str = "validation",
    measures: str | Sequence[str] | None = None,
    extractor: str | None = None,
    seed: int = 0,
    protocol: str = "goodfellow2014",
) -> Report:
    """Measure samples against a data set; nothing is written.

    values: images, (n, c, h, w) uint8, or points, (n, d) float32. against: a data set; or a `reference`, made once,
    whose features serve many calls, and which has its own split and extractor.
    split, measures, extractor, seed, protocol: as in Plan.
    Raises BadInput for samples of another shape than the data's, and for names that are in no table. A measure that
    cannot be taken is left out, and `skipped` says why.
    """
    subject = values if isinstance(values, Subject) else Subject("samples", values)
    chosen = parse_measure_names(measures)
    if isinstance(against, Reference):
        subject.must_fit(against.dataset)
        doings = measuring(subject, against, EvaluationPlan(against.split, chosen, protocol=protocol, seed=seed))
    else:
        doings = evaluating(subject, against, EvaluationPlan(split, chosen, extractor, protocol=protocol, seed=seed))
    report: Report = finished(doings)
    return report


def evaluating(subject: Subject, dataset: Dataset, plan: EvaluationPlan) -> Iterator[Doing]:
    """Measure against a data set; the last result is the Report. Its classifier is trained first where it must be."""
    subject.must_fit(dataset)
    if plan.classifier and needs_new_classifier(dataset):
        yield Doing(f"training a classifier of {dataset.name}, once", 0.0)
    against = reference(dataset, plan.extractor, split=plan.split, weights=plan.weights, classifier=plan.classifier)
    yield from measuring(subject, against, plan)


def measuring(subject: Subject, against: Reference, plan: EvaluationPlan) -> Iterator[Doing]:
    """Measure against a reference; the last result is the Report."""
    began = time.monotonic()
    case = Context(subject.values, against, plan.protocol, plan.seed, subject.critic)
    names = plan.measures or [name for name, row in MEASURES.items() if row.of in ("any", _kind(against))]
    measures: dict[str, Measure] = {}
    skipped: dict[str, str] = {}
    for number, name in enumerate(names):
        yield Doing(name, number / len(names))
        try:
            measures[name] = take_measure(name, case)
        except (BadInput, NonFinite) as error:
            skipped[name] = str(error)
    if plan.figures:
        yield Doing("figures", 1.0)
    yield Doing("done", 1.0, Report(
        name=subject.name,
        step=subject.step,
        against=_against(case),
        measures=measures,
        skipped=skipped,
        controls=case.controls if "parzen" in measures else {},
        pictures=draw_figures(case) if plan.figures else {},
        seconds=round(time.monotonic() - began, 3),
    ))  # fmt: skip


def take_measure(name: str, case: Context) -> Measure:
    """One measure. Raises BadInput where the data have not what it needs, NonFinite for a number that is none."""
    row = MEASURES[name]
    _must_have(row, case)
    if case.n < LEAST.get(name, 1):
        few = f"found {case.n} sample{'s' * (case.n > 1)}"
        raise BadInput(f"{few}, and it needs {LEAST[name]} or more; raise --n, or give more")
    found = _finite(row.find(case), name)
    return Measure(name, found, _protocol(row, case, found))


def finished(doings: Iterable[Doing]) -> Any:
    """The last result, when all is done."""
    result = None
    for doing in doings:
        result = doing.result
    return result


def expect_results(report: Report) -> None:
    """Raise BadInput, with the reasons, for a report without a single measure."""
    if not report.measures:
        names: dict[str, list[str]] = {}
        for name, reason in report.skipped.items():
            names.setdefault(reason.rstrip("."), []).append(name)
        reasons = "; ".join(f"{', '.join(of)}: {reason}" for reason, of in names.items())
        raise BadInput(f"{report.name}: nothing that was asked for can be measured ({reasons}). Ask for others.")


def telling(doings: Iterable[Doing]) -> Iterator[Doing]:
    """The same doings; raises as `expect_results` does of a report."""
    for doing in doings:
        if isinstance(doing.result, Report):
            expect_results(doing.result)
        yield doing


def note_test_reading(path: Path, report: Report) -> None:
    """Add one line to the run's list of readings of the test split, which is to be read once."""
    it = report.against
    told: dict[str, Any] = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "step": report.step,
            "split": it.split, "measures": list(report.measures), "samples": it.samples, "seed": it.seed,
            "data": it.data, "digest": it.digest}  # fmt: skip
    if "parzen" in report.measures:
        measure = report.measures["parzen"]
        told |= {"nats": measure.estimate.value, "parzen": measure.protocol["parzen"]}
    runs.Journal(path).append(told)


def noting(doings: Iterable[Doing], path: Path) -> Iterator[Doing]:
    """The same doings; a report of the test split, of whatever data, is noted at the path as by note_reading."""
    for doing in doings:
        if isinstance(doing.result, Report) and doing.result.against.split == "test":
            note_test_reading(path, doing.result)
        yield doing


_SEEN_BY: dict[str, Callable[[Reference], str]] = {
    "features": lambda it: it.extractor.id,
    "classes": lambda it: it.seen.id,
    "scores": lambda it: it.scorer.id,
}


def _kind(against: Reference) -> str:
    return "images" if against.dataset.is_image else "points"


def _must_have(row: MeasureRow, case: Context) -> None:
    kind = _kind(case.reference)
    if row.of not in ("any", kind):
        raise BadInput(f"it is of {row.of}, and these data are {kind}")
    if row.needs == "labels":
        _ = case.reference.seen
    if row.needs == "mixture":
        _ = case.mixture
    if row.needs == "critic":
        _ = case.discriminator_logits


def _finite(found: Estimate, name: str) -> Estimate:
    """The estimate, if it is a number; an interval without an end is told in a note, as JSON has no infinity."""
    for what, number in (("value", found.value), ("p-value", found.p_value), ("error", found.error)):
        if number is not None and not math.isfinite(number):
            raise NonFinite(f"{name}: its {what} came out as {number}; these samples do not determine it")
    floor = found.floor if found.floor is not None and math.isfinite(found.floor) else None
    notes = {key: note if _is_plain(note) else str(note) for key, note in found.notes.items()}
    interval = found.interval
    if interval is not None and not all(math.isfinite(end) for end in interval):
        notes["interval"], interval = f"{interval[0]:.4g} to {interval[1]:.4g}", None
    return replace(found, floor=floor, notes=notes, interval=interval)


def _is_plain(note: object) -> bool:
    return not isinstance(note, float) or math.isfinite(note)


def _protocol(row: MeasureRow, case: Context, found: Estimate) -> dict[str, Any]:
    """All that two values must have in common to be compared."""
    it = case.reference
    told: dict[str, Any] = {"split": it.split, "samples": case.n, "held_out": len(it.held_out), "train": len(it.train),
                            "seed": case.seed, "data": it.dataset.name, "digest": it.dataset.digest}  # fmt: skip
    if row.on != "values":
        told["extractor"] = _SEEN_BY[row.on](it)
    if row.group == "likelihood":
        told |= {"parzen": case.protocol, "n": found.notes["n"], "n_selection": found.notes["n_selection"]}
        told["n_centres"] = found.notes["n_centres"]
    if "k" in found.notes:
        told["k"] = found.notes["k"]
    return told


def _against(case: Context) -> ReferenceCard:
    it = case.reference
    seen = it.classifier
    return ReferenceCard(
        data=it.dataset.name,
        digest=it.dataset.digest,
        split=it.split,
        samples=case.n,
        held_out=len(it.held_out),
        train=len(it.train),
        extractor=it.extractor.id,
        seed=case.seed,
        classifier=None if seen is None else seen.id,
        accuracy=None if seen is None else seen.accuracy,
    )
