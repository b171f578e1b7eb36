"""A pool of earlier fakes, which a discriminator is shown in place of some new ones."""

from typing import Any

import torch
from torch import Tensor, nn

from advnets import distributed


class Pool(nn.Module):
    """The last fakes of a generator, as buffers of the discriminator's player.

    Shrivastava et al., Learning from simulated and unsupervised images through adversarial training, 2017, section 2.3;
    Zhu et al., CycleGAN, 2017, section 4, with 50 images. Each fake by itself: while the pool fills, it is stored and
    shown; then, with probability 1/2, one that is stored is shown in its place, and it is stored instead. Of several
    processes all gather the same fakes and draw alike, so that their pools are equal. It asks no value of the device,
    so that a recorded move can hold it.

    Args:
        size: Fakes that are kept; 0 keeps none, and all are shown as they are.
    """

    images: Tensor
    held: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("images", torch.empty(0))
        self.register_buffer("held", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def exchange(self, fakes: Tensor) -> Tensor:
        """Store new fakes, and return those that are shown in their places.

        Args:
            fakes: This process's new fakes, (n, ...).

        Returns:
            (n, ...), without gradients.
        """
        if self.size == 0:
            return fakes.detach()
        everyone = distributed.all_gather_tensor(fakes.detach())
        if self.images.numel() == 0:
            self.images = everyone.new_zeros((self.size, *everyone.shape[1:]))
        shared = distributed.shared_generator()
        u = torch.rand((2, len(everyone)), generator=shared, device=everyone.device)
        shown = [self._exchange_one(fake, *u[:, i]) for i, fake in enumerate(everyone)]
        return torch.stack(shown)[distributed.rank_slice(len(everyone))]

    def _exchange_one(self, fake: Tensor, chance: Tensor, place: Tensor) -> Tensor:
        is_full = self.held >= self.size
        index = torch.where(is_full, (place * self.size).long().clamp(max=self.size - 1), self.held).view(1)
        stored = self.images.index_select(0, index)[0]
        is_swapped = is_full & (chance > 0.5)
        self.images.index_copy_(0, index, torch.where(is_full & ~is_swapped, stored, fake)[None])
        self.held.add_((~is_full).long())
        return torch.where(is_swapped, stored, fake)

    def _load_from_state_dict(self, state: Any, prefix: str, *given: Any) -> None:
        found = state.get(f"{prefix}images")
        if found is not None and found.shape != self.images.shape:  # a pool takes the shape of its first fakes
            self.images = torch.zeros_like(found, device=self.images.device)
        super()._load_from_state_dict(state, prefix, *given)
