"""The Inception Score of logits: how sure a classifier is of each sample, and how evenly samples fall into classes."""

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
"""Rows whose probabilities are in memory at once."""

ORDER_GAP = 4.0
"""Standard errors by which one split may score above several, each less its bias, before the order is suspected."""


def cut_in_proportion(n: int, splits: int) -> list[slice]:
    """Cut split i from i n // splits to (i + 1) n // splits, as OpenAI, torch-fidelity and StyleGAN do.

    Args:
        n: Number of samples.
        splits: Number of splits.

    Returns:
        The rows of each split.
    """
    return [slice(i * n // splits, (i + 1) * n // splits) for i in range(splits)]


def cut_without_rest(n: int, splits: int) -> list[slice]:
    """Give every split n // splits samples and drop the rest, as S. Barratt's code and dgm-eval do.

    Args:
        n: Number of samples.
        splits: Number of splits.

    Returns:
        The rows of each split.
    """
    return [slice(i * (n // splits), (i + 1) * (n // splits)) for i in range(splits)]


def cut_rounded_up(n: int, splits: int) -> list[slice]:
    """Give every split but the last n / splits samples, rounded up, as torchmetrics does.

    There may be fewer splits than asked for.

    Args:
        n: Number of samples.
        splits: Number of splits.

    Returns:
        The rows of each split.
    """
    size = -(-n // splits)
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


RULES: dict[str, Callable[[int, int], list[slice]]] = {
    "proportional": cut_in_proportion,
    "truncated": cut_without_rest,
    "rounded-up": cut_rounded_up,
}
"""How samples are cut into splits, by name: each (n, splits) -> slices."""


@dataclass(frozen=True)
class SplitScore:
    """The score of one split.

    Attributes:
        value: The score.
        error: Its standard error by the delta method.
        bias: Its bias to the order of 1/n.
    """

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
    """Compute the Inception Score, the mean over splits of exp(mean_x KL(p(y|x) || p(y))).

    p(y) is the split's own mean. T. Salimans et al., Improved techniques for training GANs, 2016, section 4; S. Barratt
    and R. Sharma, A note on the Inception Score, 2018. It lies between 1 and the number of classes. The score of
    another classifier than Inception is another number.

    Args:
        logits: Logits before the softmax, (n, K); not probabilities.
        splits: Number of splits; 1 has the least bias.
        size: Samples of a split, used in place of `splits`.
        rule: Key of `RULES`.
        ddof: Delta degrees of freedom of the published deviation.
        shuffle: Seed of numpy's RandomState, which orders the samples first; or None for the given order, on which the
            value depends.
        block: Rows of one product; it changes the speed, not the result.

    Returns:
        The score. Its error is that of drawing the samples, by the delta method with the influences KL(p(y|x) || p(y)),
        and the same for any number of splits; the deviation between splits is not it. Its bias is what the value has
        above the score of all samples at once, less the latter's bias to the order of 1/n, which in the exponent is at
        most (K - 1) / (2 n), where every sample is sure of one class (`exponent_bias_at_most`, of a split's n). Its
        interval is that score less its bias, +- 1.96 of its error: a split of 30 samples has more bias than its series
        to 1/n knows. It has no floor: score real samples beside it. Its notes hold `deviation` between splits with ddof
        (none for a single split); `one_split`, `one_split_error` and `one_split_bias`, the same for all samples at
        once; `splits`, `n`, `classes`; and `order_matters`, if splits score so much less than all samples at once that
        the samples must be sorted: then shuffle them.

    Raises:
        BadInput: If a shape, a value or the rule is wrong, there are fewer than 2 classes, or a split has fewer than 2
            samples.
    """
    rows = flatten(logits, "logits")
    if rows.shape[1] < 2:
        raise BadInput(f"logits: found {rows.shape[1]} class, expected 2 or more. Give one column a class.")
    if shuffle is not None:
        rows = rows[torch.from_numpy(np.random.RandomState(shuffle).permutation(len(rows))).to(rows.device)]
    parts = _cut_splits(len(rows), splits, size=size, rule=rule)
    scores = [_score_split(rows[part], block) for part in parts]
    whole = _score_split(rows, block) if len(scores) > 1 else scores[0]
    return _combine_scores(scores, whole, rows, ddof=ddof, least=min(part.stop - part.start for part in parts))


def _cut_splits(n: int, splits: int, *, size: int | None, rule: str) -> list[slice]:
    """The rows of each split, or BadInput."""
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


def _score_split(rows: Tensor, block: int) -> SplitScore:
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


def _combine_scores(scores: list[SplitScore], whole: SplitScore, rows: Tensor, *, ddof: int, least: int) -> Estimate:
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
    if (whole.value - whole.bias) - (value - bias) > ORDER_GAP * whole.error + abs(bias):
        notes["order_matters"] = True
    # A split's own series misses much of its bias where it has few samples; all of them at once have next to none.
    centre, half = whole.value - whole.bias, Z95 * whole.error
    return Estimate(value, error, notes=notes, interval=(centre - half, centre + half), bias=value - centre)
