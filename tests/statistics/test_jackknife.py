"""Differences of two sets of samples: exact where there is a formula, true to their level where there is not."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from advnets import metrics
from advnets.errors import BadInput, NonFinite
from advnets.statistics import Estimate, Jackknife, jackknife, jackknife_difference, smallest_difference
from advnets.statistics.jackknife import block_ranges

Floats = NDArray[np.float64]
SEEDS = 200
MOST = 0.05 + 3 * math.sqrt(0.05 * 0.95 / SEEDS)
"""Share of the seeds that may show a difference where there is none, at .05."""


def normal(seed: int, n: int, d: int = 4, scale: float = 1.0) -> Floats:
    return np.random.default_rng(seed).normal(size=(n, d)) * scale


def unit(points: Floats) -> Floats:
    return 1 / (1 + np.exp(-points))


PLAIN: dict[str, Callable[[torch.Tensor, torch.Tensor], float]] = {
    "frechet": lambda y, x: metrics.frechet(y, x).value,
    "kernel": lambda y, x: metrics.kernel_distance(y, x).value,
    "parzen": lambda y, x: float(metrics.log_densities(x, y, [0.5], dtype=torch.float64).mean()),
    **{
        name: lambda y, x, name=name: metrics.manifolds(y, x)[name].value
        for name in ("precision", "recall", "density", "coverage")
    },
}


def fast(name: str, y: Floats, x: Floats, blocks: int = 10) -> Jackknife:
    if name == "frechet":
        return metrics.frechet_jackknife(y, x, blocks=blocks)
    if name == "kernel":
        return metrics.kernel_jackknife(y, x, blocks=blocks)
    if name == "parzen":
        return metrics.parzen_jackknife(x, y, 0.5, blocks=blocks)
    return metrics.manifold_jackknife(y, x, blocks=blocks)[name]


@pytest.mark.parametrize("name", PLAIN)
def test_each_jackknife_is_that_of_the_plain_statistic(name: str) -> None:
    """Uneven blocks; the Parzen score is in float32."""
    y, x = normal(0, 53, scale=1.1), normal(1, 47)
    found, plain = fast(name, y, x, blocks=4), jackknife(PLAIN[name], y, x, blocks=4)
    torch.testing.assert_close(found.values, plain.values, rtol=0, atol=1e-5 if name == "parzen" else 1e-9)
    assert (found.m, found.n) == (plain.m, plain.n) == (53, 47)


def test_of_a_difference_of_means_the_error_is_the_textbook_s() -> None:
    y, x = normal(0, 20, 1), normal(1, 20, 1)
    found = jackknife(lambda a, b: float(a.mean() - b.mean()), y, x, blocks=20).estimate()
    assert found.value == pytest.approx(float(y.mean() - x.mean()))
    assert found.error == pytest.approx(math.sqrt(y.var(ddof=1) / 20 + x.var(ddof=1) / 20))
    welch = stats.ttest_ind(y[:, 0], x[:, 0], equal_var=False)
    assert found.notes["degrees"] == pytest.approx(welch.df)


def test_uneven_blocks_weigh_as_they_should() -> None:
    """Over many draws the mean square of the error is the variance, with blocks of one to three items."""
    squares = [
        jackknife(lambda a, b: float(a.mean()), normal(s, 37, 1), normal(s, 20, 1), crossed=False).estimate()
        for s in range(150)
    ]
    mean = np.mean([each.standard_error**2 for each in squares])
    assert mean == pytest.approx(1 / 37, rel=0.1)


def test_what_real_items_do_to_both_sides_falls_out() -> None:
    """T = mean y + mean x: of the difference x is no part, and the test is the paired t test of blocks of one."""
    a, b, x = normal(0, 20, 1), normal(1, 20, 1), normal(2, 40, 1, scale=100.0)
    both = [jackknife(lambda y, x: float(y.mean() + x.mean()), each, x) for each in (a, b)]
    found = jackknife_difference(*both)
    plain = stats.ttest_rel(a[:, 0], b[:, 0])
    assert found.error == pytest.approx(float((a - b).std(ddof=1)) / math.sqrt(20))
    assert found.p_value == pytest.approx(float(plain.pvalue), rel=1e-6)
    assert both[0].estimate().standard_error > 10


def test_what_depends_on_both_is_counted_once() -> None:
    """T = mean y mean x about 0: its variance is 1 / (m n), which either jackknife alone has too."""
    found = [jackknife(lambda y, x: float(y.mean() * x.mean()), normal(2 * s, 60, 1), normal(2 * s + 1, 60, 1),
                       blocks=6) for s in range(200)]  # fmt: skip
    true = np.var([each.value for each in found])
    crossed = np.mean([each.estimate().standard_error ** 2 for each in found])
    assert 0.75 < crossed / true < 1.6  # the larger of the two parts is taken, at least
    plain = []
    for each in found:
        values = each.values.clone()
        values[1:, 1:] = values[1:, :1] + values[:1, 1:] - values[0, 0]
        plain.append(Jackknife(values, each.m, each.n).estimate().standard_error ** 2)
    assert 1.5 < np.mean(plain) / true < 3


def differences(name: str, scale: float, other: float, seeds: int = SEEDS) -> list[Estimate]:
    found, n = [], 72
    for seed in range(seeds):
        x, *sides = (normal(3 * seed + k, n, 3, by) for k, by in enumerate((1.0, scale, other)))
        if name == "parzen":
            found.append(
                jackknife_difference(*(metrics.parzen_jackknife(unit(x), unit(y), 0.2, blocks=6) for y in sides))
            )
        else:
            found.append(jackknife_difference(*(fast(name, y, x, blocks=6) for y in sides)))
    return found


def shown(found: list[Estimate]) -> float:
    """The share of differences with a p-value of .05 at most."""
    return float(np.mean([each.p_value is not None and each.p_value <= 0.05 for each in found]))


@pytest.mark.parametrize("scale", [0.7, pytest.param(1.0, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["frechet", "kernel", "parzen", "density", "coverage"])
def test_of_one_generator_hardly_a_difference_is_shown(name: str, scale: float) -> None:
    """Whether it is as good as real (1) or not (.7); the error is not below the deviation, but for its own luck."""
    found = differences(name, scale, scale)
    assert shown(found) <= MOST
    deviation = np.std([each.value for each in found])
    assert math.sqrt(np.mean([each.standard_error**2 for each in found])) > 0.85 * deviation


@pytest.mark.parametrize(("name", "least"), [("frechet", 0.5), ("kernel", 0.3), ("density", 0.5), ("parzen", 0.3)])
def test_a_difference_that_is_there_is_shown(name: str, least: float) -> None:
    assert shown(differences(name, 1.0, 0.5, seeds=30)) >= least


def test_mcnemar_s_test_takes_two_draws_of_one_generator_for_two() -> None:
    """Why coverage is not compared by it: real items share the samples that cover them. Few samples show it."""
    differ = []
    for seed in range(40):
        x = normal(3 * seed, 400, 2)
        covered = []
        for side in (1, 2):
            y = torch.from_numpy(normal(3 * seed + side, 40, 2))
            real = torch.from_numpy(x)
            radii = torch.cdist(real, real).kthvalue(11, 1).values
            covered.append((torch.cdist(real, y).amin(1) < radii).numpy())
        only = [int((a & ~b).sum()) for a, b in (covered, covered[::-1])]
        differ.append(float(stats.binomtest(only[0], sum(only)).pvalue) <= 0.05)
    assert np.mean(differ) > 0.2


def test_the_same_samples_differ_by_exactly_nothing() -> None:
    found = jackknife_difference(*(fast("kernel", normal(0, 50), normal(1, 50)) for _ in range(2)))
    assert (found.value, found.error, found.p_value, found.floor) == (0.0, 0.0, 1.0, 0.0)


def test_no_p_value_is_below_what_the_signs_of_blocks_show() -> None:
    """Here no block matters, so that there is no error; a silent 0 would be a certainty that nobody has."""
    ones, none = (Jackknife(torch.full((21, 21), value, dtype=torch.float64), 100, 100) for value in (1.0, 0.0))
    found = jackknife_difference(ones, none)
    assert (found.value, found.error, found.p_value) == (1.0, 0.0, 2.0**-19)


def test_the_order_of_sides_changes_signs_only() -> None:
    a, b = (fast("frechet", normal(seed, 50), normal(9, 50)) for seed in (0, 1))
    one, other = jackknife_difference(a, b), jackknife_difference(b, a)
    assert (one.value, one.error, one.p_value) == (-other.value, other.error, other.p_value)


@pytest.mark.parametrize(
    ("error", "degrees", "level", "power"), [(1.0, 4, 0.05, 0.8), (2.0, 19, 0.01, 0.5), (0.3, 1e6, 0.05, 0.9)]
)
def test_the_smallest_difference_is_found_with_its_power(
    error: float, degrees: float, level: float, power: float
) -> None:
    least = smallest_difference(error, degrees, level=level, power=power)
    critical = stats.t.ppf(1 - level / 2, degrees)
    assert stats.nct.sf(critical, degrees, least / error) == pytest.approx(power, abs=1e-6)


def test_blocks_follow_each_other() -> None:
    assert block_ranges(7, 3) == [(0, 2), (2, 4), (4, 7)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: block_ranges(5, 1), "blocks: found 1 of 5"),
        (lambda: metrics.kernel_jackknife(normal(0, 39), normal(0, 50)), "samples: found 39, expected 40 or more"),
        (lambda: metrics.frechet_jackknife(normal(0, 50), normal(0, 39)), "real: found 39, expected 40 or more"),
        (lambda: metrics.parzen_jackknife(normal(0, 50), normal(0, 19), 0.2), "centres: found 19, expected 20"),
        (lambda: metrics.manifold_jackknife(normal(0, 20), normal(0, 20), k=19), "k: found 19, expected 1..18"),
        (lambda: metrics.kernel_jackknife(normal(0, 50), normal(0, 50, 3)), "4 and 3 numbers a row"),
        (lambda: metrics.frechet_jackknife(np.full((50, 2), np.nan), normal(0, 50, 2)), "NaN or Inf"),
        (
            lambda: jackknife_difference(*(fast("kernel", normal(0, n), normal(1, 50)) for n in (50, 60))),
            "50 samples, 50 real",
        ),
    ],
)
def test_bad_input_is_told(call: Callable[[], object], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        call()


def test_a_statistic_that_is_no_number_is_told() -> None:
    with pytest.raises(NonFinite, match="jackknife of nan"):
        jackknife(lambda y, x: math.nan, normal(0, 20), normal(1, 20))
