"""Gradients beside the run's own past, and penalties beside the objective."""

from collections.abc import Sequence

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
        return Sign(what, now / usual, limits.vanished, "1 is its median since the warm-up")
    return None


def sign_of_explosion(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See a gradient many times as large as it was."""
    for player, now in probe.gradients.items():
        usual = usual_gradients(past, player, limits)
        if usual and now > limits.exploded * usual:
            what = f"The {player}'s gradient is {now / usual:,.0f} times its median so far."
            return Sign(what, now / usual, limits.exploded, "1 is its median since the warm-up")
    return None


def sign_of_idleness(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See a penalty that moves no weight."""
    for penalty, ratio in probe.penalties.items():
        if ratio < limits.idle:
            how = "is 0" if ratio == 0 else f"is {ratio:.1g} of the objective's"
            what = f"The penalty {penalty} does nothing: its gradient in the discriminator's weights {how}."
            return Sign(what, ratio, limits.idle, "a penalty of the papers' weight has .001 to 10")
    return None


VANISHING = Detector(
    "vanishing-gradient",
    sign_of_vanishing,
    "Some layer passes nothing back, or a player has reached weights at which its loss is flat.",
    "Lower --discriminator.rate and --generator.rate, or take another --objective, such as relativistic.",
)
EXPLODING = Detector(
    "exploding-gradient",
    sign_of_explosion,
    "The discriminator has become steep at the samples.",
    "Lower --discriminator.rate, add --penalty r1=1, or bound it by --constraint discriminator:max_column_norm=1.9.",
)
IDLE_PENALTY = Detector(
    "idle-penalty",
    sign_of_idleness,
    "Its graph is cut off, by detach() or no_grad() in a network or penalty of one's own; or its weight is tiny.",
    "Give it the paper's weight, as in --penalty r1=10, or take it out by --penalty r1=none; of your own, let its "
    "gradient reach the weights.",
)
