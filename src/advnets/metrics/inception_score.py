"""The Inception Score of logits: how sure a classifier is of each sample, and how even over classes it is of all."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from advnets.errors import BadInput, unknown
from advnets.statistics.arrays import Array, flatten
from advnets.statistics.estimate import Z95, Estimate, Note

BLOCK = 4096
"""Rows whose probabilities are held at once."""

FAR = 4.0
"""Standard errors between the scores of one split and of several, each less its bias, that tell of an order."""


def proportional(n: int, splits: int) -> list[slice]:
    """Split i is i n // splits to (i + 1) n // splits: OpenAI, torch-fidelity, StyleGAN."""
    return [slice(i * n // splits, (i + 1) * n // splits) for i in range(splits)]


def truncate_splits(n: int, splits: int) -> list[slice]:
    """Every split has n // splits samples, and the rest is dropped: S. Barratt's code, dgm-eval."""
    return [slice(i * (n // splits), (i + 1) * (n // splits)) for i in range(splits)]


def ceiling(n: int, splits: int) -> list[slice]:
    """Every split has n / splits samples, rounded up, but the last, and there may be fewer splits: torchmetrics."""
    size = -(-n // splits)
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


RULES: dict[str, Callable[[int, int], list[slice]]] = {
    rule.__name__: rule for rule in (proportional, truncate_splits, ceiling)
}
"""How samples are cut into splits: each (n, splits) -> slices."""


@dataclass(frozen=True)
class SplitScore:
    """The score of one split, its standard error by the delta method, and its bias to the order of 1/n."""

    value: float
    error: float
    bias: float


def inception_score(
    logits: Array,
    *,
    splits: int = 10,
    size: int | None = None,
    rule: str = "proportional",
    ddof: int = 0,
    shuffle: int | None = None,
    block: int = BLOCK,
) -> Estimate:
    """Inception Score: the mean over splits of exp(mean_x KL(p(y|x) || p(y))), p(y) being the split's own mean.

    T. Salimans et al., Improved techniques for training GANs, 2016, section 4; S. Barratt and R. Sharma, A note on the
    Inception Score, 2018. From 1 to the number of classes. Of another classifier than Inception it is another number.
    logits: (n, K) before the softmax; probabilities are no logits. splits: how many; 1 has the least bias. size: of
    a split, in samples, in place of splits. rule: a name of RULES. ddof: of the published deviation. shuffle: seed of
    numpy's RandomState that orders the samples first, or None for the given order, on which the value depends. block:
    rows held at once, no part of the result.
    error: of drawing the samples, by the delta method: an influence KL(p(y|x) || p(y)), the same for any number of
    splits; the deviation between splits is not it. bias: of the value, to the order of 1/n: in the exponent at most
    (K - 1) / (2 n) of a split's n (exponent_bias_at_most), where every sample is sure of one class. interval: value
    less bias, +- 1.96 error. There is no floor: score real samples beside it.
    notes: deviation, between splits with ddof (none for a single split); one_split, one_split_error, one_split_bias,
    the same for all samples at once; splits, n, classes; order_matters, if splits score so much less than all at once
    that their samples must be sorted: shuffle then.
    Raises BadInput for a bad shape or value, fewer than 2 classes, splits of fewer than 2 samples, an unknown rule.
    """
    rows = flatten(logits, "logits")
    if rows.shape[1] < 2:
        raise BadInput(f"logits: found {rows.shape[1]} class, expected 2 or more. Give one column a class.")
    if shuffle is not None:
        rows = rows[torch.from_numpy(np.random.RandomState(shuffle).permutation(len(rows))).to(rows.device)]
    parts = _parts(len(rows), splits, size=size, rule=rule)
    scores = [_score(rows[part], block) for part in parts]
    whole = _score(rows, block) if len(scores) > 1 else scores[0]
    return _estimate(scores, whole, rows, ddof=ddof, least=min(part.stop - part.start for part in parts))


def _parts(n: int, splits: int, *, size: int | None, rule: str) -> list[slice]:
    if rule not in RULES:
        raise unknown("rule", rule, RULES)
    if splits < 1 or (size is not None and size < 1):
        raise BadInput(f"splits: found {splits} of size {size}, expected 1 or more. Change it.")
    if size is None:
        parts = RULES[rule](n, splits)
    else:
        parts = [slice(start, min(start + size, n)) for start in range(0, n, size)]
    least = min(part.stop - part.start for part in parts)
    if least < 2:
        raise BadInput(
            f"splits: found a split of {least} of {n} samples, expected 2 or more in each. Use fewer splits."
        )
    return parts


def _score(rows: Tensor, block: int) -> SplitScore:
    """The score of one split; p log p is 0 where p underflows, for log p comes from the logits."""
    n = len(rows)
    sums = torch.zeros(2, rows.shape[1], dtype=torch.float64, device=rows.device)
    for part in torch.split(rows, block):
        p = part.double().softmax(1)
        sums += torch.stack([p.sum(0), p.square().sum(0)])
    mean, square = sums / n
    log_mean = mean.clamp(min=torch.finfo(torch.float64).tiny).log()
    divergences = []
    for part in torch.split(rows, block):
        log_p = part.double().log_softmax(1)
        divergences.append((log_p.exp() * (log_p - log_mean)).sum(1))
    divergence = torch.cat(divergences)
    exponent, variance = float(divergence.mean()), float(divergence.var()) / n
    # E[H(p(y))] falls short by half of Var(p_k) / (n p_k) for each class.
    short = float(((square - mean.square()) / mean)[mean > 0].sum()) / (2 * n)
    value = math.exp(exponent)
    return SplitScore(value, value * math.sqrt(variance), value * (variance / 2 - short))


def _estimate(scores: list[SplitScore], whole: SplitScore, rows: Tensor, *, ddof: int, least: int) -> Estimate:
    values = np.array([score.value for score in scores])
    value, bias = float(values.mean()), sum(score.bias for score in scores) / len(scores)
    error = math.sqrt(sum(score.error**2 for score in scores)) / len(scores)
    notes: dict[str, Note] = {
        "one_split": whole.value,
        "one_split_error": whole.error,
        "one_split_bias": whole.bias,
        "exponent_bias_at_most": (rows.shape[1] - 1) / (2 * least),
        "splits": len(scores),
        "n": len(rows),
        "classes": rows.shape[1],
    }
    if len(scores) > max(ddof, 1):
        notes["deviation"] = float(values.std(ddof=ddof))
    if (whole.value - whole.bias) - (value - bias) > FAR * whole.error + abs(bias):
        notes["order_matters"] = True
    centre = value - bias
    return Estimate(value, error, notes=notes, interval=(centre - Z95 * error, centre + Z95 * error), bias=bias)
