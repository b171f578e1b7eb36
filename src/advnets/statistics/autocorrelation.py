"""The autocorrelation time of a Markov chain: how many steps count for one independent sample."""

import math

import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.statistics.arrays import Array
from advnets.statistics.estimate import Estimate, Note

WINDOW = 5.0
"""c of the window, which is the first M >= c tau(M)."""

LONG = 50
"""The fewest autocorrelation times that chains must last for their estimate of tau to be trusted."""

PART = 2**22
"""Values whose spectrum is in memory at once."""


def autocorrelation_time(states: Array) -> Estimate:
    """Estimate the integrated autocorrelation time of stationary chains, in steps.

        tau = 1 + 2 sum_(t = 1 .. M) rho(t),    rho(t) = sum_d cov_d(t) / sum_d cov_d(0)

    It is 1 if consecutive states are independent. For a mean, n states of a chain are worth n / tau independent
    samples. M is the first with M >= c max(tau(M), 1), c = 5 (A. Sokal, Monte Carlo methods in statistical mechanics,
    1989, section 3). The mean is that of all chains together. So chains that stay apart are slow, however fast each one
    moves.

    The error is tau sqrt(2 (2 M + 1) / (chains steps)), N. Madras and A. Sokal, 1988. It holds for one coordinate and
    is an upper estimate for more.

    Args:
        states: Real numbers, (chains, steps, ...), with 4 steps or more. The coordinates d of a state weigh by their
            variance.

    Returns:
        tau with its error, in steps. The floor is 1. The notes hold `window`, which is M, `chains`, `steps`, and
        `enough`: whether the window closed and all chains together have 50 tau steps. If the window did not close, tau
        is a lower bound.

    Raises:
        BadInput: If the shape is another, if there is a NaN or an Inf, or if all states are the same.
    """
    x = _as_chains(states)
    chains, steps, _ = x.shape
    covariances = _autocovariances(x)
    if not float(covariances[0]) > 0:
        raise BadInput("states: found the same state everywhere, expected a chain that moves. Check the sampler.")
    taus = 2 * (covariances / covariances[0]).cumsum(0) - 1
    closed = (torch.arange(steps) >= WINDOW * taus.clamp(min=1)).nonzero()
    window = int(closed[0]) if len(closed) else steps - 1
    tau = max(float(taus[window]), 1 / (chains * steps))
    error = tau * math.sqrt(2 * (2 * window + 1) / (chains * steps))
    enough = bool(len(closed)) and chains * steps >= LONG * tau
    notes: dict[str, Note] = {"window": window, "chains": chains, "steps": steps, "enough": enough}
    return Estimate(tau, error, floor=1.0, notes=notes)


def _as_chains(states: Array) -> Tensor:
    """Return the states as (chains, steps, d)."""
    x = torch.as_tensor(states)
    if x.ndim < 2 or x.shape[1] < 4 or x.numel() == 0:
        found = f"shape {tuple(x.shape)}"
        raise BadInput(f"states: found {found}, expected (chains, steps, ...) of 4 steps or more. Give longer chains.")
    if not bool(torch.isfinite(x).all()):
        raise BadInput("states: found a NaN or an Inf, expected finite numbers. Check the sampler.")
    return x.flatten(2) if x.ndim > 2 else x[:, :, None]


def _autocovariances(x: Tensor) -> Tensor:
    """Sum over coordinates the mean over chains and s of (x_s - mean)(x_(s+t) - mean); gives (steps,) float64."""
    chains, steps, _ = x.shape
    total = torch.zeros(steps, dtype=torch.float64)
    for part in torch.split(x, max(1, PART // (chains * steps)), dim=2):
        centred = part.double() - part.double().mean((0, 1))
        # Wiener and Khinchin's theorem. As many zeros are appended, so that the end does not meet the beginning.
        spectrum = torch.fft.rfft(centred, 2 * steps, dim=1).abs().square().sum((0, 2))
        total += torch.fft.irfft(spectrum, 2 * steps)[:steps]
    return total / (chains * torch.arange(steps, 0, -1))
