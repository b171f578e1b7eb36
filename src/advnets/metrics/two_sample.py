"""Two-sample tests by a classifier: can anything tell samples from real points better than by chance?

The null hypothesis is that both are of one distribution. A nearest neighbour needs no training and sees copies; a
logistic regression sees what differs along a direction.
"""

import math
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

from advnets.statistics.arrays import Array, full_precision, squared_distances
from advnets.statistics.distances import flatten_pair
from advnets.statistics.estimate import Estimate, Note
from advnets.statistics.permutation import permuted_statistics, two_sided_permutation_p_value

BLOCK = 512
"""Points whose distances to all others are held at once."""

ROUNDING = 64 * 2.0**-23
"""How wrong a float32 squared distance may be, relative to |x|^2 + |s|^2: some 60 roundings, for safety."""


@dataclass(frozen=True)
class Graph:
    """Who is nearest to whom, among N points of which some are one and the same.

    place: (N,), the place that each point stands on, of U different ones.
    source, target: (E,), from a place to each place that is nearest to it; several if they are as near. A place with
    several points is nearest to itself.
    """

    place: Tensor
    source: Tensor
    target: Tensor

    @staticmethod
    def of(points: Tensor, block: int = BLOCK) -> "Graph":
        """Of points (N, d), with equal distances told from unequal ones in float64, by direct difference."""
        places, place, counts = torch.unique(points, dim=0, return_inverse=True, return_counts=True)
        crowded = torch.nonzero(counts > 1)[:, 0]
        alone = torch.nonzero(counts == 1)[:, 0]
        # A power of two brings them near 1 without rounding: no square is too large or small, and equals stay equal.
        exponent = int(torch.frexp(places.double().abs().max()).exponent)
        places = torch.ldexp(places.double(), torch.tensor(-max(-1000, min(exponent, 1000)), device=points.device))
        rough = (places - places.mean(0)).float()
        with full_precision():
            found = [_edges(places, rough, alone[start : start + block]) for start in range(0, len(alone), block)]
        source, target = (
            (torch.cat([crowded, *parts]) for parts in zip(*found, strict=True)) if found else [crowded] * 2
        )
        return Graph(place, source, target)

    def agreement(self, labels: Tensor) -> Tensor:
        """The share of each point's nearest others that have its label, (N, b), of labels (N, b) of 0 and 1."""
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


def _edges(places: Tensor, rough: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
    """From places[which] to the nearest others: candidates by a float32 product, measured again without rounding."""
    norms = rough.square().sum(1)
    squared = squared_distances(rough[which], rough, norms[which, None], s_norms=norms)
    slack = ROUNDING * (norms[which, None] + norms)
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
    """The leave-one-out accuracy of the nearest-neighbour classifier between samples and real points: 1/2 if alike.

        accuracy = (#{i: nearest other of x_i is a sample} + #{j: nearest other of y_j is real}) / 2n

    Q. Xu et al., An empirical study on evaluation metrics of generative adversarial networks, 2018, section 3.1;
    D. Lopez-Paz and M. Oquab, Revisiting classifier two-sample tests, 2017. Near 1 the two are apart, near 0 samples
    are copies of the real points. Among equally near others each counts in equal shares, whatever their order.
    samples: x, (m, ...) features; real: y, (n, ...), in one unit. Of the larger side, as many as of the smaller are
    drawn by `seed`, so that the value is comparable. block: points of one product; changes the speed, not the result.
    The p-value deals the labels anew over the same neighbours (N. Henze, A multivariate two-sample test based on the
    number of nearest neighbor type coincidences, 1988): two-sided, valid at every size. The floor is its mean,
    (n - 1) / (2n - 1). There is no standard error: neighbours are shared.
    Notes: accuracy_real (low: real points have samples around them, as where modes are missing), accuracy_samples (low:
    samples stand among real points), which can cancel, so each has a two-sided p_real and p_samples; null_deviation;
    n, of each side; permutations, seed. Correct for looking at three p-values if you do.
    Raises BadInput for a bad shape or value, and for fewer than 2 rows.
    """
    x, y = _pair(samples, real, least=2)
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
    """How well logistic regression tells held-out samples from real points: the area under its ROC curve, 1/2 if alike.

        AUC = P(score of a real point > score of a sample) + 1/2 P(equal)

    D. Lopez-Paz and M. Oquab, Revisiting classifier two-sample tests, 2017, section 3. One random half of each side
    trains it, on features standardised by that half; the other half is scored. One split, not folds: scores of folds
    depend on one another, and a p-value that took them for independent would be too small.
    samples: x, (m, ...) features; real: y, (n, ...), each with 8 or more rows; their numbers may differ, for classes
    are weighted and the AUC has no base rate. seed: of the halves.
    The p-value is Mann and Whitney's, one-sided, for AUC > 1/2. The error is over the held-out points (E. DeLong et
    al., 1988), not over halves; it is 0 where the two separate. The floor is 1/2. Notes: accuracy, with base_rate, what
    naming the larger side would get; balanced_accuracy, of which 1/2 is chance; held_out_samples, held_out_real;
    features; converged; seed. Raises BadInput for a bad shape or value, and for too few rows.
    """
    x, y = _pair(samples, real, least=8)
    rng = np.random.default_rng(seed)
    (train_x, test_x), (train_y, test_y) = (_halves(z.double().cpu().numpy(), rng) for z in (x, y))
    scores, converged = _logistic(train_x, train_y, np.concatenate([test_x, test_y]))
    of_samples, of_real = scores[: len(test_x)], scores[len(test_x) :]
    auc, error = _area(of_samples, of_real)
    p = 1.0
    if np.ptp(scores) > 0:
        p = float(stats.mannwhitneyu(of_real, of_samples, alternative="greater").pvalue)
    m, n = len(of_samples), len(of_real)
    shares = [float((of_samples < 0).mean()), float((of_real >= 0).mean())]
    notes: dict[str, Note] = {"accuracy": (shares[0] * m + shares[1] * n) / (m + n), "base_rate": max(m, n) / (m + n)}
    notes |= {"balanced_accuracy": sum(shares) / 2, "held_out_samples": m, "held_out_real": n}
    notes |= {"features": x.shape[1], "converged": converged, "seed": seed}
    return Estimate(auc, error, 0.5, notes, p_value=p)


def _halves(z: NDArray[np.float64], rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    order = rng.permutation(len(z))
    return z[order[: len(z) // 2]], z[order[len(z) // 2 :]]


def _logistic(
    x: NDArray[np.float64], y: NDArray[np.float64], points: NDArray[np.float64]
) -> tuple[NDArray[np.float64], bool]:
    """Log odds of being real at points, trained on samples x and real y, and whether the optimiser came to rest."""
    from sklearn.exceptions import ConvergenceWarning  # a second to import, and only this function wants it
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    train, labels = np.concatenate([x, y]), np.repeat([0, 1], [len(x), len(y)])
    scaler = StandardScaler().fit(train)
    model = LogisticRegression(class_weight="balanced", max_iter=1000)
    with warnings.catch_warnings():  # it is told in the notes
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(scaler.transform(train), labels)
    odds: NDArray[np.float64] = model.decision_function(scaler.transform(points))
    return odds, bool(model.n_iter_[0] < 1000)


def _area(low: NDArray[np.float64], high: NDArray[np.float64]) -> tuple[float, float]:
    """P(high > low) + 1/2 P(equal), and its standard error over the draws of both."""
    m, n = len(low), len(high)
    ranks = stats.rankdata(np.concatenate([low, high]))
    below = (ranks[m:] - stats.rankdata(high)) / m  # the share of low that each of high is above
    above = 1 - (ranks[:m] - stats.rankdata(low)) / n
    return float(below.mean()), math.sqrt(float(below.var(ddof=1)) / n + float(above.var(ddof=1)) / m)


def _pair(samples: Array, real: Array, *, least: int) -> tuple[Tensor, Tensor]:
    """Both sides, of one kind, or BadInput."""
    x, y = flatten_pair(samples, real, "samples", "real", least=least)
    kind = torch.promote_types(x.dtype, y.dtype)
    return x.to(kind), y.to(kind)
