"""Moments against numpy's, and the same however they are gathered."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from advnets.errors import BadInput
from advnets.statistics import Moments


def skewed(n: int, d: int = 7, seed: int = 0) -> NDArray[np.float64]:
    """Far from the origin, where sums of squares would lose 8 digits."""
    return np.random.default_rng(seed).normal(size=(n, d)) @ np.triu(np.ones((d, d))) + 1e4


def equal(found: Moments, x: NDArray[np.float64]) -> None:
    assert found.n == len(x)
    np.testing.assert_allclose(found.mean.numpy(), x.mean(0), rtol=1e-13)
    np.testing.assert_allclose(found.covariance().numpy(), np.cov(x, rowvar=False), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("block", [1, 13, 100, 4096])
def test_moments_are_numpys_for_every_block(block: int) -> None:
    x = skewed(100)
    equal(Moments.of(x, block=block), x)


def test_merging_is_joining_in_any_order() -> None:
    x = skewed(90)
    a, b, c = (Moments.of(part) for part in np.split(x, [20, 21]))
    equal(a.merge(b).merge(c), x)
    equal(c.merge(a.merge(b)), x)
    equal(b.merge(c).merge(a), x)


def test_ddof_divides() -> None:
    x = skewed(12)
    np.testing.assert_allclose(Moments.of(x).covariance(0).numpy(), np.cov(x, rowvar=False, ddof=0), rtol=1e-9)


@pytest.mark.parametrize("kind", [torch.float16, torch.float32, torch.uint8, torch.int64])
def test_every_type_is_gathered_in_float64(kind: torch.dtype) -> None:
    x = torch.arange(60).remainder(17).reshape(20, 3, 1).to(kind)
    found = Moments.of(x)
    assert found.mean.dtype == found.scatter.dtype == torch.float64
    equal(found, x.flatten(1).double().numpy())


def test_one_process_is_itself() -> None:
    found = Moments.of(skewed(10))
    assert found.across_processes() is found


def test_processes_merge_by_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of unlike sizes, as bytes of two processes; the real two processes are in test_distributed.py."""
    x = skewed(50)
    parts = [Moments.of(x[:17]), Moments.of(x[17:])]
    sent: list[bytes] = []
    monkeypatch.setattr("advnets.statistics.moments.all_gather", lambda content: sent.append(content) or [content])
    for part in parts:
        part.across_processes()
    monkeypatch.setattr("advnets.statistics.moments.all_gather", lambda content: sent)
    equal(parts[0].across_processes(), x)
    assert torch.equal(parts[0].across_processes().scatter, parts[1].across_processes().scatter)
    with pytest.raises(BadInput, match="different widths"):
        Moments.of(skewed(5, d=3)).across_processes()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Moments.of(np.zeros((0, 3))), "n > 0"),
        (lambda: Moments.of(np.zeros(3)), "one row a sample"),
        (lambda: Moments.of(np.array([[1.0, np.nan]])), "1 values that are NaN or Inf"),
        (lambda: Moments.of(np.zeros((4, 3)), block=0), "block: found 0"),
        (lambda: Moments.of(np.zeros((1, 3))).covariance(), "found 1 sample, expected 2"),
        (lambda: Moments.of(np.zeros((4, 3))).covariance(2), "ddof: found 2"),
        (lambda: Moments.of(np.zeros((4, 3))).merge(Moments.of(np.zeros((4, 2)))), "3 and 2 features"),
    ],
)
def test_bad_input_is_refused(make: object, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        make()  # type: ignore[operator]
