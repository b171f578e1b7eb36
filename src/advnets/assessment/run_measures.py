"""Measures samples against a reference, one measure after the other, and yields how far it has come."""

import math
import reprlib
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from torch import Tensor

from advnets import distributed, extractors, runs
from advnets.assessment.context import Context, Discriminator, Subject, no_discriminator
from advnets.assessment.measure_row import ASKED, TRANSLATIONS, Measure
from advnets.assessment.measures import MEASURES
from advnets.assessment.plan import EvaluationPlan, parse_measure_names
from advnets.assessment.reference import Reference, can_be_classified, needs_new_classifier, reference
from advnets.assessment.report import Report
from advnets.assessment.report_figures import draw_figures
from advnets.data import Dataset
from advnets.disk import Folder
from advnets.errors import BadInput, NonFinite, name_own_failure
from advnets.statistics import Estimate
from advnets.statistics.estimate import Note

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
    extractor: Any = None,
    seed: int = 0,
    protocol: str = "goodfellow2014",
) -> Report:
    """Measure samples against a data set; nothing is written.

    A measure that cannot be taken is left out, and the report's `skipped` says why.

    Args:
        values: Images, (n, c, h, w) uint8, or points, (n, d) float32.
        against: A data set; or a `reference`, made once, whose features serve many calls. A reference has its own
            split and extractor.
        split: As in `EvaluationPlan`, and so are the others.
        measures: Names of measures.
        extractor: Row of EXTRACTORS, or one of your own.
        seed: Seed of every draw.
        protocol: Row of PROTOCOLS.

    Returns:
        The report.

    Raises:
        BadInput: For samples of another shape than the data's, and for names that are in no table.
    """
    subject = values if isinstance(values, Subject) else Subject("samples", values)
    chosen = parse_measure_names(measures)
    if isinstance(against, Reference):
        subject.must_fit(against.dataset)
        plan = EvaluationPlan(against.split, chosen, protocol=protocol, seed=seed)
        return exhaust(measure_samples(subject, against, plan))
    plan = EvaluationPlan(split, chosen, extractor, protocol=protocol, seed=seed)
    return exhaust(evaluate_samples(subject, against, plan))


class Sampler(Protocol):
    """What draws the samples that are measured, such as a `Model`."""

    def usual_count(self, dataset: Dataset, split: str) -> int:
        """Return how many samples are drawn where no number is asked for.

        Args:
            dataset: The data that the samples will be measured against.
            split: Name of the split that they will be measured against.

        Returns:
            The number of samples.
        """

    def draw_subject(self, n: int, *, seed: int, dataset: Dataset, split: str) -> Subject:
        """Draw n samples by noises of that seed, of held-out images where they are given to it.

        Args:
            n: Number of samples.
            seed: Seed of the noises.
            dataset: The data that the samples will be measured against.
            split: Name of the split whose images are given to what translates them.

        Returns:
            The samples, as they are measured.
        """


def evaluate_sampler(
    sampler: Sampler,
    dataset: Dataset,
    plan: EvaluationPlan,
    load_discriminator: Callable[[], Discriminator | None] = no_discriminator,
) -> Generator[Progress, None, Report]:
    """Measure samples that are drawn first.

    Args:
        sampler: What draws the samples.
        dataset: The real images, or points.
        plan: Which measures, and how.
        load_discriminator: As in `Subject`.

    Yields:
        The progress.

    Returns:
        The report.

    Raises:
        BadInput: If the samples are of another shape than the data's.
        Unsupported: Among several processes, each of which would train the classifier and measure for itself.
    """
    distributed.expect_one_process("`advnets evaluate`")
    n = sampler.usual_count(dataset, plan.split) if plan.n is None else plan.n
    yield Progress(f"drawing {n:,} samples", 0.0)
    drawn = sampler.draw_subject(n, seed=plan.seed, dataset=dataset, split=plan.split)
    subject = replace(drawn, load_discriminator=load_discriminator)
    return (yield from evaluate_samples(subject, dataset, plan))


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
    if plan.wants_classifier and needs_new_classifier(dataset):
        yield Progress(f"training a classifier of {dataset.name}, once", 0.0)
    # One that is there already costs nothing, and its report joins others of the same features.
    wanted = plan.wants_classifier or (plan.classifier and not needs_new_classifier(dataset))
    against = reference(dataset, plan.extractor, split=plan.split, weights=plan.weights, classifier=wanted)
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
    context = Context.of(subject, against, protocol=plan.protocol, seed=plan.seed)
    names = plan.measures or _usual_measures(subject, against)
    measures: dict[str, Measure] = {}
    skipped: dict[str, str] = {}
    for number, name in enumerate(names):
        yield Progress(name, number / len(names))
        try:
            measures[name] = take_measure(name, context)
        except (BadInput, NonFinite) as error:
            skipped[name] = str(error)
    if plan.figures:
        yield Progress("figures", 1.0)
    return Report(
        name=subject.name,
        step=subject.step,
        against=context.card,
        measures=measures,
        skipped=skipped,
        controls=context.controls if "parzen" in measures else {},
        figures=draw_figures(context) if plan.figures else {},
        seconds=round(time.monotonic() - began, 3),
    )


def _usual_measures(subject: Subject, against: Reference) -> list[str]:
    """The measures that are taken where none are named: all for such data, and for such a model."""
    absent = {ASKED} if subject.asked is None else set()
    absent |= {TRANSLATIONS} if subject.translations is None else set()
    return [name for name, row in MEASURES.items() if row.of in ("any", against.kind) and not absent & set(row.needs)]


def take_measure(name: str, context: Context) -> Measure:
    """Take one measure.

    Args:
        name: A row of MEASURES.
        context: The samples and the reference.

    Returns:
        The measure.

    Raises:
        BadInput: If samples or data lack what it needs, if it returns no Estimate, and if a function of the user's own
            raises anything.
        NonFinite: If its number is a NaN or an Inf.
    """
    row = MEASURES[name]
    row.must_suit(context)
    if context.n < row.least:
        few = f"found {context.n} sample{'s' * (context.n > 1)}"
        raise BadInput(f"{few}, and it needs {row.least} or more; raise --n, or give more")
    with name_own_failure(row.find, "it"):
        found = row.find(context)
    found = _expect_finite(_expect_estimate(found, name), name)
    return Measure(name, found, _describe_protocol(name, context, found), row.card if row.is_own else None)


def expect_suitable(name: str, subject: Subject, dataset: Dataset) -> None:
    """Expect samples and data to have what a measure needs, before any classifier is trained.

    Args:
        name: A row of MEASURES.
        subject: A few samples.
        dataset: The real images, or points.

    Raises:
        BadInput: If they have not, with the reason.
    """
    row = MEASURES[name]
    if (row.on in ("classes", "scores") or "labels" in row.needs) and not can_be_classified(dataset):
        raise BadInput(f"it looks at classes, and {dataset.name} has no labelled images")
    plain = Reference(dataset, "validation", extractors.build_extractor("pixels", dataset), None)
    rest = replace(row, needs=tuple(need for need in row.needs if need != "labels"))
    rest.must_suit(Context.of(subject, plain, protocol="goodfellow2014", seed=0))


def note_test_reading(path: Path, report: Report, held: Folder | None = None) -> None:
    """Add one line to a run's list of readings of the test split, which should be read once.

    Args:
        path: The list, test-readings.jsonl.
        report: A report of the test split.
        held: The run's folder, if it is held open.
    """
    it = report.against
    line: dict[str, Any] = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "step": report.step,
            "split": it.split, "measures": list(report.measures), "samples": it.samples, "seed": it.seed,
            "data": it.data, "digest": it.digest}  # fmt: skip
    if "parzen" in report.measures:
        measure = report.measures["parzen"]
        line |= {"nats": measure.estimate.value, "parzen": measure.protocol["parzen"]}
    runs.Journal(path, held).append(line)


def _expect_estimate(found: object, name: str) -> Estimate:
    """What a measure returned, if it is an Estimate of plain numbers, as a report holds them."""
    if not isinstance(found, Estimate):
        raise BadInput(
            f"the measure {name} returned {reprlib.repr(found)}, of type {type(found).__name__}; expected an Estimate. "
            "End it by: return advnets.statistics.Estimate(value, error, floor)"
        )
    numbers = {field: getattr(found, field) for field in ("value", "error", "floor", "bias", "p_value")}
    numbers |= dict(zip(("low", "high"), found.interval or (), strict=False))
    for what, number in numbers.items():
        if number is not None and (isinstance(number, bool) or not isinstance(number, int | float)):
            raise BadInput(
                f"the measure {name} returned an Estimate whose {what} is of type {type(number).__name__}; expected a "
                f"number. Write float({what})"
            )
    for key, note in found.notes.items():
        if not isinstance(note, Note):
            raise BadInput(
                f"the measure {name} returned an Estimate whose note {key!r} is of type {type(note).__name__}; "
                "expected a number, a text or a truth value. Convert it"
            )
    return found


def _expect_finite(found: Estimate, name: str) -> Estimate:
    """The estimate, if it is a number; an interval without an end becomes a note, as JSON has no infinity."""
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


EXTRACTOR_IDS: dict[str, Callable[[Context], str]] = {
    "features": lambda context: context.card.extractor,
    "classes": lambda context: context.reference.require_classifier().id,
    "scores": lambda context: context.reference.scorer.id,
}
"""Id of what gave a measure its features, classes or scores, by what the measure looks at."""


def _describe_protocol(name: str, context: Context, found: Estimate) -> dict[str, Any]:
    """All that two values must have in common to be compared."""
    row, card = MEASURES[name], context.card
    protocol: dict[str, Any] = {"split": card.split, "samples": card.samples, "held_out": card.held_out,
            "train": card.train, "seed": card.seed, "data": card.data, "digest": card.digest}  # fmt: skip
    if row.on != "values":
        protocol["extractor"] = EXTRACTOR_IDS[row.on](context)
    if name == "parzen":
        protocol |= {"parzen": context.protocol}
        protocol |= {key: found.notes[key] for key in ("n", "n_selection", "n_centres")}
    if "k" in found.notes:
        protocol["k"] = found.notes["k"]
    return protocol
