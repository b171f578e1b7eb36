"""The Parzen score against closed forms, a float64 oracle, golden values and real MNIST."""

import json
import math

import numpy as np
import pytest
import torch
from scipy import stats

from advnets.data import Dataset
from advnets.errors import BadInput
from advnets.metrics import PROTOCOLS, ceiling, log_densities, parzen, parzen_controls
from advnets.metrics.parzen import golden_section, grid_search
from advnets.statistics import Estimate
from advnets.statistics.arrays import flatten
from reference import parzen as oracle

GRID = [float(sigma) for sigma in np.logspace(-1, 0, 10)]
DTYPES = [(torch.float32, 1e-2), (torch.float64, 1e-9)]


def toys(n: int, d: int = 20, seed: int = 0) -> np.ndarray:
    """Points in [0, 1]^d around three corners."""
    rng = np.random.default_rng(seed)
    corners = np.random.default_rng(99).random((3, d))
    return np.clip(corners[rng.integers(3, size=n)] + 0.1 * rng.standard_normal((n, d)), 0, 1)


@pytest.mark.parametrize(("dtype", "bound"), DTYPES)
def test_every_sigma_agrees_with_the_oracle(dtype: torch.dtype, bound: float) -> None:
    points, centres = toys(70), toys(130, seed=1)
    found = log_densities(points, centres, GRID, dtype=dtype)
    expected = np.array([oracle.log_densities(points, centres, sigma) for sigma in GRID])
    assert found.shape == (10, 70)
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=bound)


@pytest.mark.parametrize(("sigma", "mean", "error"), [
    (0.3, -176.9060355755, 1.6177327417), (1.0, -51.1640652692, 0.1415568802),
])  # fmt: skip
def test_golden_values(sigma: float, mean: float, error: float) -> None:
    centres = np.random.RandomState(1).randn(500, 32) * 1.1 + 0.1
    points = np.random.RandomState(2).randn(400, 32)
    values = log_densities(points, centres, [sigma], dtype=torch.float64)[0]
    assert float(values.mean()) == pytest.approx(mean, abs=1e-9)
    assert float(values.std(correction=0)) / math.sqrt(400) == pytest.approx(error, abs=1e-9)


def test_one_centre_is_a_gaussian_density() -> None:
    points, centre = toys(30), toys(1, seed=1)
    density = stats.multivariate_normal(centre[0], 0.3**2 * np.eye(20))
    found = log_densities(points, centre, [0.3], dtype=torch.float64)[0]
    np.testing.assert_allclose(found.numpy(), density.logpdf(points), rtol=0, atol=1e-10)


@pytest.mark.parametrize("sigma", GRID)
def test_the_ceiling_is_reached_on_a_lone_centre_and_nowhere_passed(sigma: float) -> None:
    points = toys(50)
    assert float(log_densities(points[:1], points[:1], [sigma])[0, 0]) == pytest.approx(ceiling(20, sigma), abs=1e-9)
    assert float(log_densities(points, points, [sigma]).max()) <= ceiling(20, sigma)


def test_published_ceilings() -> None:
    found = [round(ceiling(784, sigma)) for sigma in (0.1, 0.2)] + [round(ceiling(2304, sigma)) for sigma in (0.1, 0.2)]
    assert found == [1085, 541, 3188, 1591]


def test_a_far_point_underflows_nothing() -> None:
    """At sigma .01 a distance of 100 gives exp(-500,000), which is 0 even in float64."""
    found = log_densities(np.full((1, 10), 10.0), np.zeros((2, 10)), [0.01], dtype=torch.float64)
    assert float(found[0, 0]) == pytest.approx(ceiling(10, 0.01) - 1000 / (2 * 0.01**2), rel=1e-12)


def test_repeated_centres_change_nothing() -> None:
    points, centres = toys(40), toys(60, seed=1)
    once, twice = (log_densities(points, c, GRID) for c in (centres, np.concatenate([centres, centres])))
    torch.testing.assert_close(once, twice, rtol=0, atol=1e-3)


@pytest.mark.parametrize("block", [(1, 1), (7, 13), (64, 1024), (1024, 64)])
def test_blocks_change_only_the_speed(block: tuple[int, int]) -> None:
    points, centres = toys(33), toys(90, seed=1)
    whole = log_densities(points, centres, GRID, dtype=torch.float64)
    torch.testing.assert_close(
        log_densities(points, centres, GRID, dtype=torch.float64, block=block), whole, rtol=0, atol=1e-9
    )


def test_order_moves_no_score() -> None:
    points, centres = toys(33), toys(90, seed=1)
    whole = log_densities(points, centres, GRID, dtype=torch.float64)
    backwards = log_densities(points[::-1], centres[::-1], GRID, dtype=torch.float64).flip(1)
    torch.testing.assert_close(backwards, whole, rtol=0, atol=1e-9)


def test_images_and_rows_are_the_same_points() -> None:
    points, centres = torch.tensor(toys(9, 12)), torch.tensor(toys(8, 12, seed=1))
    images = log_densities(points.view(9, 3, 2, 2), centres.view(8, 3, 2, 2), [0.2])
    assert torch.equal(images, log_densities(points, centres, [0.2]))


def test_shifting_both_changes_nothing() -> None:
    """Far from the origin the distances would cancel to noise, were they not taken about the mean."""
    points, centres = toys(30), toys(50, seed=1)
    torch.testing.assert_close(
        log_densities(points + 64, centres + 64, [0.1]), log_densities(points, centres, [0.1]), rtol=0, atol=0.05
    )


def test_the_precision_of_products_is_left_as_it_was() -> None:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        log_densities(toys(3), toys(3), [0.2])
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before)


def test_the_papers_protocol_is_the_grids_best_sigma_and_the_papers_error() -> None:
    points, centres, selection = toys(80), toys(200, seed=1), toys(60, seed=2)
    found = parzen(points, centres, selection)
    means = [oracle.log_densities(selection, centres, sigma).mean() for sigma in GRID]
    sigma = GRID[int(np.argmax(means))]
    expected = oracle.log_densities(points, centres, sigma)
    assert found.value == pytest.approx(expected.mean(), abs=1e-3)
    assert found.error == pytest.approx(expected.std() / math.sqrt(80), abs=1e-4)
    assert found.notes == {
        "sigma": sigma, "edge": found.notes["edge"], "ceiling": ceiling(20, sigma), "n": 80, "n_centres": 200,
        "n_selection": 60, "dimension": 20, "protocol": "goodfellow2014",
    }  # fmt: skip


def test_any_array_of_finite_numbers_is_flattened() -> None:
    """Read-only, backwards, and with a sum that no float64 holds."""
    rows = np.full((2, 3, 2), 1e308)
    assert flatten(rows, "rows").shape == (2, 6)
    assert flatten(rows[:, ::-1], "rows").shape == (2, 6)
    assert flatten(np.frombuffer(rows.tobytes()).reshape(4, 3), "rows").shape == (4, 3)
    rows[0, 0, 0] = -np.inf
    with pytest.raises(BadInput, match="1 values that are NaN or Inf"):
        flatten(rows, "rows")


def test_sigma_is_chosen_without_the_points() -> None:
    centres, selection = toys(200, seed=1), toys(60, seed=2)
    first, second = (parzen(points, centres, selection).notes["sigma"] for points in (toys(50), np.ones((50, 20))))
    assert first == second


@pytest.mark.parametrize(("points", "sigma"), [(np.full((5, 4), 0.5), 0.1), (np.tile([[0.0], [1.0]], (3, 9)), 1.0)])
def test_an_edge_of_the_grid_is_flagged(points: np.ndarray, sigma: float) -> None:
    """Copies want sigma 0; a point that is 3 away from its only centre in 9 dimensions wants sigma 1."""
    centres = points[:1] if sigma == 0.1 else np.zeros((1, 9))
    selection = points if sigma == 0.1 else np.ones((5, 9))
    found = parzen(points, centres, selection)
    assert (found.notes["sigma"], found.notes["edge"]) == (pytest.approx(sigma), True)


def test_golden_section_runs_into_an_end_and_says_so() -> None:
    found = parzen(np.full((5, 4), 0.5), np.full((5, 4), 0.5), np.full((5, 4), 0.5), protocol="optimal-sigma")
    assert found.notes["edge"] is True
    assert found.notes["sigma"] == pytest.approx(0.05, rel=2e-3)


def test_golden_section_beats_a_dense_grid() -> None:
    centres, selection = toys(200, seed=1), toys(60, seed=2)

    def scores(sigmas: list[float]) -> list[float]:
        return log_densities(selection, centres, sigmas, dtype=torch.float64).mean(1).tolist()

    dense = [float(sigma) for sigma in np.geomspace(0.05, 1, 400)]
    best, _ = grid_search(scores, dense)
    sigma, edge = PROTOCOLS["optimal-sigma"].choose(scores)
    assert (sigma, edge) == (pytest.approx(best, rel=1e-2), False)
    assert scores([sigma])[0] >= max(scores(dense)) - 1e-4


def test_a_fixed_sigma_is_not_chosen() -> None:
    """The protocol of the released code of Deep GSN."""
    centres, points = toys(50, seed=1), toys(20, seed=3)
    found = parzen(points, centres, toys(60, seed=2), protocol="fixed-sigma")
    assert (found.notes["sigma"], found.notes["edge"]) == (0.2, False)
    assert found.value == pytest.approx(float(log_densities(points, centres, [0.2]).mean()), abs=1e-9)


@pytest.mark.parametrize("peak", [0.06, 0.1, 0.2, 0.5, 0.9])
def test_golden_section_finds_the_peak_of_a_parabola(peak: float) -> None:
    found, edge = golden_section(lambda sigmas: [-(math.log(s / peak) ** 2) for s in sigmas], 0.05, 1.0)
    assert (found, edge) == (pytest.approx(peak, rel=1e-3), False)


def test_one_centre_has_its_sigma_in_closed_form() -> None:
    """With one centre s, the best sigma^2 is the mean of |x - s|^2 / d."""
    centre, selection = toys(1), toys(60, seed=2)
    expected = math.sqrt(((selection - centre) ** 2).mean())
    found = parzen(selection, centre, selection, protocol="optimal-sigma")
    assert found.notes["sigma"] == pytest.approx(expected, rel=1e-3)


def test_controls_are_the_scores_of_their_centres() -> None:
    train, points, selection = toys(300, seed=3), toys(50), toys(40, seed=2)
    rows = parzen_controls(train, points, selection, n=100, seed=5, protocol="optimal-sigma")
    mean = parzen(points, train.mean(0, keepdims=True), selection, protocol="optimal-sigma")
    assert list(rows) == ["mean image", "real images", "k-means centroids"]
    assert rows["mean image"].value == pytest.approx(mean.value, abs=1e-3)
    assert [row.notes["n_centres"] for row in rows.values()] == [1, 100, 100]
    assert rows == parzen_controls(train, points, selection, n=100, seed=5, protocol="optimal-sigma")


def test_controls_draw_no_more_than_there_is() -> None:
    train, points = toys(30, seed=3), toys(10)
    rows = parzen_controls(train, points, points, n=1000, seed=0)
    assert rows["real images"].notes["n_centres"] == 30
    assert rows["real images"].value == pytest.approx(parzen(points, train, points).value, abs=1e-3)


def test_an_estimate_is_json() -> None:
    found = parzen(toys(20), toys(20, seed=1), toys(20, seed=2))
    told = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert Estimate(**told) == found


GOOD = toys(10)
BAD = {
    "bytes": ((GOOD * 255).astype(np.uint8), "Divide bytes by 255"),
    "minus one to one": (2 * GOOD - 1, r"from -.*expected \[0, 1\]"),
    "NaN": (np.where(np.arange(200).reshape(10, 20) == 7, np.nan, GOOD), "1 values that are NaN or Inf"),
    "empty": (GOOD[:0], r"shape \(0, 20\)"),
    "flat": (GOOD[0], r"shape \(20,\)"),
    "narrow": (GOOD[:, :7], "7 and 20|20 and 7"),
    "complex": (GOOD + 0j, "found the type torch.complex128"),
    "text": (GOOD.astype(str), "found the type <U.*real numbers"),
    "objects": (GOOD.astype(object), "found the type object"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_bad_arrays_are_refused_by_name(kind: str, place: int) -> None:
    array, message = BAD[kind]
    arguments = [GOOD, GOOD, GOOD]
    arguments[place] = array
    with pytest.raises(BadInput, match=message):
        parzen(*arguments)


def test_a_misspelt_protocol_is_told_the_nearest() -> None:
    with pytest.raises(BadInput, match="Did you mean 'optimal-sigma'"):
        parzen(GOOD, GOOD, GOOD, protocol="optimal_sigma")


@pytest.mark.parametrize("sigmas", [[], [0.0], [-1.0], [math.nan], [0.1, math.inf]])
def test_bad_sigmas_are_refused(sigmas: list[float]) -> None:
    with pytest.raises(BadInput, match="sigmas"):
        log_densities(GOOD, GOOD, sigmas)


def test_no_samples_are_refused() -> None:
    with pytest.raises(BadInput, match="n: found 0"):
        parzen_controls(GOOD, GOOD, GOOD, n=0)


def flat(values: torch.Tensor) -> torch.Tensor:
    return values.flatten(1).float() / 255


def test_real_mnist_agrees_with_the_oracle(mnist: Dataset) -> None:
    points, centres = flat(mnist.test.values[:20]), flat(mnist.train.values[:10_000])
    found = log_densities(points, centres, GRID[:3])
    expected = [oracle.log_densities(points.double().numpy(), centres.double().numpy(), sigma) for sigma in GRID[:3]]
    np.testing.assert_allclose(found.numpy(), np.array(expected), rtol=0, atol=1e-2)


def test_real_mnist_scores_as_it_was_published_to(mnist: Dataset) -> None:
    """Theis et al., 2016, table 1, has 243 for the true distribution; draws of 10,000 images differ by 2 nats."""
    selection, test = flat(mnist.validation.values[:1000]), flat(mnist.test.values)
    centres = flat(mnist.train.values[:10_000])
    real = parzen(test, centres, selection, protocol="optimal-sigma")
    mean = parzen(test, flat(mnist.train.values).mean(0, keepdim=True), selection, protocol="optimal-sigma")
    assert 240 < real.value < 250
    assert 1.5 < real.error < 2.5
    assert -62 < mean.value < -54
    assert not real.notes["edge"]
