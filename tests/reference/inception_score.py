"""The Inception Score as the libraries cut and compute it, from probabilities: plain numpy."""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]


def softmax(logits: Rows) -> Rows:
    p = np.exp(logits - logits.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


def score(p: Rows) -> float:
    """exp of the mean KL(p(y|x) || p(y)); p log p needs p > 0."""
    return float(np.exp((p * (np.log(p) - np.log(p.mean(0)))).sum(1).mean()))


def split_scores(p: Rows, rule: str, splits: int) -> list[float]:
    """Scores of the splits: OpenAI's loop, S. Barratt's loop, or torch.chunk."""
    n = len(p)
    if rule == "proportional":
        parts = [p[(i * n // splits) : ((i + 1) * n // splits)] for i in range(splits)]
    elif rule == "truncated":
        parts = [p[i * (n // splits) : (i + 1) * (n // splits)] for i in range(splits)]
    else:
        parts = np.split(p, np.arange(-(-n // splits), n, -(-n // splits)))
    return [score(part) for part in parts]
