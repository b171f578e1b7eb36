"""What the discriminator sees samples through: packs of them, each sample by itself through an augmentation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor

from advnets.augmentations import Augmentation
from advnets.errors import BadInput
from advnets.training import Moment

Augment = Callable[..., Tensor]
"""Samples -> samples; or, if it has a method draw(n) -> parameters, (samples, parameters) -> samples."""


class Seen(NamedTuple):
    """What an augmentation has drawn for one move.

    Attributes:
        real: Parameters for the real samples; None where nothing is drawn, or no real sample is seen.
        fake: Parameters for the fake samples, alike.
    """

    real: Any = None
    fake: Any = None


@dataclass(frozen=True)
class Sight:
    """How samples reach a discriminator.

    Attributes:
        augment: What they are seen through, or None. If it has a method `draw`, it is drawn once a move, and the
            objective and the penalties of the move see the same; otherwise it is called for each pass.
        pack: Samples that are judged as one.
    """

    augment: Augment | None
    pack: int

    @property
    def draws_once(self) -> bool:
        """Whether all passes of a move see the same, as finite differences must."""
        return self.augment is None or hasattr(self.augment, "draw")

    def draw(self, n: int, *, real: bool = True) -> Seen:
        """Draw what a move sees its samples through.

        Args:
            n: Real samples, and as many fake ones.
            real: Whether the move looks at real samples.

        Returns:
            The parameters; one draw for both where the augmentation says so.
        """
        draw = getattr(self.augment, "draw", None)
        if draw is None:
            return Seen()
        first = draw(n)
        if not real or getattr(self.augment, "same_for_real_and_fake", False):
            return Seen(first, first)
        return Seen(first, draw(n))

    def show(self, samples: Tensor, parameters: Any = None) -> Tensor:
        """Return samples, or packs of them, as the discriminator sees them.

        Args:
            samples: (batch, ...), or packs, (batch / m, m c, ...).
            parameters: What was drawn for them; None draws anew.

        Returns:
            The same shape, differentiable in the samples.
        """
        if self.augment is None:
            return samples
        apart = unpack_samples(samples, self.pack)
        seen = self.augment(apart) if parameters is None else self.augment(apart, parameters)
        return pack_samples(seen, self.pack)

    def schedule(self, moment: Moment) -> None:
        """Set the augmentation's p to its value at a moment."""
        if isinstance(self.augment, Augmentation):
            self.augment.schedule(moment)

    def observe(self, real_logits: Tensor, fake_logits: Tensor) -> dict[str, Tensor]:
        """Let the augmentation's controller see the logits of a discriminator's move.

        Args:
            real_logits: D(x), (batch,) or (batch, patches).
            fake_logits: D(G(z)), alike.

        Returns:
            What is watched by name: the p that the move has seen.
        """
        if not isinstance(self.augment, Augmentation):
            return {}
        watched = {"augment/p": self.augment.p.clone()}
        self.augment.observe(real_logits.detach(), fake_logits.detach(), self.pack * len(real_logits))
        return watched


def pack_samples(samples: Tensor, pack: int) -> Tensor:
    """Join consecutive samples along their channels, so that a discriminator judges them as one.

    Lin, Khetan, Fanti, Oh, PacGAN: The power of two samples in generative adversarial networks, 2018, section 2.

    Args:
        samples: (batch, c, ...).
        pack: m, samples in a pack; the batch is a multiple of it.

    Returns:
        (batch / m, m c, ...); the samples themselves for m = 1.

    Raises:
        BadInput: If the batch is no multiple of m.
    """
    if pack == 1:
        return samples
    if len(samples) % pack:
        raise BadInput(
            f"found a batch of {len(samples)}, expected a multiple of {pack}, the size of a pack. Change one of them."
        )
    return samples.reshape(len(samples) // pack, pack * samples.shape[1], *samples.shape[2:])


def unpack_samples(packs: Tensor, pack: int) -> Tensor:
    """Undo `pack_samples`.

    Args:
        packs: (batch / m, m c, ...).
        pack: m, samples in a pack.

    Returns:
        (batch, c, ...).
    """
    if pack == 1:
        return packs
    return packs.reshape(len(packs) * pack, packs.shape[1] // pack, *packs.shape[2:])
