"""Controllers of p: they read signs of the discriminator's logits, and raise p where D knows its data too well."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor

from advnets.errors import BadInput

__all__ = ["CONTROLLERS", "Controller", "PairSigns", "RealSigns"]


@dataclass(frozen=True)
class Controller(ABC):
    """How p follows the mean sign r of what a row reads.

        every `every` moves of the discriminator:        p <- clip(p + sign(r - target) n / images, 0, 1)

    n are the real images of those moves, over all processes; r is the mean over them. Karras et al., Training
    generative adversarial networks with limited data, 2020, section 3.2. p is clipped at 1 too: the released code does
    not, and its p has been seen at 6.5.

    Attributes:
        target: The r that p holds, from -1 to 1.
        images: Real images that take p from 0 to 1, 1 or more.
        every: Moves of the discriminator from one change to the next, 1 or more. Both halves of an extragradient step
            count.

    Raises:
        BadInput: If a number is out of its range.
    """

    target: float = 0.6
    images: int = 500_000
    every: int = 4

    def __post_init__(self) -> None:
        if not -1 <= self.target <= 1:
            raise BadInput(f"target of a controller is {self.target!r}; expected a mean sign from -1 to 1")
        for name in ("images", "every"):
            if type(getattr(self, name)) is not int or getattr(self, name) < 1:
                found = getattr(self, name)
                raise BadInput(f"{name} of a controller is {found!r}; expected a whole number of at least 1")

    @abstractmethod
    def signs(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Return the signs whose mean is r.

        Args:
            real_logits: D(x), (batch,) or (batch, patches).
            fake_logits: D(G(z)), alike.

        Returns:
            -1, 0 or 1, of their shape.
        """


@dataclass(frozen=True)
class RealSigns(Controller):
    """r = E[sign(D(x))]: ADA's r_t, for objectives whose logits have a zero of their own.

    Karras et al. 2020, equation 1. Under a relativistic objective logits are known up to a constant, and r_t says
    nothing: take `PairSigns` there.

    Attributes:
        target: The r that p holds, from -1 to 1.
        images: Real images that take p from 0 to 1, 1 or more.
        every: Moves of the discriminator from one change to the next, 1 or more.
    """

    def signs(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Return sign(D(x))."""
        return real_logits.sign()


@dataclass(frozen=True)
class PairSigns(Controller):
    """r = E[sign(D(x_i) - D(G(z_i)))], over the pairs that a relativistic objective compares.

    It does not change when a constant is added to all logits. Where D is right about a share q of the pairs, r is
    2 q - 1: the target of .6 holds D at four pairs in five. This is a choice of this package, not a published one.

    Attributes:
        target: The r that p holds, from -1 to 1.
        images: Real images that take p from 0 to 1, 1 or more.
        every: Moves of the discriminator from one change to the next, 1 or more.
    """

    def signs(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Return sign(D(x_i) - D(G(z_i)))."""
        return (real_logits - fake_logits).sign()


CONTROLLERS: dict[str, type[Controller]] = {"real_signs": RealSigns, "pair_signs": PairSigns}
