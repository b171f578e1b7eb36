"""Compares sides that are measured now, by one protocol and against the same real images."""

import contextlib
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from advnets import distributed, runs, statistics
from advnets.assessment import (
    MEASURES,
    Context,
    EvaluationPlan,
    Progress,
    Reference,
    default_sample_count,
    needs_new_classifier,
    options_where_they_apply,
    reading_notes,
    reference,
)
from advnets.comparison.comparison import Comparison, Side
from advnets.comparison.difference import CONTROLS, Contrast, contrast_jackknives, contrast_seeds, judge
from advnets.comparison.inputs import SideInput, SideRequest, common_data, expect_seeds, find_input, parse_sides
from advnets.comparison.side_card import side_card
from advnets.data import Dataset, ImageOptions
from advnets.errors import BadInput, CannotWrite, NonFinite, keep_result, unknown

COMPARABLE = tuple(name for name, row in MEASURES.items() if row.jackknife is not None)
"""The measures that are compared in pairs."""


@dataclass
class SampleJackknives:
    """The jackknives that were taken so far.

    Attributes:
        taken: Jackknives by path and measure.
        real: What real images get, by measure.
        left_out: Reasons, by measure, why it could not be taken.
        unwritten: Why a reading of the test split could not be noted, if one could not.
    """

    taken: dict[str, dict[str, statistics.Jackknife]] = field(default_factory=dict)
    real: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    unwritten: CannotWrite | None = None

    @property
    def measures(self) -> list[str]:
        """The measures that were taken of every path."""
        return [name for name in next(iter(self.taken.values())) if name not in self.left_out]

    def find_floor(self, name: str, context: Context) -> None:
        """Find what real images get; leave a measure out that cannot be judged without it.

        Args:
            name: The measure.
            context: The samples of the first path, and the reference.
        """
        row = MEASURES[name]
        try:
            real = row.paired_floor(context) if callable(row.paired_floor) else row.paired_floor
        except (BadInput, NonFinite) as error:
            if row.better == "floor":  # of others the measure itself says why, if it cannot be taken
                self.left_out[name] = str(error)
            return
        if real is not None:
            self.real[name] = real

    def take(self, path: str, name: str, context: Context) -> None:
        """Take one measure of a path, or leave it out.

        Args:
            path: The path.
            name: The measure, a name in COMPARABLE.
            context: The samples of the path, and the reference.
        """
        row = MEASURES[name]
        assert row.jackknife is not None
        try:
            row.must_compare(context)
            self.taken[path][name] = row.jackknife(context)
        except (BadInput, NonFinite) as error:
            self.left_out[name] = str(error)


def compare_samples(
    words: Sequence[Any],
    plan: EvaluationPlan,
    *,
    others: Dataset | str | None = None,
    data: str | None = None,
    data_dir: str | None = None,
    options: ImageOptions | None = None,
    control: str = "holm",
    unpaired: bool = False,
    way: str | None = None,
) -> Generator[Progress, None, Comparison]:
    """Measure sides by one protocol against the same real images, and compare them.

    Nothing is written, but each reading of the test split is noted in the runs.

    Args:
        words: Sides as `parse_sides` reads them: runs, share files, folders, .zip or .npz files of images, or groups
            of runs that differ by seed; or runs, models and samples themselves.
        plan: How all sides are measured; its measures are some of COMPARABLE.
        others: Data to measure all sides against, as `evaluate_path` takes them; None for the models' own.
        data: The new place of the data that the models were trained on, if they were moved.
        data_dir: Folder where data sets are looked for first.
        options: How image files of sides and of `others` become tensors; None for the defaults.
        control: A row of CONTROLS.
        unpaired: Whether groups are compared by Welch's t test even if they have the same seeds.
        way: Of cycles, which way is compared, "there" or "back"; None for the way there.

    Yields:
        The progress.

    Returns:
        The comparison.

    Raises:
        BadInput: For sides that cannot be compared; names what differs.
        CannotWrite: If a reading cannot be noted; the error has the comparison as its `result`.
    """
    distributed.expect_one_process("`advnets compare`")
    if data and others:
        raise BadInput("found --data and --against; expected one of them, which says what sides are measured against")
    expect_known(control, plan.measures or (), COMPARABLE)
    requests = parse_sides(words)
    refuse_unused_flags(unpaired, requests)
    yield Progress("reading what is compared", 0.0)
    paths = [path for side in requests for path in side.paths]
    objects = {path: one for side in requests for path, one in side.objects.items()}
    against = [others] if isinstance(others, str) else []
    chosen = options_where_they_apply([*paths, *against], options)
    pairs = zip(paths, chosen, strict=False)
    found = {path: find_input(path, one, objects.get(path), way=way) for path, one in pairs}
    for side in requests:
        expect_seeds(side, {path: (found[path].run, found[path].step) for path in side.paths})
    dataset = common_data(list(found.values()), others, data=data, data_dir=data_dir, options=chosen[-1])
    notes = [note for each in found.values() if each.subject is not None for note in each.subject.notes]
    for note in dict.fromkeys([*notes, *(reading_notes(others, dataset) if isinstance(others, str) else [])]):
        yield Progress(note, 0.0, note=True)
    n = samples_of_each(list(found.values()), plan.n, dataset, plan.split)
    if plan.wants_classifier and needs_new_classifier(dataset):
        yield Progress(f"training a classifier of {dataset.name}, once", 0.0)
    wanted = plan.wants_classifier or (plan.classifier and not needs_new_classifier(dataset))
    it = reference(dataset, plan.extractor, split=plan.split, weights=plan.weights, classifier=wanted)
    with contextlib.ExitStack() as held:
        jackknives = yield from _take_jackknives(found, dataset, it, n, plan, _hold_runs(found, plan, held))
    if not jackknives.measures:
        raise BadInput(f"nothing could be compared: {next(iter(jackknives.left_out.values()))}")
    sides = tuple(_describe_side(side, found) for side in requests)
    kind, contrasts = _contrast_sides(sides, jackknives, unpaired=unpaired)
    protocol = _describe_protocol(it, n, plan, jackknives.measures)
    compared = Comparison(kind, sides, protocol, judge(contrasts, control), jackknives.left_out, control)
    if jackknives.unwritten is not None:
        with keep_result(compared):
            raise jackknives.unwritten
    return compared


def _hold_runs(
    found: Mapping[str, SideInput], plan: EvaluationPlan, held: contextlib.ExitStack
) -> dict[str, runs.RunDirectory]:
    """The runs in which readings of the test split are to be noted, held open."""
    if plan.split != "test":
        return {}
    return {path: held.enter_context(runs.hold_run(each.run.path)) for path, each in found.items() if each.run}


def expect_known(control: str, measures: Sequence[str], known: Sequence[str]) -> None:
    """Check the names of a control and of measures.

    Args:
        control: A row of CONTROLS.
        measures: Names of measures.
        known: The names that are allowed.

    Raises:
        BadInput: For an unknown name.
    """
    if control not in CONTROLS:
        raise unknown("control", control, CONTROLS)
    for name in measures:
        if name not in known:
            raise unknown("measure that is compared in pairs", name, known)


def refuse_unused_flags(unpaired: bool, sides: Sequence[SideRequest]) -> None:
    """Refuse --unpaired where there are no groups of seeds.

    Args:
        unpaired: Whether the flag is given.
        sides: The sides.

    Raises:
        BadInput: If the flag would be ignored.
    """
    if unpaired and len(sides[0].paths) == 1:
        raise BadInput("--unpaired is for groups of seeds, NAME=RUN,RUN; each of these sides is one run or file")


def samples_of_each(found: Sequence[SideInput], asked: int | None, dataset: Dataset, split: str) -> int:
    """The number of samples of every side that are measured: it is the same for all, as most measures depend on it.

    Args:
        found: What lies at the paths.
        asked: The number that is asked for; None for the usual number, or as many as the smallest file holds.
        dataset: The data.
        split: The held-out split.

    Returns:
        The number.

    Raises:
        BadInput: If a file holds fewer samples than are asked for.
    """
    counts = {each.path: len(each.subject.values) for each in found if each.subject is not None}
    for path, count in counts.items():
        if asked is not None and count < asked:
            raise BadInput(f"{path}: found {count:,} samples, expected {asked:,}, as --n says. Lower it, or give more.")
    usual = [each.sampler.usual_count(dataset, split) for each in found if each.sampler is not None]
    return asked if asked is not None else min([default_sample_count(dataset), *usual, *counts.values()])


def _take_jackknives(
    found: Mapping[str, SideInput],
    dataset: Dataset,
    it: Reference,
    n: int,
    plan: EvaluationPlan,
    noted_in: Mapping[str, runs.RunDirectory],
) -> Generator[Progress, None, SampleJackknives]:
    jackknives = SampleJackknives()
    wanted: Sequence[str] = ()
    for number, (path, each) in enumerate(found.items()):
        share = number / len(found)
        yield Progress(f"{path}: drawing {n:,} samples", share)
        subject = each.draw(n, seed=plan.seed, dataset=dataset, split=plan.split)
        context = Context.of(subject, it, protocol=plan.protocol, seed=plan.seed)
        if not number:
            wanted = _select_measures(context, plan)
            for name in wanted:
                jackknives.find_floor(name, context)
        jackknives.taken[path] = {}
        for name in [name for name in wanted if name not in jackknives.left_out]:
            yield Progress(f"{path}: {name}", share)
            jackknives.take(path, name, context)
        if path in noted_in:
            try:
                _note_reading(noted_in[path], each.step, list(jackknives.taken[path]), it, n)
            except CannotWrite as error:  # what was measured is told all the same, and then this
                jackknives.unwritten = error
    return jackknives


def _select_measures(context: Context, plan: EvaluationPlan) -> Sequence[str]:
    """The measures that are asked for, or all that suit the data, in the order of the table."""
    if plan.measures:
        return [name for name in COMPARABLE if name in plan.measures]
    return [name for name in COMPARABLE if _suits(name, context)]


def _suits(name: str, context: Context) -> bool:
    try:
        MEASURES[name].must_suit(context)
    except BadInput:
        return False
    return True


def _describe_side(side: SideRequest, found: Mapping[str, SideInput]) -> Side:
    members = [found[path] for path in side.paths]
    model = members[0].model
    recipe = "" if model is None else model.card.recipe
    return side_card(side, [each.run for each in members], [each.step for each in members], recipe)


def _contrast_sides(
    sides: Sequence[Side], jackknives: SampleJackknives, *, unpaired: bool
) -> tuple[str, list[Contrast]]:
    if len(sides[0].of) > 1:
        values = {
            path: {name: jackknife.value for name, jackknife in taken.items()}
            for path, taken in jackknives.taken.items()
        }
        return contrast_groups(sides, values, jackknives.measures, jackknives.real, unpaired=unpaired)
    taken, real = jackknives.taken, jackknives.real
    return "paired", [
        contrast_jackknives(name, (a.name, b.name), taken[a.of[0]][name], taken[b.of[0]][name], real.get(name))
        for a, b in combinations(sides, 2)
        for name in jackknives.measures
    ]


def contrast_groups(
    sides: Sequence[Side],
    values: Mapping[str, Mapping[str, float]],
    measures: Sequence[str],
    real: Mapping[str, float],
    *,
    unpaired: bool,
) -> tuple[str, list[Contrast]]:
    """Compare groups of runs that differ by seed.

    They are paired where every group has runs of the same seeds, each once, unless `unpaired` says otherwise.

    Args:
        sides: The groups.
        values: Values by path and measure.
        measures: Names of the measures.
        real: What real images get, by measure.
        unpaired: Whether groups are never paired.

    Returns:
        The kind of the comparison, and its contrasts.
    """
    matched = not unpaired and _same_seeds(sides)
    of = {side.name: _order_by_seed(side) if matched else side.of for side in sides}
    contrasts = [
        contrast_seeds(
            name,
            (a.name, b.name),
            *([values[path][name] for path in of[side.name]] for side in (a, b)),
            matched=matched,
            floor=real.get(name),
        )
        for a, b in combinations(sides, 2)
        for name in measures
    ]
    return "matched seeds" if matched else "seeds", contrasts


def _same_seeds(sides: Sequence[Side]) -> bool:
    """Whether every side has runs of the same seeds, one each."""
    known = [{seed for seed in side.seeds if seed is not None} for side in sides]
    once = all(len(have) == len(side.of) for have, side in zip(known, sides, strict=True))
    return once and all(have == known[0] for have in known)


def _order_by_seed(side: Side) -> tuple[str, ...]:
    """The paths by their seeds."""
    return tuple(path for _, path in sorted(zip(side.seeds, side.of, strict=True), key=lambda one: one[0] or 0))


def _describe_protocol(it: Reference, n: int, plan: EvaluationPlan, measures: Sequence[str]) -> dict[str, Any]:
    protocol: dict[str, Any] = {
        "data": it.dataset.name,
        "digest": it.dataset.digest,
        "split": it.split,
        "samples": n,
        "held_out": len(it.held_out),
        "train": len(it.train),
        "seed": plan.seed,
        "extractor": it.extractor.id,
        "blocks": statistics.BLOCKS,
    }
    if "parzen" in measures:
        protocol["parzen"] = plan.protocol
    if any(MEASURES[name].on == "classes" for name in measures) and it.require_classifier().id != it.extractor.id:
        protocol["classifier"] = it.require_classifier().id
    return protocol


def _note_reading(
    directory: runs.RunDirectory, step: int | None, measures: Sequence[str], it: Reference, n: int
) -> None:
    """Add one line to the run's list of readings of the test split, which should be read once."""
    line = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "step": step, "split": it.split,
            "measures": list(measures), "samples": n, "data": it.dataset.name,
            "digest": it.dataset.digest, "compared": True}  # fmt: skip
    runs.Journal(directory.test_readings, directory.held).append(line)
