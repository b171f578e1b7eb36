"""The covariance term of the Fréchet distance, and the error that sampling brings to it.

    d(S_1, S_2) = tr S_1 + tr S_2 - 2 |A B^T|_*,        A^T A = S_1, B^T B = S_2, A B^T = U diag(s) V^T

|.|_* is the sum of the singular values s (A. Mathiasen and F. Hvilshoj, Backpropagating through Fréchet Inception
Distance, 2020, section 3). d is the squared Bures distance. A covariance S_2 that is off by H moves it by

    tr (I - T) H + 1/2 sum_ij (V^T B^-T H B^-1 V)_ij^2 s_i s_j / (s_i + s_j) + ...,       T = K^T K, K = s^-1/2 U^T A

T is the linear map that carries the second Gaussian to the first. The linear part of one sample is its influence. The
square is always above 0 and is why the distance of samples is too large on average. Both need only q = K (x - mean):

    influence(x) = 2 (x - mean_2).(mean_2 - mean_1) + |x - mean_2|^2 - |q|^2 - their mean
    curvature    = 1/2 sum_ij (E q_i^2 q_j^2 - delta_ij s_i^2) / (s_i + s_j),          a bias of curvature / n
"""

import math

import torch
from torch import Tensor

from advnets.statistics.heavy_tails import kurtosis
from advnets.statistics.moments import BLOCK, gram_matrix

SMALL = 512
"""Widest product whose singular values are computed directly.

Those of a wider one come from the eigenvalues of its square, if these are accurate."""

ACCURATE = 1e-12
"""Least ratio of those eigenvalues at which they are accurate: a root of less is rounding.

Down to it, rounding moves the sum by less than 1e-11 of it, measured on spectra i^-p for p from 0 to 3. Below it, each
root moves it by up to 1e-8."""

STRIP = 256
"""Columns of one step of a product of triangles."""

FLAT = 1e-9
"""A singular value below this share of the largest has no reliable axes."""

STEP = 0.5
"""Step in log t of the sum that stands for 1/a = integral of exp(-a t) dt. It is right to 1e-7."""


def singular_values(first: Tensor, second: Tensor) -> Tensor:
    """Compute the singular values s of A B^T, whose sum is tr (S_1 S_2)^1/2.

    They are never complex and never below 0. They are exact for factors of fewer rows than columns, for the product has
    no more than rows times rows.

    Args:
        first: A, (r, d) float64.
        second: B, (q, d) float64.

    Returns:
        s, (min(r, q),) float64, in no order.
    """
    product = _transpose_to_wide(_product(first, second))
    if len(product) > SMALL:
        squares: Tensor = torch.linalg.eigvalsh(gram_matrix(product.T)).clamp_(min=0)
        if _are_accurate(squares):
            return squares.sqrt()
    values: Tensor = torch.linalg.svdvals(product)
    return values


def transport_maps(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Compute the singular values s of A B^T, and the maps K of both directions.

    The rows of K are 0 where s is 0, or is so small that its axes are rounding.

    Args:
        first: A, (r, d) float64.
        second: B, (q, d) float64.

    Returns:
        s, (k,); K = s^-1/2 V^T B for rows of the first side, (k, d); K = s^-1/2 U^T A for rows of the second, (k, d).
    """
    if len(first) > len(second):
        s, for_second, for_first = transport_maps(second, first)
        return s, for_first, for_second
    product = _product(first, second)
    left, s, right = _singular_vectors(product)
    positive = _positive_mask(s)
    for_first, for_second = s.new_zeros(len(s), second.shape[1]), s.new_zeros(len(s), first.shape[1])
    weights = s[positive].rsqrt()[:, None]
    for_first[positive] = weights * (right[positive] @ second)
    for_second[positive] = weights * (left[:, positive].T @ first)
    return s, for_first, for_second


def influence_and_curvature(
    rows: Tensor, mean: Tensor, shift: Tensor, *, carry: Tensor, s: Tensor
) -> tuple[float, float, float]:
    """Compute the variance of one sample's influence on the distance, its kurtosis, and the curvature.

    Both are for n = 1: divide them by n. It is one pass in blocks, of cost O(n d k), on the device of the rows.

    Args:
        rows: Features of one side, (n, d).
        mean: Their mean, (d,) float64.
        shift: Their mean minus that of the other side, (d,).
        carry: Their map K, (k, d).
        s: Singular values, (k,).

    Returns:
        The variance of the influence, its kurtosis, and the curvature.
    """
    positive = _positive_mask(s)
    carry, s = carry[positive], s[positive]
    rates, weights = _exponentials(s)
    decays = torch.exp(-s[:, None] * rates)
    where = rows.device
    mean, shift, carry, decays = (tensor.to(where) for tensor in (mean, shift, carry, decays))
    influences, squares = [], torch.zeros(len(rates), dtype=torch.float64, device=where)
    for part in torch.split(rows, BLOCK):
        z = part.double() - mean
        q = (z @ carry.T).square_()
        influences.append(2 * (z @ shift) + z.square().sum(1) - q.sum(1))
        squares += (q @ decays).square_().sum(0)
    pairs = float(weights @ squares.cpu()) / len(rows)
    influence = torch.cat(influences)
    return float(influence.var()), kurtosis(influence), (pairs - float(s.sum()) / 2) / 2


def normal_curvature(s: Tensor) -> float:
    """Compute the curvature of normal features, 1/2 sum_ij s_i s_j (1 + delta_ij) / (s_i + s_j).

    Args:
        s: Singular values, (k,).

    Returns:
        The curvature for n = 1.
    """
    s = s[_positive_mask(s)]
    return (float(s @ (_reciprocal_sums(s) @ s)) + float(s.sum()) / 2) / 2


def curvature_shortfall(s: Tensor) -> float:
    """Compute by how much the curvature is too small at the singular values of n samples.

        sum_k s_k^2 (2 P_k Q_k + 2 s_k Q_k^2) / sum_ij s_i s_j / (s_i + s_j)
        P_k = sum_i s_i^2 / (s_i + s_k)^2,        Q_k = sum_i s_i / (s_i + s_k)^2

    Eigenvalues of samples are spread wider than the true ones. This is the mean of the curvature's own second order
    under S + H with H of normal features. It is d / 2 where all s are equal, and less where few are large.

    Args:
        s: Singular values, (k,).

    Returns:
        The missing share of the true curvature, times n.
    """
    s = s[_positive_mask(s)]
    if not len(s):
        return 0.0
    over = _reciprocal_sums(s)
    parallel = s @ (over @ s)
    over.square_()
    p, q = over @ s.square(), over @ s
    return float((s.square() * (2 * p * q + 2 * s * q.square())).sum() / parallel)


def second_order_variance(s: Tensor) -> float:
    """Compute the variance of the square terms alone, for normal features about equal means.

        2 sum_i s_i^2 + sum_ij (s_i s_j / (s_i + s_j))^2 (1 + delta_ij)

    Where both sides are alike it is all of the variance, for there every influence is 0.

    Args:
        s: Singular values, (k,).

    Returns:
        The variance over (1/n_1 + 1/n_2)^2.
    """
    s = s[_positive_mask(s)]
    squares = s.square()
    return 2.25 * float(squares.sum()) + float(squares @ (_reciprocal_sums(s).square_() @ squares))


def _reciprocal_sums(s: Tensor) -> Tensor:
    """Compute 1 / (s_i + s_j), (k, k): the only large array of the sums above."""
    return (s[:, None] + s).reciprocal_()


def _product(first: Tensor, second: Tensor) -> Tensor:
    """Compute A B^T, (r, q); for two upper triangles with a third of the arithmetic."""
    if not len(first) == first.shape[1] == len(second) or len(first) <= SMALL:
        return first @ second.T
    product = first.new_zeros(len(first), len(second))
    for start in range(0, len(first), STRIP):
        a, b = (_drop_zero_rows(factor[:, start : start + STRIP], start + STRIP) for factor in (first, second))
        product[: len(a), : len(b)].addmm_(a, b.T)
    return product


def _drop_zero_rows(strip: Tensor, rows: int) -> Tensor:
    """Return the first `rows` rows of a strip if all below are 0, else the whole strip."""
    return strip if bool(strip[rows:].any()) else strip[:rows]


def _positive_mask(s: Tensor) -> Tensor:
    return s > FLAT * s.max()


def _transpose_to_wide(product: Tensor) -> Tensor:
    return product if len(product) <= product.shape[1] else product.T


def _singular_vectors(product: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return U, s, V^T of a product with no more rows than columns."""
    if len(product) > SMALL:
        squares, left = torch.linalg.eigh(gram_matrix(product.T))
        squares.clamp_(min=0)
        if _are_accurate(squares):
            s = squares.sqrt()
            return left, s, (left.T @ product) / s[:, None]
    left, s, right = torch.linalg.svd(product, full_matrices=False)
    return left, s, right


def _are_accurate(squares: Tensor) -> bool:
    return bool(squares.min() > ACCURATE * squares.max())


def _exponentials(s: Tensor) -> tuple[Tensor, Tensor]:
    """Return rates t and weights w with sum_l w_l exp(-a t_l) = 1/a, for every a = s_i + s_j."""
    if not len(s):
        return s, s
    lowest, highest = -math.log(2 * float(s.max())) - 18, math.log(10 / float(s.min()))
    rates = torch.exp(torch.arange(lowest, highest + STEP, STEP, dtype=torch.float64))
    return rates, STEP * rates
