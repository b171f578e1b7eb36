"""Projections of a player's parameters onto a set, in place, after that player has moved.

Not a penalty: nothing here is differentiated, and the constraint holds exactly after each move.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from advnets.errors import BadInput

__all__ = ["CONSTRAINTS", "clip_weights", "max_column_norm"]

Constraint = Callable[[nn.Module, float], None]
# Layers whose weight has the output unit first: (out, in) or (out, in, ...). Transposed convolutions have it second.
OUTPUT_FIRST = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def positive(bound: float) -> float:
    """Return a bound, if it is one.

    Args:
        bound: The number, above 0 and finite.

    Returns:
        The same number.

    Raises:
        BadInput: Unless 0 < bound < infinity.
    """
    if not 0 < bound < float("inf"):
        raise BadInput(f"a bound of {bound}: expected a positive finite number")
    return bound


@torch.no_grad()
def clip_weights(module: nn.Module, bound: float) -> None:
    """Project every parameter onto a box.

        w <- clip(w, -c, c)

    Arjovsky, Chintala, Bottou, Wasserstein GAN, 2017, Algorithm 1, line 7 (c = 0.01). Biases and norm layers' gains
    too. Not a clip of gradients.

    Args:
        module: The critic, changed in place.
        bound: c, above 0 and finite.

    Raises:
        BadInput: Unless 0 < c < infinity.
    """
    c = positive(bound)
    for w in module.parameters():
        w.clamp_(-c, c)


def unit_weights(module: nn.Module) -> Iterator[Tensor]:
    """Yield the weight of each dense or convolutional layer; transposed convolutions are left out.

    Args:
        module: The network that is searched.

    Yields:
        The weights, (out, in) or (out, in, ...).
    """
    for layer in module.modules():
        w = layer._parameters.get("weight")
        if isinstance(layer, OUTPUT_FIRST) and w is not None:
            yield w


@torch.no_grad()
def max_column_norm(module: nn.Module, bound: float) -> None:
    """Project the incoming weights of each unit onto a ball; a maxout filter is a unit of the dense layer inside.

        w_j <- w_j min(1, c / ||w_j||_2),        w_j the weights into output unit j

    Srivastava et al., Dropout, 2014, section 5.1; pylearn2's max_col_norm. pylearn2 keeps weights as (in, out), so w_j
    is a column there; torch keeps them as (out, in), so it is a ROW of `weight` here. In a convolution w_j is a whole
    kernel. Biases are left alone, and so are transposed convolutions.

    Args:
        module: A player, changed in place.
        bound: c, above 0 and finite.

    Raises:
        BadInput: Unless 0 < c < infinity, and if there is no weight to constrain.
    """
    c = positive(bound)
    weights = list(unit_weights(module))
    if not weights:
        raise BadInput(f"{type(module).__name__} has no Linear or Conv weight: max_column_norm would do nothing")
    for w in weights:
        norm = torch.linalg.vector_norm(w, dim=tuple(range(1, w.ndim)), keepdim=True)
        w.mul_((c / norm).clamp_(max=1))


CONSTRAINTS: dict[str, Constraint] = {"clip_weights": clip_weights, "max_column_norm": max_column_norm}
