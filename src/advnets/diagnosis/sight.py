"""What networks see and emit: ranges, bounded logits, dead units, batch statistics, an average of untrained weights."""

from collections.abc import Sequence

from advnets.diagnosis.advice import DOWN, UP, Advice, Case, Option, advise, choose_objective, lower_rate
from advnets.diagnosis.detector import Detector, Sign, of_way
from advnets.diagnosis.probe import Probe
from advnets.diagnosis.thresholds import Thresholds

RANGES = {
    "Sigmoid": (0.0, 1.0), "Hardsigmoid": (0.0, 1.0), "Softmax": (0.0, 1.0), "Tanh": (-1.0, 1.0), "Sin": (-1.0, 1.0),
    "Cos": (-1.0, 1.0), "Relu": (0.0, float("inf")), "Softplus": (0.0, float("inf")), "Exp": (0.0, float("inf")),
}  # fmt: skip
"""What a network's numbers lie between, by the function that it ends in, as torch's graph calls it."""
PROBABILITIES = ("Sigmoid", "Hardsigmoid", "LogSigmoid", "Softmax", "LogSoftmax")
"""Functions that a discriminator of logits does not end in."""
RAMP = 0.2
"""The ramp that recipes have."""


def sign_of_wrong_range(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See a generator that ends in another range than the data's, and data that fill next to nothing of theirs."""
    if probe.bounds is None or probe.real is None:
        return None
    (low, high), (least, most) = probe.bounds, probe.real
    ends_in = probe.ends_in.get("generator", "")
    range_ = RANGES.get(ends_in, probe.bounds)
    if range_ != probe.bounds:
        what = (
            f"The generator{of_way(probe)} ends in {ends_in.lower()}, from {range_[0]:g} to {range_[1]:g}, and the "
            f"networks see data from {low:g} to {high:g}."
        )
        return Sign(what, range_[0], low, "both are the same where the last layer fits the transform")
    filled = (most - least) / (high - low)
    if filled < limits.faint:
        what = f"The real samples{of_way(probe)} fill {filled:.1%} of their range, from {least:.3g} to {most:.3g}."
        return Sign(what, filled, limits.faint, "photographs fill nearly all of it")
    return None


def sign_of_bounded_logits(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See a discriminator that gives probabilities to an objective of logits."""
    ends_in = probe.ends_in.get("discriminator", "")
    if not probe.takes_logits or ends_in not in PROBABILITIES:
        return None
    what = f"The discriminator{of_way(probe)} ends in {ends_in.lower()}, and its objective takes logits without bounds."
    return Sign(what, 1.0, 0.0, "no last function with bounds")


def sign_of_dead_units(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See a layer most of whose units are 0 on every sample, through which no gradient goes."""
    for player, share in probe.dead.items():
        if share > limits.dead:
            what = f"{share:.0%} of the units in a layer of the {player} are 0 on all {probe.count} samples."
            return Sign(what, share, limits.dead, "few are where rates are moderate", player)
    return None


def sign_of_generator_modes(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See a generator that draws others in evaluation mode than it is trained on."""
    gap = probe.mode_gaps.get("generator")
    if gap is None or gap <= limits.generator_mode:
        return None
    what = (
        f"The same noises{of_way(probe)} give other samples in evaluation than in training mode: the two differ by "
        f"{gap:.0%} of the distance between two real samples."
    )
    return Sign(what, gap, limits.generator_mode, "0 without batch statistics")


def sign_of_discriminator_modes(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See a discriminator that judges a sample by the batch that it comes in."""
    gap = probe.mode_gaps.get("discriminator")
    if gap is None or gap <= limits.discriminator_mode:
        return None
    what = (
        f"The discriminator{of_way(probe)} judges a sample by the others of its batch too: with other ones its logits "
        f"change by {gap:.2g} of their standard deviations."
    )
    return Sign(what, gap, limits.discriminator_mode, "0 without batch statistics; DCGAN's has them by design")


def sign_of_untrained_average(probe: Probe, past: Sequence[Probe], limits: Thresholds) -> Sign | None:
    """See an average in which weights of the first steps still have a part."""
    if probe.untrained is None or probe.untrained <= limits.untrained:
        return None
    what = f"{probe.untrained:.0%} of the averaged weights are older than the first tenth of the training."
    return Sign(what, probe.untrained, limits.untrained, "under 1 % at the ramp of .2 that recipes have")


def advise_on_range(case: Case) -> Advice:
    """Name the transform that the last layer belongs to."""
    ends_in = case.probe.ends_in.get("generator", "")
    range_ = RANGES.get(ends_in)
    cause = (
        "The transform and the generator's last layer do not belong together, or images in [0, 1] were stored as whole "
        "numbers."
    )
    stored = Option("store images in memory as whole numbers up to 255")
    if range_ is None or range_ == case.probe.bounds:
        return advise(cause, stored, Option("see whether --transform fits the data"))
    fitting = {(-1.0, 1.0): "symmetric", (0.0, 1.0): "unit"}.get(range_)
    if fitting is None:
        other = "a tanh for --transform symmetric or a sigmoid for --transform unit"
        return advise(cause, Option(f"end the generator in {other}"))
    return advise(cause, Option(f"take --transform {fitting}, which fits {ends_in.lower()}"))


def advise_on_bounded_logits(case: Case) -> Advice:
    """Take the last function away."""
    return advise(
        "The last layer of the discriminator is a sigmoid, which the objective applies by itself.",
        Option("leave the last layer of the --discriminator out"),
        choose_objective(case.setup, "least_squares"),
    )


def advise_on_dead_units(case: Case) -> Advice:
    """Lower the rate of the player whose units are dead."""
    player = case.player or "generator"
    has_statistics = case.probe.mode_gaps.get(player, 0.0) > 0
    normalised = Option(
        f"take a network with batch normalisation or leaky units by --{player}", f"normalisation of {player}", UP
    )
    return advise(
        "Large steps have pushed biases so far down that nothing lifts these units any more.",
        lower_rate(case.setup, player),
        Option(f"take a network with leaky units by --{player}") if has_statistics else normalised,
    )


def advise_on_batch_statistics(case: Case) -> Advice:
    """Larger batches, with what they are."""
    size = case.setup.batch_size
    return advise(
        "Its batch normalisation sees small or odd batches in training, and what is sampled uses their running means.",
        Option(f"raise --batch-size{'' if size is None else f', which is {size}'}"),
        Option("take a --generator without batch normalisation", "normalisation of generator", DOWN),
    )


def advise_on_batch_reading(case: Case) -> Advice:
    """Nothing has to be changed."""
    return advise(
        "Real and made samples come in batches of their own, and batch normalisation tells D which one it sees.",
        Option(
            "if it troubles you, take a --discriminator without batch normalisation",
            "normalisation of discriminator",
            DOWN,
        ),
    )


def advise_on_untrained_average(case: Case) -> Advice:
    """Forget sooner, with what the numbers are."""
    setup = case.setup
    return advise(
        "The half-life is long beside the training.",
        Option(f"lower --half-life{f', which is {setup.half_life}' if setup.half_life else ''}"),
        None if setup.ramp is not None and setup.ramp <= RAMP else Option(f"set --ramp {RAMP}"),
    )


WRONG_RANGE = Detector("data-range", sign_of_wrong_range, advise_on_range, needed=1, waits=False)
BOUNDED_LOGITS = Detector("bounded-logits", sign_of_bounded_logits, advise_on_bounded_logits, needed=1, waits=False)
DEAD_UNITS = Detector("dead-units", sign_of_dead_units, advise_on_dead_units)
BATCH_STATISTICS = Detector("batch-statistics", sign_of_generator_modes, advise_on_batch_statistics)
BATCH_READING = Detector("batch-reading", sign_of_discriminator_modes, advise_on_batch_reading, severity="note")
UNTRAINED_AVERAGE = Detector("untrained-average", sign_of_untrained_average, advise_on_untrained_average)
