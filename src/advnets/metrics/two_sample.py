"""Two-sample tests by a classifier: whether it can tell samples from real points better than by chance.

The null hypothesis is that both have one distribution. A nearest neighbour needs no training and sees copies. A
logistic regression sees what differs along a direction.
"""

import math
import warnings
from dataclasses import dataclass

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from torch import Tensor

from advnets.statistics.arrays import Array, full_precision, squared_distances
from advnets.statistics.distances import flatten_pair
from advnets.statistics.estimate import Estimate, Note
from advnets.statistics.permutation import permuted_statistics, two_sided_permutation_p_value

BLOCK = 512
"""Points whose distances to all others are in memory at once."""

ROUNDING_ERROR = 64 * 2.0**-23
"""Largest error of a float32 squared distance, relative to |x|^2 + |s|^2: some 60 roundings, for safety."""


@dataclass(frozen=True)
class Graph:
    """The nearest others of N points, some of which may coincide.

    Attributes:
        place: The place that each point stands on, (N,), among U different places.
        source: Start of each edge, (E,). An edge leads from a place to each place that is nearest to it; there are
            several if they are equally near. A place with several points is nearest to itself.
        target: End of each edge, (E,).
    """

    place: Tensor
    source: Tensor
    target: Tensor

    @staticmethod
    def of(points: Tensor, block: int = BLOCK) -> "Graph":
        """Find the nearest others of points.

        Direct differences in float64 decide which distances are equal.

        Args:
            points: Points, (N, d).
            block: Points of one product.

        Returns:
            The graph.
        """
        places, place, counts = torch.unique(points, dim=0, return_inverse=True, return_counts=True)
        crowded = torch.nonzero(counts > 1)[:, 0]
        alone = torch.nonzero(counts == 1)[:, 0]
        # A power of two brings them near 1 without rounding: no square is too large or small, and equals stay equal.
        exponent = int(torch.frexp(places.double().abs().max()).exponent)
        places = torch.ldexp(places.double(), torch.tensor(-max(-1000, min(exponent, 1000)), device=points.device))
        rough = (places - places.mean(0)).float()
        with full_precision():
            found = [
                _nearest_edges(places, rough, alone[start : start + block]) for start in range(0, len(alone), block)
            ]
        source, target = (
            (torch.cat([crowded, *parts]) for parts in zip(*found, strict=True)) if found else [crowded] * 2
        )
        return Graph(place, source, target)

    def agreement(self, labels: Tensor) -> Tensor:
        """Compute the share of each point's nearest others that have its label.

        Args:
            labels: Labels of 0 and 1, (N, b), one column an assignment.

        Returns:
            The shares, (N, b).
        """
        here, per_place = torch.ones_like(labels[:, :1]), int(self.place.max()) + 1

        def among_nearest(values: Tensor) -> Tensor:
            sums = values.new_zeros(per_place, values.shape[1]).index_add_(0, self.place, values)
            near = torch.zeros_like(sums).index_add_(0, self.source, sums[self.target])
            # A point on a crowded place is among its place's points, but not among its own neighbours.
            itself = torch.zeros(per_place, dtype=values.dtype, device=values.device)
            itself[self.source[self.source == self.target]] = 1
            return near[self.place] - itself[self.place, None] * values

        ones = among_nearest(labels) / among_nearest(here)
        return labels * ones + (1 - labels) * (1 - ones)


def _nearest_edges(places: Tensor, rough: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
    """Edges from places[which] to the nearest others: a float32 product proposes, exact distances decide."""
    norms = rough.square().sum(1)
    squared = squared_distances(rough[which], rough, norms[which, None], s_norms=norms)
    slack = ROUNDING_ERROR * (norms[which, None] + norms)
    itself = torch.arange(len(which), device=which.device)
    squared[itself, which] = math.inf
    least = (squared + slack).amin(1, keepdim=True)
    row, column = torch.nonzero(squared - slack <= least, as_tuple=True)
    step = max(1, 2**24 // places.shape[1])
    parts = [slice(start, start + step) for start in range(0, len(row), step)]
    exact = torch.cat([(places[which[row[part]]] - places[column[part]]).square().sum(1) for part in parts])
    nearest = torch.full((len(which),), math.inf, dtype=torch.float64, device=which.device)
    kept = exact == nearest.scatter_reduce(0, row, exact, "amin")[row]
    return which[row[kept]], column[kept]


def nearest_neighbour_test(
    samples: Array, real: Array, *, seed: int = 0, permutations: int = 999, block: int = BLOCK
) -> Estimate:
    """Test by the leave-one-out accuracy of the nearest-neighbour classifier between samples and real points.

        accuracy = (#{i: nearest other of x_i is a sample} + #{j: nearest other of y_j is real}) / 2n

    Q. Xu et al., An empirical study on evaluation metrics of generative adversarial networks, 2018, section 3.1;
    D. Lopez-Paz and M. Oquab, Revisiting classifier two-sample tests, 2017. The accuracy is 1/2 if the two are alike.
    Near 1 they are apart, near 0 samples are copies of the real points. Equally near others count in equal shares,
    whatever their order.

    The p-value permutes the labels over the same neighbours (N. Henze, A multivariate two-sample test based on the
    number of nearest neighbor type coincidences, 1988). It is two-sided and valid at every size. If you look at the
    three p-values, correct for that.

    Args:
        samples: Features x of samples, (m, ...), of 2 rows or more.
        real: Features y of real points, (n, ...), of 2 rows or more, in the same unit. Of the larger side, as many rows
            are drawn as the smaller one has, so that the value is comparable.
        seed: Seed of the draw and of the permutations.
        permutations: Number of permutations, 19 or more.
        block: Points of one product; it changes the speed, not the result.

    Returns:
        The accuracy. Its floor is the mean over permutations, (n - 1) / (2n - 1). It has no standard error, because
        neighbours are shared. Its notes hold `accuracy_real`, which is low where real points have samples around them,
        as where modes are missing; `accuracy_samples`, which is low where samples stand among real points; `p_real` and
        `p_samples`, their two-sided p-values, because the two accuracies can cancel; `null_deviation`; `n`, of each
        side; `permutations`, `seed`.

    Raises:
        BadInput: If a shape or a value is wrong, or there are fewer than 2 rows.
    """
    x, y = _pair_of_one_type(samples, real, least=2)
    n = min(len(x), len(y))
    rng = np.random.default_rng([seed, 1])
    x, y = (z[np.sort(rng.permutation(len(z))[:n])] if len(z) > n else z for z in (x, y))
    graph = Graph.of(torch.cat([x, y]), block)

    def accuracies(labels: Tensor) -> Tensor:
        labels = labels.to(x.device)
        right = graph.agreement(labels)
        return torch.stack([right.mean(0), (right * labels).sum(0) / n, (right * (1 - labels)).sum(0) / n])

    both, of_samples, of_real = permuted_statistics(accuracies, n, n, permutations=permutations, seed=seed)
    floor = (n - 1) / (2 * n - 1)
    notes: dict[str, Note] = {"accuracy_real": float(of_real[0]), "accuracy_samples": float(of_samples[0])}
    notes |= {
        "p_real": two_sided_permutation_p_value(of_real, floor),
        "p_samples": two_sided_permutation_p_value(of_samples, floor),
    }
    notes |= {"null_deviation": float(both[1:].std()), "n": n, "permutations": permutations, "seed": seed}
    return Estimate(float(both[0]), floor=floor, notes=notes, p_value=two_sided_permutation_p_value(both, floor))


def classifier_test(samples: Array, real: Array, *, seed: int = 0) -> Estimate:
    """Test by the area under the ROC curve of a logistic regression on held-out samples and real points.

        AUC = P(score of a real point > score of a sample) + 1/2 P(equal)

    D. Lopez-Paz and M. Oquab, Revisiting classifier two-sample tests, 2017, section 3. The AUC is 1/2 if the two are
    alike. One random half of each side trains the regression, on features standardised by that half; the other half is
    scored. It takes one split, not folds: scores of folds depend on one another, and a p-value that treated them as
    independent would be too small. The p-value is Mann and Whitney's, one-sided, for AUC > 1/2.

    Args:
        samples: Features x of samples, (m, ...), of 8 rows or more.
        real: Features y of real points, (n, ...), of 8 rows or more. m and n may differ, for classes are weighted and
            the AUC has no base rate.
        seed: Seed of the halves.

    Returns:
        The AUC. Its error is over the held-out points (E. DeLong et al., 1988), not over halves; it is 0 where the two
        sides separate. Its floor is 1/2. Its notes hold `accuracy`, and `base_rate`, the accuracy of naming the larger
        side; `balanced_accuracy`, which is 1/2 by chance; `held_out_samples`, `held_out_real`; `features`; `converged`;
        `seed`.

    Raises:
        BadInput: If a shape or a value is wrong, or there are too few rows.
    """
    x, y = _pair_of_one_type(samples, real, least=8)
    rng = np.random.default_rng(seed)
    (train_x, test_x), (train_y, test_y) = (_cut_in_halves(z.double().cpu().numpy(), rng) for z in (x, y))
    scores, converged = _logistic_odds(train_x, train_y, np.concatenate([test_x, test_y]))
    of_samples, of_real = scores[: len(test_x)], scores[len(test_x) :]
    auc, error = _area_under_roc(of_samples, of_real)
    p = 1.0
    if np.ptp(scores) > 0:
        p = float(scipy.stats.mannwhitneyu(of_real, of_samples, alternative="greater").pvalue)
    m, n = len(of_samples), len(of_real)
    shares = [float((of_samples < 0).mean()), float((of_real >= 0).mean())]
    notes: dict[str, Note] = {"accuracy": (shares[0] * m + shares[1] * n) / (m + n), "base_rate": max(m, n) / (m + n)}
    notes |= {"balanced_accuracy": sum(shares) / 2, "held_out_samples": m, "held_out_real": n}
    notes |= {"features": x.shape[1], "converged": converged, "seed": seed}
    return Estimate(auc, error, 0.5, notes, p_value=p)


def _cut_in_halves(z: NDArray[np.float64], rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    order = rng.permutation(len(z))
    return z[order[: len(z) // 2]], z[order[len(z) // 2 :]]


def _logistic_odds(
    x: NDArray[np.float64], y: NDArray[np.float64], points: NDArray[np.float64]
) -> tuple[NDArray[np.float64], bool]:
    """Log odds of being real at points, trained on samples x and real y, and whether the fit converged."""
    from sklearn.exceptions import ConvergenceWarning  # it takes a second to import, and only this function needs it
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    train, labels = np.concatenate([x, y]), np.repeat([0, 1], [len(x), len(y)])
    scaler = StandardScaler().fit(train)
    model = LogisticRegression(class_weight="balanced", max_iter=1000)
    with warnings.catch_warnings():  # the notes say whether it converged
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(scaler.transform(train), labels)
    odds: NDArray[np.float64] = model.decision_function(scaler.transform(points))
    return odds, bool(model.n_iter_[0] < 1000)


def _area_under_roc(low: NDArray[np.float64], high: NDArray[np.float64]) -> tuple[float, float]:
    """P(high > low) + 1/2 P(equal), and its standard error over the draws of both."""
    m, n = len(low), len(high)
    ranks = scipy.stats.rankdata(np.concatenate([low, high]))
    below = (ranks[m:] - scipy.stats.rankdata(high)) / m  # the share of low that each of high is above
    above = 1 - (ranks[:m] - scipy.stats.rankdata(low)) / n
    return float(below.mean()), math.sqrt(float(below.var(ddof=1)) / n + float(above.var(ddof=1)) / m)


def _pair_of_one_type(samples: Array, real: Array, *, least: int) -> tuple[Tensor, Tensor]:
    """Both sides in one type, or BadInput."""
    x, y = flatten_pair(samples, real, "samples", "real", least=least)
    kind = torch.promote_types(x.dtype, y.dtype)
    return x.to(kind), y.to(kind)
