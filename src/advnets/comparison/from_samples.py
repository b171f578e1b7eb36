"""Comparing sides that are measured now, by one protocol and against the same real images."""

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from advnets import distributed, runs, statistics
from advnets.assessment import (
    EvaluationPlan,
    Progress,
    Reference,
    default_sample_count,
    needs_new_classifier,
    reference,
)
from advnets.assessment.context import Context
from advnets.comparison.comparison import Comparison, Side
from advnets.comparison.difference import CONTROLS, Contrast, judge, of_jackknives, of_seeds
from advnets.comparison.inputs import SideInput, SideRequest, common_data, expect_seeds, find_input, parse_sides
from advnets.comparison.jackknives import PAIRED, floors, take_jackknives
from advnets.data import Dataset
from advnets.errors import BadInput, unknown


@dataclass
class SampleJackknives:
    """What was taken so far: jackknives by path and measure, what real images get, and what could not be taken."""

    taken: dict[str, dict[str, statistics.Jackknife]] = field(default_factory=dict)
    real: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def measures(self) -> list[str]:
        """Those that were taken of every path."""
        return [name for name in next(iter(self.taken.values())) if name not in self.left_out]


def compare_samples(
    words: Sequence[str],
    plan: EvaluationPlan,
    *,
    others: str | None = None,
    data_dir: str | None = None,
    control: str = "holm",
    unpaired: bool = False,
) -> Generator[Progress, None, Comparison]:
    """Measure sides by one protocol against the same real images, and compare them.

    words: as `parse_sides` takes them: runs, share files, folders, .zip or .npz files of images, or groups of runs that
    differ by seed. plan: of all sides; its measures are some of PAIRED. others: data to hold all sides against, as
    `evaluation` has it; data_dir: where data sets are looked for first. control: a row of CONTROLS.
    unpaired: groups are compared by Welch's t test, even if they have the same seeds.
    Nothing is written, but each reading of the test split is noted in the runs.
    Raises BadInput for sides that cannot be compared, naming what is unlike.
    """
    distributed.expect_one_process("`advnets compare`")
    expect_known(control, plan.measures or (), PAIRED)
    sides = parse_sides(words)
    refuse_unused_flags(unpaired, sides)
    yield Progress("reading what is compared", 0.0)
    found = {path: find_input(path) for side in sides for path in side.paths}
    for side in sides:
        expect_seeds(side, {path: (found[path].run, found[path].step) for path in side.paths})
    dataset = common_data(list(found.values()), others, data_dir)
    n = samples_of_each(list(found.values()), plan.n, dataset)
    if plan.classifier and needs_new_classifier(dataset):
        yield Progress(f"training a classifier of {dataset.name}, once", 0.0)
    it = reference(dataset, plan.extractor, split=plan.split, weights=plan.weights, classifier=plan.classifier)
    readings = yield from _measure(found, it, n, plan)
    if not readings.measures:
        raise BadInput(f"nothing could be compared: {next(iter(readings.left_out.values()))}")
    told = tuple(_side_card(side, found) for side in sides)
    kind, contrasts = _contrasts(told, readings, unpaired=unpaired)
    protocol = _protocol(it, n, plan, readings.measures)
    return Comparison(kind, told, protocol, judge(contrasts, control), readings.left_out, control)


def expect_known(control: str, measures: Sequence[str], known: Sequence[str]) -> None:
    """Raise BadInput for a control or a measure that is none."""
    if control not in CONTROLS:
        raise unknown("control", control, CONTROLS)
    for name in measures:
        if name not in known:
            raise unknown("measure that is compared in pairs", name, known)


def refuse_unused_flags(unpaired: bool, sides: Sequence[SideRequest]) -> None:
    """Raise BadInput where it is said how seeds are compared, and there are none."""
    if unpaired and len(sides[0].paths) == 1:
        raise BadInput("--unpaired is for groups of seeds, NAME=RUN,RUN; these sides are of one run or file each")


def samples_of_each(found: Sequence[SideInput], asked: int | None, dataset: Dataset) -> int:
    """How many samples of every side are measured: as many of each, for most measures depend on it.

    As many as are asked for, or as usual, or as the smallest file holds. Raises BadInput for a file that holds less
    than is asked for.
    """
    held = {each.path: len(each.subject.values) for each in found if each.subject is not None}
    for path, count in held.items():
        if asked is not None and count < asked:
            raise BadInput(f"{path}: found {count:,} samples, expected {asked:,}, as --n says. Lower it, or give more.")
    return asked if asked is not None else min([default_sample_count(dataset), *held.values()])


def _measure(
    found: Mapping[str, SideInput], it: Reference, n: int, plan: EvaluationPlan
) -> Generator[Progress, None, SampleJackknives]:
    readings = SampleJackknives()
    wanted = plan.measures or tuple(name for name in PAIRED if _can_be_taken(name, it))
    for number, (path, each) in enumerate(found.items()):
        share = number / len(found)
        yield Progress(f"{path}: drawing {n:,} samples", share)
        case = Context(each.samples(n, plan.seed), it, plan.protocol, plan.seed)
        if not number:
            readings.real, readings.left_out = floors(case, wanted)
        taken: dict[str, statistics.Jackknife] = {}
        for names, jackknives, reason in take_jackknives(
            case, [name for name in wanted if name not in readings.left_out]
        ):
            taken |= jackknives
            readings.left_out |= dict.fromkeys(names, reason) if reason else {}
            yield Progress(f"{path}: {', '.join(names)}", share)
        readings.taken[path] = taken
        if plan.split == "test" and each.run is not None:
            _note_reading(each, list(taken), it, n)
    return readings


def _can_be_taken(name: str, it: Reference) -> bool:
    """Whether the data have what a measure needs; those that are asked for by name are tried, and say why not."""
    if name == "class-distance":
        return it.classifier is not None
    return name != "parzen" or it.dataset.is_image


def _side_card(side: SideRequest, found: Mapping[str, SideInput]) -> Side:
    members = [found[path] for path in side.paths]
    return Side(side.name, side.paths, tuple(each.step for each in members), tuple(each.seed for each in members))


def _contrasts(sides: Sequence[Side], readings: SampleJackknives, *, unpaired: bool) -> tuple[str, list[Contrast]]:
    if len(sides[0].of) > 1:
        values = {
            path: {name: jackknife.value for name, jackknife in taken.items()} for path, taken in readings.taken.items()
        }
        return contrast_seeds(sides, values, readings.measures, readings.real, unpaired=unpaired)
    taken, real = readings.taken, readings.real
    return "paired", [
        of_jackknives(name, (a.name, b.name), taken[a.of[0]][name], taken[b.of[0]][name], real.get(name))
        for a, b in combinations(sides, 2)
        for name in readings.measures
    ]


def contrast_seeds(
    sides: Sequence[Side],
    values: Mapping[str, Mapping[str, float]],
    measures: Sequence[str],
    real: Mapping[str, float],
    *,
    unpaired: bool,
) -> tuple[str, list[Contrast]]:
    """Contrasts of groups of runs, of values by path and measure, and of which kind they are.

    They are paired where every group has the same seeds, each once, unless it is said otherwise: whatever was found.
    """
    matched = not unpaired and _same_seeds(sides)
    of = {side.name: _in_order(side) if matched else side.of for side in sides}
    contrasts = [
        of_seeds(
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


def _in_order(side: Side) -> tuple[str, ...]:
    """The paths by their seeds."""
    return tuple(path for _, path in sorted(zip(side.seeds, side.of, strict=True), key=lambda one: one[0] or 0))


def _protocol(it: Reference, n: int, plan: EvaluationPlan, measures: Sequence[str]) -> dict[str, Any]:
    told: dict[str, Any] = {
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
        told["parzen"] = plan.protocol
    if "class-distance" in measures and it.seen.id != it.extractor.id:
        told["classifier"] = it.seen.id
    return told


def _note_reading(each: SideInput, measures: Sequence[str], it: Reference, n: int) -> None:
    """Add one line to the run's list of readings of the test split, which is to be read once."""
    assert each.run is not None
    told = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "step": each.step, "split": it.split,
            "measures": list(measures), "samples": n, "data": it.dataset.name,
            "digest": it.dataset.digest, "compared": True}  # fmt: skip
    runs.Journal(each.run.directory.test_readings).append(told)
