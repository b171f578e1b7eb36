"""Every convention against its library's own arithmetic, written out in numpy."""

import numpy as np
import pytest
from numpy.typing import NDArray

from advnets.errors import BadInput
from advnets.extractors.inception import PREPARATIONS
from advnets.metrics import CONVENTIONS, convention, frechet, inception_score, kernel_subsets, manifolds
from reference.frechet import by_sqrtm
from reference.inception_score import score, softmax, split_scores

Rows = NDArray[np.float64]
X = np.random.RandomState(0).randn(500, 32)
Y = np.random.RandomState(1).randn(500, 32) * 1.1 + 0.1
LOGITS = np.random.RandomState(3).randn(1003, 10) * 3


def test_all_are_there_and_told() -> None:
    assert set(CONVENTIONS) == {
        "ttur", "pytorch-fid", "clean-fid", "stylegan3", "torchmetrics", "adm", "torch-fidelity", "prdc",
    }  # fmt: skip
    for one in CONVENTIONS.values():
        assert len(one.library) > 20
        assert one.resize
        assert one.quantise
        assert one.preparation is None or one.preparation in PREPARATIONS
        assert (one.preparation is None) == (one.frechet is None)
        assert any(kind is not None for kind in (one.frechet, one.kernel_subsets, one.inception_score, one.manifolds))
    with pytest.raises(BadInput, match="Did you mean 'stylegan3'"):
        convention("stylegan2")


def divides_by_n(y: Rows, x: Rows) -> float:
    """StyleGAN3's running sums: the raw second moment over N, less mu mu^T."""
    sides = []
    for rows in (y, x):
        mean, raw = rows.sum(0) / len(rows), rows.T @ rows / len(rows)
        sides.append((mean, raw - np.outer(mean, mean)))
    return by_eigenvalues(*sides)


def running_sums(y: Rows, x: Rows) -> float:
    """torchmetrics': (sum x x^T - n mu mu^T) / (n - 1), roots of eigenvalues of the product."""
    sides = []
    for rows in (y, x):
        n, mean = len(rows), rows.sum(0) / len(rows)
        sides.append((mean, (rows.T @ rows - n * np.outer(mean, mean)) / (n - 1)))
    return by_eigenvalues(*sides)


def by_eigenvalues(first: tuple[Rows, Rows], second: tuple[Rows, Rows]) -> float:
    (mu, s), (nu, t) = first, second
    roots = np.sqrt(np.linalg.eigvals(s @ t).astype(np.complex128)).sum().real
    return float(((mu - nu) ** 2).sum() + np.trace(s) + np.trace(t) - 2 * roots)


FRECHET = {
    "ttur": by_sqrtm,
    "pytorch-fid": by_sqrtm,
    "clean-fid": by_sqrtm,
    "adm": by_sqrtm,
    "torch-fidelity": running_sums,
    "torchmetrics": running_sums,
    "stylegan3": divides_by_n,
}


@pytest.mark.parametrize("name", FRECHET)
def test_frechet(name: str) -> None:
    settings = convention(name).frechet
    assert settings is not None
    assert frechet(Y, X, **settings).value == pytest.approx(FRECHET[name](Y, X), rel=1e-9)


def test_every_frechet_has_an_oracle_and_the_two_ddofs_differ() -> None:
    assert set(FRECHET) == {name for name, one in CONVENTIONS.items() if one.frechet is not None}
    assert abs(frechet(Y, X, ddof=0).value - frechet(Y, X, ddof=1).value) > 1e-3


def openai(logits: Rows) -> tuple[float, float | None]:
    values = split_scores(softmax(logits), "proportional", 10)
    return float(np.mean(values)), float(np.std(values))


def torch_fidelity(logits: Rows) -> tuple[float, float | None]:
    return openai(logits[np.random.RandomState(2020).permutation(len(logits))])


def torchmetrics(logits: Rows) -> tuple[float, float | None]:
    values = split_scores(softmax(logits), "rounded-up", 10)
    return float(np.mean(values)), float(np.std(values, ddof=1))


def adm(logits: Rows) -> tuple[float, float | None]:
    p = softmax(logits)
    return float(np.mean([score(p[start : start + 5000]) for start in range(0, len(p), 5000)])), None


INCEPTION = {"stylegan3": openai, "torch-fidelity": torch_fidelity, "torchmetrics": torchmetrics, "adm": adm}


@pytest.mark.parametrize("name", INCEPTION)
@pytest.mark.parametrize("n", [1003, 12_005])
def test_inception_score(name: str, n: int) -> None:
    settings = convention(name).inception_score
    assert settings is not None
    logits = np.random.RandomState(4).randn(n, 10) * 3
    value, deviation = INCEPTION[name](logits)
    found = inception_score(logits, **settings)
    assert found.value == pytest.approx(value, rel=1e-12)
    if deviation is not None:
        assert found.notes["deviation"] == pytest.approx(deviation, rel=1e-10)


def test_every_inception_score_has_an_oracle() -> None:
    assert set(INCEPTION) == {name for name, one in CONVENTIONS.items() if one.inception_score is not None}


def cubic(x: Rows, y: Rows) -> Rows:
    return (x @ y.T / x.shape[1] + 1) ** 3


def subset_scores(y: Rows, x: Rows, *, subsets: int, size: int, seed: int) -> list[float]:
    """torch-fidelity's draws: of each subset first rows of the samples, then of the real points."""
    rng, found = np.random.RandomState(seed), []
    for _ in range(subsets):
        a = y[rng.choice(len(y), size, replace=False)]
        b = x[rng.choice(len(x), size, replace=False)]
        within = sum((k.sum() - np.trace(k)) / (size * (size - 1)) for k in (cubic(a, a), cubic(b, b)))
        found.append(within - 2 * cubic(a, b).mean())
    return found


@pytest.mark.parametrize("name", [name for name, one in CONVENTIONS.items() if one.kernel_subsets is not None])
def test_kernel_subsets(name: str) -> None:
    """Sizes are cut to fit 500 rows; torch-fidelity's seed is its own, the others draw unseeded."""
    settings = convention(name).kernel_subsets
    assert settings is not None
    assert (settings["subsets"], settings["size"]) == (100, 1000)
    seed = settings.get("seed", 2020)
    values = subset_scores(Y, X, subsets=100, size=100, seed=seed)
    found = kernel_subsets(Y, X, **{**settings, "size": 100})
    assert found.value == pytest.approx(np.mean(values), rel=1e-9)
    assert found.notes["deviation"] == pytest.approx(np.std(values), rel=1e-8)


def balls(y: Rows, x: Rows, *, k: int, strict: bool) -> dict[str, float]:
    """Precision, recall, density and coverage by whole matrices of distances."""

    def apart(a: Rows, b: Rows) -> Rows:
        return np.sqrt(((a[:, None] - b[None]) ** 2).sum(2))

    inside = np.less if strict else np.less_equal
    real, fake, across = np.sort(apart(x, x))[:, k], np.sort(apart(y, y))[:, k], apart(x, y)
    in_real, in_fake = inside(across, real[:, None]), inside(across, fake[None])
    return {
        "precision": in_real.any(0).mean(),
        "recall": in_fake.any(1).mean(),
        "density": in_real.sum() / (k * len(y)),
        "coverage": in_real.any(1).mean(),
    }


@pytest.mark.parametrize("name", [name for name, one in CONVENTIONS.items() if one.manifolds is not None])
def test_manifolds(name: str) -> None:
    """With copies among the samples, where < and <= differ."""
    settings = convention(name).manifolds
    assert settings is not None
    y, x = np.repeat(Y[:30, :6], 6, 0), np.concatenate([X[:150, :6], Y[:10, :6]])
    found, told = manifolds(y, x, **settings), balls(y, x, **settings)
    for key, value in told.items():
        assert found[key].value == pytest.approx(value, abs=1e-12)


def test_the_published_settings() -> None:
    """k = 3 and <= in the papers' codes, k = 5 and < in prdc."""
    assert {name: one.manifolds for name, one in CONVENTIONS.items() if one.manifolds} == {
        **{name: {"k": 3, "strict": False} for name in ("stylegan3", "adm", "torch-fidelity")},
        "prdc": {"k": 5, "strict": True},
    }
