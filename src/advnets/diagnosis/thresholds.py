"""Thresholds: ratios to the data or to the run's own past, chosen on the training part of `benchmarks/doctor.py`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """Where a number becomes a sign.

    Attributes:
        warm_up: Steps before which only the layout of networks and data is judged.
        settled: Steps before which samples may never have been apart, and a player may be ahead, without a failure.
        begun: Lengths of its weights that a generator goes before its samples are judged, if they were never apart.
        moved: Energy distance over that of the first probe, above which, or below its inverse, it has moved as well.
        past: Probes after the warm-up that make a past to compare with.
        spread: Samples lie nearer together than this share of the data's distance.
        twins: Share of samples that have a twin.
        reach: Share of real samples that are reached.
        strong: Chance to tell real from made, above which nothing is left to tell.
        weak: The same, below which nothing is told.
        apart: Energy distance over the data's spread, above which samples are plainly not the data.
        neighbours: Share of neighbours of one's own kind, above which others tell the samples from the data.
        stalled: Energy distance over its median in the past, above which samples do not come nearer.
        saturated: Generator's gradient over its largest in the past.
        vanished: A gradient over its median in the past.
        exploded: A gradient over its median in the past.
        overfit: Least chance to tell training samples from held-out ones, three errors below what is measured.
        copies: Distance to training samples over that of held-out ones.
        copies_p: The chance that it is chance.
        idle: Gradient of a penalty over that of the objective.
        still: Length of a step over that of the weights.
        first: Steps before which the length of steps, and logits, are not judged.
        leap: The same, above which weights are thrown rather than moved, if also
        throw: how far the next step moves a weight, root mean square, is above this.
        logits: Median distance of the logits from their middle, above which the discriminator has run away.
        dead: Share of a layer's units.
        generator_mode: Distance between the generator's modes over the data's spread.
        discriminator_mode: Distance between the discriminator's modes, in deviations of its logits.
        faint: Range of the real numbers over that of the transform.
        untrained: Share of the average.
        rhythm: Share of the movement of the samples, beside a straight way, that one wave explains.
        swing: Root mean square of that wave, over the data's spread.
    """

    warm_up: int = 100
    settled: int = 500
    begun: float = 0.5
    moved: float = 2.0
    past: int = 3
    spread: float = 0.1
    twins: float = 0.6
    reach: float = 0.03
    strong: float = 0.99
    weak: float = 0.6
    apart: float = 0.1
    neighbours: float = 0.85
    stalled: float = 0.9
    saturated: float = 1 / 30
    vanished: float = 0.01
    exploded: float = 30.0
    overfit: float = 0.65
    copies: float = 0.3
    copies_p: float = 1e-4
    idle: float = 1e-4
    still: float = 1e-9
    first: int = 10
    leap: float = 0.01
    throw: float = 0.0025
    logits: float = 50.0
    dead: float = 0.9
    generator_mode: float = 0.2
    discriminator_mode: float = 1.0
    faint: float = 0.02
    untrained: float = 0.1
    rhythm: float = 0.9
    swing: float = 0.15


THRESHOLDS = Thresholds()
