"""An augmentation of the judging player: several maps of images, each applied with a probability p."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from advnets import distributed
from advnets.augmentations.controllers import Controller
from advnets.augmentations.image_maps import AUGMENTATIONS
from advnets.errors import BadInput, unknown
from advnets.schedules import BEGINNING, Number, expect_number, is_scheduled, value_at
from advnets.training import Moment

__all__ = ["Augmentation", "AugmentationRow", "Parameters"]

Parameters = Mapping[str, Tensor]
"""{part: numbers in [0, 1) that say whether and how it changes each image, (batch, 1 + k)}."""
ENDING = Moment(2**31, 2**31, 1.0)


class Augmentation(nn.Module):
    """What a discriminator sees images through, real and fake ones: each map is applied to each image with chance p.

    Drawing and applying are apart, so that the objective and the penalties of a move see the same. Random numbers are
    drawn for the global batch. p and what a controller counts are buffers: checkpoints hold them, and a recorded move
    reads them anew.

    Args:
        parts: Rows of AUGMENTATIONS, in the order in which they are applied; one at least.
        p: Probability that an image gets a part, from 0 to 1: a number, or a schedule. With a controller, where it
            begins.
        same_for_real_and_fake: Whether the i-th real and the i-th fake image of a move share their numbers, so that
            they are changed alike.
        controller: What moves p; None leaves it to `p`.

    Raises:
        BadInput: If a part is no row or named twice, p is out of bounds, or a schedule of p meets a controller.

    Example:
        >>> augmentation = Augmentation(("mirror", "cutout"), p=0.0)
        >>> x = torch.ones(2, 3, 8, 8)
        >>> bool((augmentation(x, augmentation.draw(2)) == x).all())
        True
    """

    p: Tensor
    signs: Tensor
    logits: Tensor
    images: Tensor
    moves: Tensor

    def __init__(
        self,
        parts: Sequence[str],
        *,
        p: Number = 1.0,
        same_for_real_and_fake: bool = False,
        controller: Controller | None = None,
    ) -> None:
        super().__init__()
        row = AugmentationRow(tuple(parts), p, same_for_real_and_fake, controller)
        if not row.parts:
            raise BadInput(f"parts: found none; expected one at least of {', '.join(AUGMENTATIONS)}")
        self.row = row
        self.register_buffer("p", torch.tensor(float(value_at(p, BEGINNING))))
        for name in () if controller is None else ("signs", "logits", "images", "moves"):
            self.register_buffer(name, torch.zeros((), dtype=torch.int64))

    @property
    def same_for_real_and_fake(self) -> bool:
        """Whether one draw serves the real and the fake images of a move."""
        return self.row.same_for_real_and_fake

    def draw(self, n: int) -> Parameters:
        """Draw what is done to n images: this process's part of what all draw for the global batch.

        Args:
            n: Images.

        Returns:
            Numbers in [0, 1) for each part, (n, 1 + k): the first decides whether it is applied, the others how.
        """

        def uniform(every: int, shared: torch.Generator | None, numbers: int) -> Tensor:
            return torch.rand(every, numbers, generator=shared, dtype=self.p.dtype, device=self.p.device)

        return {
            part: distributed.draw_global(partial(uniform, numbers=1 + AUGMENTATIONS[part].numbers), n)
            for part in self.row.parts
        }

    def forward(self, x: Tensor, parameters: Parameters | None = None) -> Tensor:
        """Change images as `draw` has said.

            y_i = T(x_i, u_i) if v_i < p, else x_i

        Args:
            x: Images, (batch, c, h, w).
            parameters: What `draw` returned; None draws anew.

        Returns:
            (batch, c, h, w), differentiable in x.

        Raises:
            BadInput: If x are no images, or others than were drawn for in number.
        """
        parameters = self.draw(len(x)) if parameters is None else parameters
        for part in self.row.parts:
            chance, u = parameters[part][:, 0], parameters[part][:, 1:]
            if x.ndim != 4 or len(x) != len(u):
                raise BadInput(
                    f"an augmentation drawn for {len(u)} images: found a tensor of shape {tuple(x.shape)}; expected "
                    "(batch, channels, height, width)"
                )
            is_changed = (chance < self.p).view(-1, 1, 1, 1)
            x = torch.where(is_changed, AUGMENTATIONS[part].apply(x, u.to(x.dtype)), x)
        return x

    def schedule(self, moment: Moment) -> None:
        """Set p to its value at a moment, where it has a schedule.

        Args:
            moment: Where the run stands.
        """
        if is_scheduled(self.row.p):
            self.p.fill_(value_at(self.row.p, moment))

    @torch.no_grad()
    def observe(self, real_logits: Tensor, fake_logits: Tensor, images: int) -> None:
        """Let the controller see the logits of a discriminator's move; it asks no value of the device.

        Args:
            real_logits: D(x) of this process's part, (batch,) or (batch, patches).
            fake_logits: D(G(z)), alike.
            images: Real images that they judge, packs counted by what is in them.
        """
        controller = self.row.controller
        if controller is None:
            return
        signs = controller.signs(real_logits, fake_logits)
        self.signs.add_(distributed.all_gather_tensor(signs.sum().long().view(1)).sum())
        self.logits.add_(signs.numel() * distributed.world_size())
        self.images.add_(images * distributed.world_size())
        self.moves.add_(1)
        is_due = self.moves % controller.every == 0
        excess = self.signs - controller.target * self.logits
        self.p.add_(is_due * excess.sign() * self.images / controller.images).clamp_(0, 1)
        for counted in (self.signs, self.logits, self.images):
            counted.mul_(~is_due)

    def extra_repr(self) -> str:
        """Return what torch's text of a network says of the module.

        Returns:
            The names of the parts, in the order in which they are applied.
        """
        return ", ".join(self.row.parts)


@dataclass(frozen=True)
class AugmentationRow:
    """What a recipe holds of an augmentation.

    Attributes:
        parts: Rows of AUGMENTATIONS, in the order in which they are applied; none plays without augmentation.
        p: Probability that an image gets a part, from 0 to 1.
        same_for_real_and_fake: Whether real and fake images of a move are changed alike.
        controller: What moves p, a row of CONTROLLERS and its numbers; None leaves it to `p`.

    Raises:
        BadInput: If a part is no row or named twice, p is out of bounds, or a schedule of p meets a controller.
    """

    parts: tuple[str, ...] = ()
    p: Number = 1.0
    same_for_real_and_fake: bool = False
    controller: Controller | None = None

    def __post_init__(self) -> None:
        for part in self.parts:
            if part not in AUGMENTATIONS:
                raise unknown("augmentation", str(part), AUGMENTATIONS)
        if len(set(self.parts)) < len(self.parts):
            raise BadInput(f"parts are {', '.join(self.parts)}; expected each augmentation once")
        expect_number("p of an augmentation", self.p, least=0)
        if not all(0 <= value_at(self.p, moment) <= 1 for moment in (BEGINNING, ENDING)):
            raise BadInput(f"p of an augmentation is {self.p!r}; expected a probability, from 0 to 1")
        if not (self.controller is None or isinstance(self.controller, Controller)):
            raise BadInput(f"controller is {self.controller!r}; expected a row such as advnets.PairSigns(), or None")
        if self.controller is not None and is_scheduled(self.p):
            raise BadInput(
                f"p of an augmentation is {self.p!r} with a controller, which moves p itself: expected the number that "
                "it begins with"
            )

    def build(self) -> Augmentation | None:
        """Build the augmentation.

        Returns:
            The module; None where there are no parts.

        Raises:
            BadInput: If there are no parts, but numbers for them.
        """
        if self.parts:
            return Augmentation(
                self.parts,
                p=self.p,
                same_for_real_and_fake=self.same_for_real_and_fake,
                controller=self.controller,
            )
        if self != AugmentationRow():
            raise BadInput(
                f"found numbers of an augmentation without parts ({self!r}); name parts, as in --augment.parts "
                f"{','.join(AUGMENTATIONS)}, or leave them out"
            )
        return None
