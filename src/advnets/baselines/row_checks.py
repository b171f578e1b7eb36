"""Checks of the numbers of a baseline's row, and of the data that its network is built for."""

import math
from collections.abc import Sequence

from advnets.errors import BadInput, Unsupported
from advnets.networks import Sizes


def check_sizes(row: str, sizes: Sizes, width: int) -> None:
    """Refuse points, and a z of another width than the layer that the chains begin in.

    Args:
        row: Name of the baseline, for the error.
        sizes: Shape of an image and latent size are read.
        width: Units of the layer that the chains begin in.

    Raises:
        Unsupported: If the samples are not images.
        BadInput: If latent_size is not `width`.
    """
    if len(sizes.shape) != 3:
        raise Unsupported(
            f"{row}: found points of {sizes.shape[0]} numbers, expected images, whose pixels are means in [0, 1]. "
            "Take a recipe of adversarial nets for points."
        )
    if sizes.latent_size != width:
        raise BadInput(
            f"{row}: found a latent_size of {sizes.latent_size}, expected {width}, the units of the layer that its "
            "chains begin in. Change latent_size or that layer."
        )


def check_layers(row: str, hidden: Sequence[int]) -> None:
    """Refuse widths of hidden layers that are none, or below 1.

    Args:
        row: Name of the baseline, for the error.
        hidden: Units of each hidden layer.

    Raises:
        BadInput: If there is no layer, or one without units.
    """
    if min(hidden, default=0) < 1:
        raise BadInput(f"{row}: hidden is {hidden}; expected one layer or more, each of at least 1 unit. Change it.")


def check_probability(row: str, **numbers: float) -> None:
    """Refuse numbers outside of [0, 1].

    Args:
        row: Name of the baseline, for the error.
        **numbers: The row's numbers, by their names.

    Raises:
        BadInput: If one is below 0 or above 1.
    """
    for name, found in numbers.items():
        if not 0 <= found <= 1:
            raise BadInput(f"{row}: {name} is {found}; expected 0 to 1. Change it.")


def check_least(row: str, least: float, **numbers: float | Sequence[float]) -> None:
    """Refuse numbers that are not finite or too small.

    Args:
        row: Name of the baseline, for the error.
        least: The smallest number that is allowed.
        **numbers: The row's numbers, by their names; of a sequence each one is checked, and it must have one or more.

    Raises:
        BadInput: If one is not finite, or below `least`.
    """
    for name, found in numbers.items():
        each = found if isinstance(found, Sequence) else (found,)
        if not each or not all(least <= number < math.inf for number in each):
            raise BadInput(f"{row}: {name} is {found}; expected at least {least}. Change it.")
