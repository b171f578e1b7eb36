"""Stacked MNIST: three digits in the channels of one image are one of 1,000 modes."""

import torch

from advnets.errors import BadInput
from advnets.metrics.estimate import Estimate
from advnets.metrics.occupancy import mode_divergence, occupied
from advnets.metrics.parzen import Array

DIGITS, CHANNELS = 10, 3
MODES = DIGITS**CHANNELS


def stacked_modes(classes: Array) -> dict[str, Estimate]:
    """How many of the 1,000 triples of digits occur among samples, and how even they are.

    L. Metz et al., Unrolled generative adversarial networks, 2017, section 3.3.1; Z. Lin et al., PacGAN, 2018, section
    4.2, whose 26,000 samples are what numbers are compared at: both rise or fall with n.
    classes: the digits 0..9 of each channel as a classifier names them, (n, 3) integers; a classifier that errs adds
    modes and hides missing ones: say which one it was.
    Gives two by name. "modes": triples with one sample at least; error, interval and floor as `occupied` has them, the
    floor being the mean number for even triples. "kl": their divergence from even ones, KL(p_gen || uniform), nats;
    error, bias, floor (.0192 for 26,000 samples) and the notes corrected and exact_floor as `mode_divergence` has them.
    Raises BadInput for another shape, and for what is not a digit.
    """
    digits = torch.as_tensor(classes)
    if digits.ndim != 2 or digits.shape[1] != CHANNELS or len(digits) == 0 or not _whole(digits):
        found = f"{tuple(digits.shape)} of {digits.dtype}"
        raise BadInput(f"classes: found {found}, expected (n, 3) integers, n > 0. Give a digit for each channel.")
    low, high = int(digits.min()), int(digits.max())
    if low < 0 or high >= DIGITS:
        raise BadInput(f"classes: found {low} to {high}, expected digits 0..9. Mend the classifier's labels.")
    first, second, third = digits.long().T
    triples = (first * DIGITS + second) * DIGITS + third
    counts = torch.bincount(triples, minlength=MODES).cpu().numpy()
    return {"modes": occupied(counts, len(digits)), "kl": mode_divergence(counts)}


def _whole(values: torch.Tensor) -> bool:
    return not values.is_floating_point() and not values.is_complex() and values.dtype != torch.bool
