"""What rows of baselines ask of their numbers and of the data."""

import math
from collections.abc import Sequence

from advnets.errors import BadInput, Unsupported


def check_sizes(row: str, latent_size: int, shape: Sequence[int], width: int) -> None:
    """Raise Unsupported unless samples of `shape` are images, BadInput unless latent_size is `width`.

    row: the name of the baseline. width: units of the layer that its chains begin in.
    """
    if len(shape) != 3:
        raise Unsupported(
            f"{row}: found points of {shape[0]} numbers, expected images, whose pixels are means in [0, 1]. Take a "
            "recipe of adversarial nets for points."
        )
    if latent_size != width:
        raise BadInput(
            f"{row}: found a latent_size of {latent_size}, expected {width}, the units of the layer that its chains "
            "begin in. Change latent_size or that layer."
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
