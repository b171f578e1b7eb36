"""The balance of the players, by the chance that D puts a real sample above a made one, which asks no objective."""

from collections.abc import Sequence

from advnets.diagnosis.advice import (
    Advice,
    Case,
    Option,
    add_penalty,
    advise,
    augment,
    choose_objective,
    lower_k,
    lower_rate,
    raise_k,
    raise_rate,
)
from advnets.diagnosis.detector import Detector, Sign, after_warm_up, has_begun, median_before, of_way
from advnets.diagnosis.probe import Probe
from advnets.diagnosis.thresholds import Thresholds

ERRORS = 3.0
"""Standard errors between what is measured and what is believed of it."""


def sign_of_strength(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See a discriminator that is always right while the samples come no nearer to the data.

    At the beginning every healthy one is, and it is until the generator has moved.
    """
    before = median_before([one.gap for one in past], limits.past)
    if probe.auc is None or probe.gap is None or before is None or probe.step < limits.settled:
        return None
    if probe.auc <= limits.strong or probe.gap < limits.apart or probe.gap < limits.stalled * before:
        return None
    if not has_begun(past, probe, limits):
        return None
    what = (
        f"The discriminator{of_way(probe)} puts {probe.auc:.1%} of real samples above made ones, and the samples come "
        f"no nearer to the data: their energy distance is {probe.gap:.2g}, {before:.2g} before."
    )
    return Sign(what, probe.auc, limits.strong, "1/2 if it cannot tell them")


def sign_of_weakness(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See a discriminator that cannot tell samples which their neighbours tell at once."""
    if probe.auc is None or probe.neighbours is None or probe.gap is None or probe.step < limits.settled:
        return None
    if probe.auc >= limits.weak or probe.neighbours < limits.neighbours or probe.gap < limits.apart:
        return None
    what = (
        f"The discriminator{of_way(probe)} puts {probe.auc:.1%} of real samples above made ones, though nearest "
        f"neighbours tell {probe.neighbours:.0%} of them."
    )
    return Sign(what, probe.auc, limits.weak, "neighbours tell 50 % if samples are like the data")


def sign_of_saturation(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See a generator whose gradient has vanished beside its own past while the discriminator is always right.

    An objective without logits, as Wasserstein's, has no flat end: its first critic is as good as random.
    """
    now, earlier = probe.gradients.get("generator"), [one.gradients.get("generator") for one in past]
    largest = max((one for one in earlier if one is not None), default=0.0)
    if now is None or probe.auc is None or probe.logits is None or not largest or probe.auc <= limits.strong:
        return None
    if now >= limits.saturated * largest:
        return None
    what = (
        f"The generator's gradient is {now / largest:.1g} of what it was, and the discriminator{of_way(probe)} puts "
        f"{probe.auc:.1%} of real samples above made ones."
    )
    return Sign(
        what, now / largest, limits.saturated, "1 is its largest so far; a gradient near an optimum has no such D"
    )


def sign_of_overfitting(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See a discriminator that tells training samples from held-out ones."""
    if probe.auc_held is None or probe.auc_held_error is None:
        return None
    least = probe.auc_held - ERRORS * probe.auc_held_error
    if least <= limits.overfit:
        return None
    what = (
        f"The discriminator{of_way(probe)} puts {probe.auc_held:.0%} of training samples above held-out ones, and no "
        f"less than {least:.0%} with its error."
    )
    return Sign(what, least, limits.overfit, "1/2 if it has not learnt them by heart")


def usual_gradients(past: Sequence[Probe], player: str, limits: Thresholds) -> float | None:
    """Return the median of a player's gradient behind the warm-up."""
    return median_before([one.gradients.get(player) for one in after_warm_up(past, limits)], limits.past)


def advise_on_strength(case: Case) -> Advice:
    """Hold the discriminator back."""
    setup = case.setup
    return advise(
        "The discriminator learns faster than the generator can follow.",
        lower_rate(setup, "discriminator"),
        lower_k(setup),
        add_penalty(setup, "r1", "10"),
        augment(setup, "translation,cutout"),
    )


def advise_on_weakness(case: Case) -> Advice:
    """Let the discriminator learn more."""
    return advise(
        "The discriminator learns more slowly than the generator changes, or is too small for these data.",
        raise_rate(case.setup, "discriminator"),
        raise_k(case.setup),
        Option("take a larger --discriminator"),
    )


def advise_on_saturation(case: Case) -> Advice:
    """In the minimax game the objective is at fault; in others the discriminator, which has run away."""
    setup = case.setup
    if setup.objective in (None, "minimax"):
        cause = (
            "In the minimax game the generator's gradient is in proportion to D(G(z)), which is 0 where D rejects all "
            "samples."
        )
        return advise(cause, choose_objective(setup, "non_saturating"), lower_rate(setup, "discriminator"))
    return advise(
        "The discriminator has learnt faster than the generator, and is flat where the samples lie.",
        lower_rate(setup, "discriminator"),
        lower_k(setup),
        add_penalty(setup, "r1", "1"),
    )


def advise_on_overfitting(case: Case) -> Advice:
    """More data, or data that look like more."""
    return advise(
        "The training data are few for the discriminator, which knows them by heart.",
        Option("train on more --data"),
        augment(case.setup, "mirror,translation,cutout"),
        add_penalty(case.setup, "r1", "10"),
    )


TOO_STRONG = Detector("discriminator-too-strong", sign_of_strength, advise_on_strength, needed=3)
TOO_WEAK = Detector("discriminator-too-weak", sign_of_weakness, advise_on_weakness)
SATURATION = Detector(
    "saturation",
    sign_of_saturation,
    advise_on_saturation,
    waits=False,  # a generator that is rejected from the start never gets through a warm-up
)
OVERFITTING = Detector("discriminator-overfits", sign_of_overfitting, advise_on_overfitting)
