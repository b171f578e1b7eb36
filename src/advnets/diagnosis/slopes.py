"""Gradients beside the run's own past, and penalties beside the objective."""

from collections.abc import Sequence

from advnets.diagnosis.advice import (
    Advice,
    Case,
    Option,
    add_penalty,
    advise,
    bound_columns,
    choose_objective,
    lower_rate,
)
from advnets.diagnosis.balance import usual_gradients
from advnets.diagnosis.detector import Detector, Sign
from advnets.diagnosis.probe import Probe
from advnets.diagnosis.thresholds import Thresholds


def sign_of_vanishing(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See a gradient that is gone while the samples are plainly not the data, and D is not always right."""
    for player, now in probe.gradients.items():
        usual = usual_gradients(past, player, limits)
        if not usual or now >= limits.vanished * usual or probe.gap is None or probe.gap < limits.apart:
            continue
        if player == "generator" and probe.auc is not None and probe.auc > limits.strong:
            continue  # that is saturation
        what = (
            f"The {player}'s gradient is {now / usual:.1g} of its median so far, and the samples are not like the data."
        )
        return Sign(what, now / usual, limits.vanished, "1 is its median since the warm-up", player)
    return None


def sign_of_explosion(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See a gradient many times as large as it was."""
    for player, now in probe.gradients.items():
        usual = usual_gradients(past, player, limits)
        if usual and now > limits.exploded * usual:
            what = f"The {player}'s gradient is {now / usual:,.0f} times its median so far."
            return Sign(what, now / usual, limits.exploded, "1 is its median since the warm-up", player)
    return None


def sign_of_idleness(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See a penalty that moves no weight."""
    for penalty, ratio in probe.penalties.items():
        if ratio < limits.idle:
            how = "is 0" if ratio == 0 else f"is {ratio:.1g} of the objective's"
            what = f"The penalty {penalty} does nothing: its gradient in the discriminator's weights {how}."
            return Sign(what, ratio, limits.idle, "a penalty of the papers' weight has .001 to 10", part=penalty)
    return None


def advise_on_vanishing(case: Case) -> Advice:
    """Lower the player's rate, and D's, which shapes what the generator learns from."""
    return advise(
        "Some layer passes nothing back, or a player has reached weights at which its loss is flat.",
        *(
            lower_rate(case.setup, player)
            for player in dict.fromkeys((case.player or "discriminator", "discriminator"))
        ),
        choose_objective(case.setup, "relativistic"),
    )


def advise_on_explosion(case: Case) -> Advice:
    """Lower D's rate, or bind it."""
    return advise(
        "The discriminator has become steep at the samples.",
        lower_rate(case.setup, "discriminator"),
        add_penalty(case.setup, "r1", "1"),
        bound_columns(case.setup),
    )


def advise_on_idleness(case: Case) -> Advice:
    """Give the penalty its weight, with what it is; of one's own, look for what cuts its graph."""
    name = case.part.rpartition("/")[2]
    weight = case.setup.penalties.get(name)
    cause = (
        "Its graph is cut off, by detach() or no_grad() in a network or penalty of one's own; or its weight is tiny."
    )
    if case.setup.is_own:
        return advise(cause, Option("let the penalty's gradient reach D's weights, or give it the paper's weight"))
    known = f", in place of {weight}" if weight is not None else ""
    return advise(
        cause,
        Option(f"give it the paper's weight, as in --penalty {name or 'r1'}=10{known}"),
        Option(f"take it out by --penalty {name or 'r1'}=none"),
    )


VANISHING = Detector("vanishing-gradient", sign_of_vanishing, advise_on_vanishing)
EXPLODING = Detector("exploding-gradient", sign_of_explosion, advise_on_explosion)
IDLE_PENALTY = Detector("idle-penalty", sign_of_idleness, advise_on_idleness)
