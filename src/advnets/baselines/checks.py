"""What rows of baselines ask of their numbers and of the data."""

import math
from collections.abc import Sequence

from advnets.errors import BadInput, Unsupported
from advnets.networks import Sizes


def check_sizes(row: str, sizes: Sizes, width: int) -> None:
    """Expect images, and as many latent coordinates as the layer has that chains begin in.

    Args:
        row: Name of the baseline.
        sizes: What the data and the recipe say.
        width: Units of that layer.

    Raises:
        Unsupported: For points.
        BadInput: For another latent size.
    """
    if len(sizes.shape) != 3:
        raise Unsupported(
            f"{row}: found points of {sizes.shape[0]} numbers, expected images, whose pixels are means in [0, 1]. Take "
            "a recipe of adversarial nets for points."
        )
    if sizes.latent_size != width:
        raise BadInput(
            f"{row}: found a latent_size of {sizes.latent_size}, expected {width}, the units of the layer that its "
            "chains begin in. Change latent_size or that layer."
        )


def check_share(row: str, **shares: float) -> None:
    """Raise BadInput unless every number is in [0, 1]."""
    for name, found in shares.items():
        if not 0 <= found <= 1:
            raise BadInput(f"{row}: {name} is {found}; expected 0 to 1. Change it.")


def check_least(row: str, least: float, **numbers: float | Sequence[float]) -> None:
    """Raise BadInput unless every number, or every one of a sequence, is finite and at least `least`."""
    for name, found in numbers.items():
        each = found if isinstance(found, Sequence) else (found,)
        if not each or not all(math.isfinite(number) and number >= least for number in each):
            raise BadInput(f"{row}: {name} is {found}; expected at least {least}. Change it.")
