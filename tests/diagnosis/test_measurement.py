"""What arrays tell: against sums by hand, closed forms and simulations, and on draws where nothing is to be told."""

import math

import numpy as np
import pytest

from advnets.diagnosis import (
    THRESHOLDS,
    chance_above,
    compare_samples,
    copy_ratio,
    nearest_distances,
    rhythm_of,
    share_of_untrained,
)


def normals(seed: int, n: int = 128, d: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d))


def test_the_chance_is_the_share_of_pairs() -> None:
    first, second = np.array([3.0, 1.0, 2.0]), np.array([2.0, 0.0])
    pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a in first for b in second]
    assert chance_above(first, second)[0] == pytest.approx(np.mean(pairs))
    assert chance_above(np.exp(first), np.exp(second))[0] == pytest.approx(np.mean(pairs))


def test_its_error_is_that_of_repetition() -> None:
    found = [chance_above(normals(seed, 60, 1)[:, 0] + 0.5, normals(seed + 500, 60, 1)[:, 0]) for seed in range(200)]
    chances, errors = np.array(found).T
    assert np.median(errors) == pytest.approx(chances.std(), rel=0.15)


def test_draws_of_one_distribution_are_alike() -> None:
    likeness = compare_samples(normals(0), normals(1), normals(2))
    assert likeness.spread == pytest.approx(1, abs=0.1)
    assert likeness.reach == pytest.approx(1, abs=0.25)
    assert abs(likeness.gap) < 0.02
    assert abs(likeness.gap_held) < 0.02
    assert likeness.neighbours == pytest.approx(0.5, abs=0.1)
    assert likeness.twins == likeness.twins_held == 0


def test_one_point_many_times_over_is_a_collapse() -> None:
    likeness = compare_samples(np.ones((128, 8)) + 1e-6 * normals(3), normals(1), normals(2))
    assert likeness.spread < 1e-4
    assert likeness.twins == 1
    assert likeness.reach < 0.05


def test_the_energy_distance_of_two_points_is_by_hand() -> None:
    """2 E|a - b| - E|a - a'| - E|b - b'| with a = 1 and b = -1, +1 in equal parts: 2 - 0 - E|b - b'|."""
    real = np.tile([[-1.0], [1.0]], (50, 1))
    within = 2 * 50 * 50 * 2 / (100 * 99)
    likeness = compare_samples(np.ones((100, 1)), real, real)
    assert likeness.gap == pytest.approx((2 * 1 - within) / within)


def test_distances_far_from_zero_lose_no_digits() -> None:
    """As images are, all of whose pixels are near 1: the squares cancel, and the differences are small."""
    points = 1000 + normals(0, 20, 3)
    expected = np.sqrt(((points[:, None] - points[None] - 1e-3) ** 2).sum(2)).min(1)
    assert nearest_distances(points, points + 1e-3) == pytest.approx(expected, rel=1e-5)


def test_copies_are_near_and_held_out_samples_are_not() -> None:
    train, held, fresh = normals(0, 500), normals(1, 500), normals(2)
    usual = nearest_distances(held, train)
    ratio, p = copy_ratio(fresh, train, usual)
    assert ratio == pytest.approx(1, abs=0.1)
    assert p > 1e-3
    ratio, p = copy_ratio(train[:128] + 0.01 * fresh, train, usual)
    assert ratio < 0.05
    assert p < 1e-20


def test_no_fresh_draw_is_accused() -> None:
    train, held = normals(0, 300, 4), normals(1, 300, 4)
    usual = nearest_distances(held, train)
    found = [copy_ratio(normals(seed, 128, 4), train, usual) for seed in range(2, 102)]
    assert not any(ratio < THRESHOLDS.copies and p < THRESHOLDS.copies_p for ratio, p in found)


def has_rhythm(path: np.ndarray) -> bool:
    _, share, swing = rhythm_of(path)  # type: ignore[arg-type]
    return share >= THRESHOLDS.rhythm and swing >= THRESHOLDS.swing


@pytest.mark.parametrize("line", [True, False])
def test_a_swing_is_seen_in_many_dimensions_and_beside_a_way(line: bool) -> None:
    """A circle, or to and fro along a line, 3 times, with noise, on the way elsewhere."""
    t = np.linspace(0, 6 * math.pi, 30, endpoint=False)
    plane = np.linalg.qr(normals(0, 128, 2))[0]
    swings = np.stack([np.cos(t), 0 * t if line else np.sin(t)], 1) @ plane.T
    path = swings + 0.02 * normals(1, 30, 128) + np.linspace(0, 2, 30)[:, None] * plane[:, 0]
    periods, _, size = rhythm_of(path)  # type: ignore[arg-type]
    assert periods == pytest.approx(3, abs=0.13)
    assert size == pytest.approx(math.sqrt(0.5) if line else 1, rel=0.1)
    assert has_rhythm(path)


def test_neither_noise_nor_a_walk_nor_a_way_somewhere_has_a_rhythm() -> None:
    ways = [normals(seed, 24, 8) for seed in range(40)]
    walks = [path.cumsum(0) for path in ways]
    lines = [np.linspace(0, 5, 24)[:, None] * path[:1] + 0.1 * path for path in ways]
    there_and_back = [np.sin(np.linspace(0, math.pi, 24))[:, None] * path[:1] for path in ways]
    assert not any(has_rhythm(path) for paths in (ways, walks, lines, there_and_back) for path in paths)
    assert rhythm_of(ways[0][:5]) == (0, 0, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize(("half_life", "ramp"), [(2000.0, 0.2), (500.0, 1e9), (1e9, 0.2), (1e9, 2.0), (3000.0, 0.9)])
def test_the_untrained_share_is_that_of_an_average_step_by_step(half_life: float, ramp: float) -> None:
    batch, steps = 1.0, 10_000
    share = 0.0
    for step in range(steps):
        moved = min(half_life, ramp * step * batch)
        keep = 0.5 ** (batch / moved) if moved > 0 else 0.0
        share = keep * share + (1 - keep) * (step < steps / 10)
    assert share_of_untrained(half_life, ramp, steps * batch) == pytest.approx(share, rel=0.02, abs=1e-6)


def test_no_average_holds_nothing() -> None:
    assert share_of_untrained(0.0, 0.2, 1000.0) == share_of_untrained(100.0, 0.2, 0.0) == 0
