"""How players move: not at all, by leaps, or in circles."""

from collections.abc import Sequence

from advnets.diagnosis.detector import Detector, Sign, after_warm_up
from advnets.diagnosis.measurement import rhythm_of
from advnets.diagnosis.probe import Probe
from advnets.diagnosis.thresholds import Thresholds

LONGEST_TRACK = 40
"""Probes that a circle is looked for in."""
FEWEST = 10
"""Probes in which a circle can be told from noise."""
END = 0.9
"""Share of the budget behind which a rate may have gone to 0."""


def sign_of_standstill(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See a player that does not move, before its rate may have ended."""
    for player, stride in probe.strides.items():
        if stride < limits.still and probe.share < END:
            what = f"The {player} does not move: its next step is {stride:.1g} of the length of its weights."
            return Sign(what, stride, limits.still, "a player that learns has .0001 to .01")
    return None


def sign_of_leaps(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See steps so long that weights are thrown rather than moved."""
    for player, stride in probe.strides.items():
        if stride > limits.leap:
            what = f"The {player} leaps: its next step is {stride:.2g} of the length of its weights."
            return Sign(what, stride, limits.leap, "a player that learns has .0001 to .01")
    return None


def sign_of_cycling(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See samples of fixed noises that swing in one rhythm; oscillating losses are no sign, for games have them."""
    path = [one.track for one in (*after_warm_up(past, limits), probe) if one.track][-LONGEST_TRACK:]
    if len({len(one) for one in path}) != 1 or len(path) < FEWEST:
        return None
    periods, share, swing = rhythm_of(path)
    if share < limits.rhythm or swing < limits.swing:
        return None
    what = (
        f"Samples of fixed noises went away and came back {periods:.1f} times in the last {len(path)} probes, in one "
        "rhythm that explains most of their movement."
    )
    return Sign(what, share, limits.rhythm, "simulated random walks along eight lines reach .74")


STANDSTILL = Detector(
    "standstill",
    sign_of_standstill,
    "Its rate is 0, or no gradient reaches its weights.",
    "Raise --generator.rate or --discriminator.rate, whichever player it is; of networks of your own, look for "
    "detach().",
)
LEAPS = Detector(
    "steps-too-large",
    sign_of_leaps,
    "The rate is too high for this optimizer and these weights.",
    "Lower --generator.rate or --discriminator.rate, whichever player it is, ten times.",
)
CYCLING = Detector(
    "cycling",
    sign_of_cycling,
    "Each player answers the other's last move, and neither comes to rest: the game turns about its optimum.",
    "Add --penalty r1=1, take --algorithm extragradient, or set less momentum by --generator.optimizer.betas 0,0.9.",
)
