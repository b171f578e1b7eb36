"""How players move: not at all, by leaps, or in circles."""

from collections.abc import Sequence

from advnets.diagnosis.advice import DOWN, Advice, Case, Option, add_penalty, advise, lower_rate, raise_rate
from advnets.diagnosis.detector import Detector, Sign, after_warm_up, of_way
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
            return Sign(what, stride, limits.still, "a player that learns has .0001 to .01", player)
    return None


def sign_of_leaps(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See weights that are thrown rather than moved, from the first steps on.

    Two things show it. Logits ran away that no objective needs: they count only where they did so early, for a
    discriminator that is far ahead after thousands of steps has another cause. Or the next step is long, both beside
    the weights and for each weight: networks whose weights begin small make steps that are long beside them and learn,
    and so do those of a few large weights, each of which moves far.
    """
    if probe.step < limits.first:
        return None
    early = [one.logits for one in (*past, probe) if one.step < limits.settled and one.logits is not None]
    if probe.logits is not None and probe.logits > limits.logits and any(one > limits.logits for one in early):
        what = (
            f"The discriminator has run away: its logits{of_way(probe)} lie about {probe.logits:,.0f} away from their "
            "median, and no objective needs more than 20."
        )
        return Sign(what, probe.logits, limits.logits, "published recipes have under 10 at first", "discriminator")
    return _longest_throw(probe, limits)


def _longest_throw(probe: Probe, limits: Thresholds) -> Sign | None:
    """The player whose next step is too long, the longer one of both; where `throws` is not known there is none."""
    for player, stride in sorted(probe.strides.items(), key=lambda one: -one[1]):
        throw = probe.throws.get(player, 0.0)
        if stride <= limits.leap or throw <= limits.throw:
            continue
        what = (
            f"The {player} leaps: its next step is {stride:.2g} of the length of its weights, and moves a weight by "
            f"{throw:.2g}."
        )
        null = "a player that learns has .0001 to .01, or moves weights by under .0015"
        return Sign(what, stride, limits.leap, null, player)
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


def advise_on_standstill(case: Case) -> Advice:
    """A rate of 0 is raised; where it is not 0, no gradient arrives, and a higher one would not help."""
    rate = case.setup.rates.get(case.player)
    if rate is not None and rate.is_zero:
        return advise("Its rate is 0.", raise_rate(case.setup, case.player))
    look = Option("look for detach() and for units that are always 0 in networks of your own")
    if rate is None:
        return advise("Its rate is 0, or no gradient reaches its weights.", raise_rate(case.setup, case.player), look)
    return advise(f"No gradient reaches its weights: its rate is {rate.now}.", look, Option("take another --algorithm"))


def advise_on_leaps(case: Case) -> Advice:
    """Lower the rate of that player, and the other's with it where both have the same."""
    rates = case.setup.rates
    lower = lower_rate(case.setup, case.player)
    other = next((one for one in rates if one != case.player), "")
    if other and case.player in rates and rates[other] == rates[case.player]:
        one = rates[other]
        how = "leave out --lr" if one.published else f"--lr {one.lower} sets both"
        both = f"{lower.text}, and --{other}.rate with it: {how}"
        return advise("The rate is too high for this optimizer and these weights.", Option(both, lower.flag, DOWN))
    return advise("The rate is too high for this optimizer and these weights.", lower)


def advise_on_cycling(case: Case) -> Advice:
    """Damp the game."""
    setup = case.setup
    has_momentum = setup.has("generator.optimizer.betas") and (not setup.betas or any(setup.betas.values()))
    return advise(
        "Each player answers the other's last move, and neither comes to rest: the game turns about its optimum.",
        add_penalty(setup, "r1", "1"),
        None if setup.algorithm == "extragradient" else Option("take --algorithm extragradient"),
        Option("set less momentum by --generator.optimizer.betas 0,0.9") if has_momentum else None,
        *(lower_rate(setup, player) for player in ("generator", "discriminator")),
    )


STANDSTILL = Detector("standstill", sign_of_standstill, advise_on_standstill)
LEAPS = Detector("steps-too-large", sign_of_leaps, advise_on_leaps, waits=False)
CYCLING = Detector("cycling", sign_of_cycling, advise_on_cycling)
