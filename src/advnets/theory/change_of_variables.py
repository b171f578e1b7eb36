"""Change of variables on the line: what a generator of one noise makes of the noise's distribution."""

import torch
from torch import Tensor


def cell_masses(x: Tensor, shares: Tensor, edges: Tensor) -> Tensor:
    """Return the masses of cells under p_g, for a G that is linear between nodes of z.

        F(x) = sum over pieces of (share of z in the piece) clamp((x - lo) / (hi - lo), 0, 1)

    This is p_g(x) = sum over z with G(z) = x of p(z) / |G'(z)|, integrated, and is right where G folds.

    Args:
        x: G at the nodes of z, (nodes,), float64.
        shares: Share of z below each node, increasing, (nodes,), float64.
        edges: Edges of the cells, increasing, (cells + 1,), float64; the cells at both ends hold the tails.

    Returns:
        The masses, (cells,), float64; they sum to the share of z between the first and the last node, or to 1.
    """
    lo, hi = torch.minimum(x[1:], x[:-1]), torch.maximum(x[1:], x[:-1])
    F = ((edges[:, None] - lo) / (hi - lo).clamp(min=1e-12)).clamp(0, 1) @ shares.diff()
    F[0], F[-1] = 0, 1
    return F.diff()
