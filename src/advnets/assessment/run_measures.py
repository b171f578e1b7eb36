"""Measuring samples against a reference, one measure after the other, telling how far it has come."""

import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

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


Result = TypeVar("Result")


@dataclass(frozen=True)
class Progress:
    """What a long task is about to do.

    Attributes:
        what: The next part of the task, or the text of a note.
        share: Share of the task that is done, from 0 to 1.
        note: Whether this is a note for the reader and not a part of the task.
    """

    what: str
    share: float
    note: bool = False


def exhaust(
    steps: Generator[Progress, None, Result], show: Callable[[Progress], object] = lambda progress: None
) -> Result:
    """Run a generator of progress to its end.

    Args:
        steps: The generator; a `Run.evaluate_own_data`, for example.
        show: Called with each progress as it comes.

    Returns:
        What the generator returns.
    """
    while True:
        try:
            progress = next(steps)
        except StopIteration as stop:
            result: Result = stop.value
            return result
        show(progress)


def as_part(
    steps: Generator[Progress, None, Result], name: str, number: int, total: int
) -> Generator[Progress, None, Result]:
    """Run a generator of progress as one of several equal parts of a longer task.

    Args:
        steps: The generator.
        name: What is written before the part's own progress.
        number: Number of the part, from 0.
        total: How many parts there are.

    Yields:
        The progress of the whole task.

    Returns:
        What the generator returns.
    """
    while True:
        try:
            progress = next(steps)
        except StopIteration as stop:
            result: Result = stop.value
            return result
        yield replace(progress, what=f"{name}: {progress.what}", share=(number + progress.share) / total)


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
        plan = EvaluationPlan(against.split, chosen, protocol=protocol, seed=seed)
        return exhaust(measure_samples(subject, against, plan))
    plan = EvaluationPlan(split, chosen, extractor, protocol=protocol, seed=seed)
    return exhaust(evaluate_samples(subject, against, plan))


def evaluate_samples(subject: Subject, dataset: Dataset, plan: EvaluationPlan) -> Generator[Progress, None, Report]:
    """Measure samples against a data set, whose classifier is trained first where the cache has none.

    Args:
        subject: The samples.
        dataset: The real images, or points.
        plan: Which measures, and how.

    Yields:
        The progress.

    Returns:
        The report.

    Raises:
        BadInput: If the samples are of another shape than the data's.
    """
    subject.must_fit(dataset)
    if plan.classifier and needs_new_classifier(dataset):
        yield Progress(f"training a classifier of {dataset.name}, once", 0.0)
    against = reference(dataset, plan.extractor, split=plan.split, weights=plan.weights, classifier=plan.classifier)
    return (yield from measure_samples(subject, against, plan))


def measure_samples(subject: Subject, against: Reference, plan: EvaluationPlan) -> Generator[Progress, None, Report]:
    """Measure samples against a reference.

    Args:
        subject: The samples.
        against: The reference, whose split and extractor are used, not the plan's.
        plan: Which measures, and how.

    Yields:
        The progress, before each measure.

    Returns:
        The report.
    """
    began = time.monotonic()
    case = Context(subject.values, against, plan.protocol, plan.seed, subject.critic)
    names = plan.measures or [name for name, row in MEASURES.items() if row.of in ("any", _kind(against))]
    measures: dict[str, Measure] = {}
    skipped: dict[str, str] = {}
    for number, name in enumerate(names):
        yield Progress(name, number / len(names))
        try:
            measures[name] = take_measure(name, case)
        except (BadInput, NonFinite) as error:
            skipped[name] = str(error)
    if plan.figures:
        yield Progress("figures", 1.0)
    return Report(
        name=subject.name,
        step=subject.step,
        against=_against(case),
        measures=measures,
        skipped=skipped,
        controls=case.controls if "parzen" in measures else {},
        pictures=draw_figures(case) if plan.figures else {},
        seconds=round(time.monotonic() - began, 3),
    )


def take_measure(name: str, case: Context) -> Measure:
    """One measure. Raises BadInput where the data have not what it needs, NonFinite for a number that is none."""
    row = MEASURES[name]
    _must_have(row, case)
    if case.n < LEAST.get(name, 1):
        few = f"found {case.n} sample{'s' * (case.n > 1)}"
        raise BadInput(f"{few}, and it needs {LEAST[name]} or more; raise --n, or give more")
    found = _finite(row.find(case), name)
    return Measure(name, found, _protocol(row, case, found))


def expect_results(report: Report) -> None:
    """Raise BadInput, with the reasons, for a report without a single measure."""
    if not report.measures:
        names: dict[str, list[str]] = {}
        for name, reason in report.skipped.items():
            names.setdefault(reason.rstrip("."), []).append(name)
        reasons = "; ".join(f"{', '.join(of)}: {reason}" for reason, of in names.items())
        raise BadInput(f"{report.name}: nothing that was asked for can be measured ({reasons}). Ask for others.")


def note_test_reading(path: Path, report: Report) -> None:
    """Add one line to a run's list of readings of the test split, which should be read once.

    Args:
        path: The list, test-readings.jsonl.
        report: The report; of the validation split nothing is noted.
    """
    it = report.against
    if it.split != "test":
        return
    told: dict[str, Any] = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "step": report.step,
            "split": it.split, "measures": list(report.measures), "samples": it.samples, "seed": it.seed,
            "data": it.data, "digest": it.digest}  # fmt: skip
    if "parzen" in report.measures:
        measure = report.measures["parzen"]
        told |= {"nats": measure.estimate.value, "parzen": measure.protocol["parzen"]}
    runs.Journal(path).append(told)


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
