"""Too few different samples: collapse, and copies of training samples."""

from collections.abc import Sequence

from advnets.diagnosis.advice import (
    Advice,
    Case,
    Option,
    add_penalty,
    advise,
    augment,
    choose_objective,
    lower_rate,
    pack,
    raise_k,
)
from advnets.diagnosis.detector import Detector, Sign, has_begun, of_way
from advnets.diagnosis.probe import Probe
from advnets.diagnosis.thresholds import THRESHOLDS, Thresholds


def sign_of_collapse(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See samples that lie too near together, that have twins, or that reach few of the real ones.

    Untrained generators draw all samples alike: who never drew others has collapsed only when it should have settled,
    and has moved.
    """
    was_never_apart = all(sign_of_sameness(one, limits) for one in past if one.step)
    if was_never_apart and (probe.step < limits.settled or not has_begun(past, probe, limits)):
        return None
    return sign_of_sameness(probe, limits)


def sign_of_sameness(probe: Probe, limits: Thresholds) -> Sign | None:
    """See the same, of one probe and whatever came before.

    Args:
        probe: The probe.
        limits: The thresholds.

    Returns:
        The sign, or None.
    """
    n = probe.count
    if probe.spread is not None and probe.spread < limits.spread:
        how = f"lie {probe.spread:.2g} times as far apart as real ones do" if probe.spread else "are all the same"
        what = f"Samples of {n} noises{of_way(probe)} {how}."
        return Sign(what, probe.spread, limits.spread, f"{n} real samples have 1")
    if probe.twins is not None and probe.twins_held is not None and probe.twins > limits.twins + probe.twins_held:
        what = f"{probe.twins:.0%} of {n} samples{of_way(probe)} are nearly the same as another one."
        null = f"{probe.twins_held:.0%} of held-out real samples are"
        return Sign(what, probe.twins, limits.twins + probe.twins_held, null)
    if probe.reach is not None and probe.reach < limits.reach:
        what = f"The samples{of_way(probe)} are near to {probe.reach:.0%} of the real ones that others are near to."
        return Sign(what, probe.reach, limits.reach, "held-out real samples have 1")
    return None


def sign_of_copies(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See samples that come nearer to training samples than held-out ones do."""
    if probe.copies is None or probe.copies_p is None:
        return None
    if probe.copies >= limits.copies or probe.copies_p >= limits.copies_p:
        return None
    what = f"The samples{of_way(probe)} are {probe.copies:.2g} times as far from training samples as held-out ones are."
    return Sign(what, probe.copies, limits.copies, f"held-out samples have 1; p = {probe.copies_p:.1g}")


def advise_on_collapse(case: Case) -> Advice:
    """Slow the generator down, or let D see more; D is not made stronger where it is always right already."""
    setup, is_right = case.setup, case.probe.auc is not None and case.probe.auc > THRESHOLDS.strong
    return advise(
        "The generator gives the discriminator one thing that it takes for real, and all noises lead there.",
        lower_rate(setup, "generator"),
        None if is_right else raise_k(setup),
        pack(setup),
        add_penalty(setup, "r1", "1"),
        choose_objective(setup, "relativistic", why=", which holds more modes"),
    )


def advise_on_copies(case: Case) -> Advice:
    """More data, or data that look like more."""
    return advise(
        "The training data are few for the size of the networks, which know them by heart.",
        Option("train on more --data"),
        augment(case.setup, "mirror,translation,cutout"),
        Option("stop earlier by --steps"),
    )


COLLAPSE = Detector("collapse", sign_of_collapse, advise_on_collapse)
MEMORISATION = Detector("memorisation", sign_of_copies, advise_on_copies)
