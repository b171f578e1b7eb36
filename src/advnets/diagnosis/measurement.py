"""What arrays of samples and logits tell: distances, chances and turns, each beside what held-out data give."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from advnets.statistics.mann_whitney import chance_with_error, rank_score

FEWEST_PERIODS = 1.5
"""Fewer are no rhythm, but a way there and back."""
Floats = npt.NDArray[np.floating[Any]]
TWIN = 0.1
"""A sample is a twin if another one lies nearer than this share of the distance that nearest real ones have."""


class Likeness(NamedTuple):
    """How samples lie among real ones; the fields are those of `Probe`."""

    spread: float
    twins: float
    twins_held: float
    reach: float
    gap: float
    gap_held: float
    neighbours: float


def compare_samples(made: Floats, real: Floats, held: Floats) -> Likeness:
    """Compare samples with real ones, and held-out ones with these, which is the null.

    Args:
        made: Samples, (n, d).
        real: Training samples, (n, d).
        held: Held-out samples, (n, d).

    Returns:
        The ratios; a data set of equal samples has a spread of 0 and gives infinite ones.
    """
    within = {name: _distances(one, one) for name, one in (("made", made), ("real", real), ("held", held))}
    unit = _mean_off_diagonal(within["real"])
    to_real, held_to_real = _distances(made, real), _distances(held, real)
    nearest = {name: _without_self(one).min(1) for name, one in within.items()}
    near = TWIN * np.median(nearest["real"])
    own, other = nearest["made"] < to_real.min(1), nearest["real"] < to_real.min(0)
    return Likeness(
        spread=_over(_mean_off_diagonal(within["made"]), unit),
        twins=float((nearest["made"] < near).mean()),
        twins_held=float((nearest["held"] < near).mean()),
        reach=len(np.unique(to_real.argmin(1))) / len(np.unique(held_to_real.argmin(1))),
        gap=_over(_energy(within["made"], within["real"], to_real), unit),
        gap_held=_over(_energy(within["held"], within["real"], held_to_real), unit),
        neighbours=float(np.concatenate([own, other]).mean()),
    )


def copy_ratio(made: Floats, train: Floats, usual: Floats) -> tuple[float, float]:
    """Compare how near samples and held-out samples come to training samples.

    Args:
        made: Samples, (n, d).
        train: Training samples, (m, d).
        usual: What `nearest_distances` are between held-out samples and these, (k,).

    Returns:
        The median distance of samples to the nearest training sample over that of held-out ones, and the chance of
        distances so small if samples were held-out ones (Mann and Whitney, one-sided, normal).
    """
    near = nearest_distances(made, train)
    p = 0.5 * math.erfc(-rank_score(near.astype(np.float64), usual.astype(np.float64)) / math.sqrt(2))
    return _over(float(np.median(near)), float(np.median(usual))), p


def nearest_distances(samples: Floats, others: Floats) -> Floats:
    """Return the distance of each sample to the nearest of others, (n,).

    Args:
        samples: Samples, (n, d).
        others: Others, (m, d), with m of 1 or more.

    Returns:
        Euclidean distances, (n,), in the unit of the samples.
    """
    found: Floats = _distances(samples, others).min(1)
    return found


def chance_above(first: Floats, second: Floats) -> tuple[float, float]:
    """Estimate the chance that a logit of the first group is above one of the second, ties by half.

    It asks nothing of the objective: it is the same under any increasing map of the logits.

    Args:
        first: Logits, (m,).
        second: Logits, (n,).

    Returns:
        The chance, and its standard error after DeLong.
    """
    return chance_with_error(second.astype(np.float64), first.astype(np.float64))


def reach_of_logits(real: Floats, made: Floats) -> float:
    """Return the median distance of logits from the middle between the medians of both kinds.

    The middle is taken away because games of differences, such as the relativistic one, leave it free.

    Args:
        real: Logits of real samples, (m,).
        made: Logits of made ones, (n,).

    Returns:
        The distance.
    """
    middle = (np.median(real) + np.median(made)) / 2
    return float(np.median(np.abs(np.concatenate([real, made]).astype(np.float64) - middle)))


def rhythm_of(track: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Find the wave that explains most of a path beside a straight way.

        p(t) = a + b t + c cos(w t) + d sin(w t) + rest,        by least squares

    w goes from `FEWEST_PERIODS` in all to one in three times.

    A game that turns about its optimum swings in the samples alone. Noise has all rhythms, and a random walk slow ones.

    Args:
        track: Where samples of fixed noises lay, at equal times, (times, d).

    Returns:
        Periods of the wave, the share of the movement beside the straight way that it explains, and its root mean
        square.
    """
    path = np.asarray(track, dtype=np.float64)
    times = np.arange(len(path))
    if len(path) < 8:
        return 0.0, 0.0, 0.0
    straight = np.stack([np.ones(len(path)), times - times.mean()], 1)
    rest = path - straight @ np.linalg.lstsq(straight, path)[0]
    whole = float((rest**2).sum())
    best = (0.0, 0.0, 0.0)
    for periods in np.arange(FEWEST_PERIODS, len(path) / 3 + 0.01, 0.125):
        angles = 2 * math.pi * periods * times / len(path)
        waves = np.stack([np.cos(angles), np.sin(angles)], 1)
        waves = waves - straight @ np.linalg.lstsq(straight, waves)[0]
        swing = float(((waves @ np.linalg.lstsq(waves, rest)[0]) ** 2).sum())
        share = swing / whole if whole else 0.0
        if share > best[1]:
            best = float(periods), share, math.sqrt(swing / len(path))
    return best


def share_of_untrained(half_life: float, ramp: float, images: float, first: float = 0.1) -> float:
    """Compute the share of an average that is older than the first part of the images.

        exp(-integral from first T to T of ln 2 / min(half_life, ramp t) dt)

    Args:
        half_life: Images that halve an old weight's share; 0 keeps no old weights.
        ramp: The most that the half-life may be, as a share of the images so far.
        images: T, images trained on since the average began.
        first: The part that counts as untrained.

    Returns:
        The share, 0 to 1.
    """
    if half_life <= 0 or images <= 0:
        return 0.0
    begin, turn = first * images, half_life / ramp  # up to `turn` images the ramp is in force
    ramped = math.log(min(turn, images) / begin) / ramp if turn > begin else 0.0
    constant = max(0.0, images - max(turn, begin)) / half_life
    return float(0.5 ** (ramped + constant))


def _distances(a: Floats, b: Floats) -> Floats:
    """Euclidean distances, (m, n); about the mean of the second, so that little cancels."""
    middle = b.mean(0, dtype=np.float64)
    a, b = a - middle, b - middle
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    found: Floats = np.sqrt(np.maximum(squares, 0.0))
    return found


def _without_self(distances: Floats) -> Floats:
    found = distances.copy()
    np.fill_diagonal(found, np.inf)
    return found


def _mean_off_diagonal(distances: Floats) -> float:
    n = len(distances)
    return float((distances.sum() - np.trace(distances)) / (n * (n - 1)))


def _energy(within_first: Floats, within_second: Floats, between: Floats) -> float:
    """2 E|a - b| - E|a - a'| - E|b - b'|, 0 if both are draws of one distribution (Szekely and Rizzo, 2013)."""
    return 2 * float(between.mean()) - _mean_off_diagonal(within_first) - _mean_off_diagonal(within_second)


def _over(number: float, unit: float) -> float:
    return number / unit if unit > 0 else (0.0 if number == 0 else math.inf)
