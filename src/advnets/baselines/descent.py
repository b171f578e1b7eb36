"""One descent of a baseline: gradients are averaged over the processes, and nothing moves that is not finite."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.optim import Optimizer

from advnets.distributed import average_gradients
from advnets.errors import NonFinite
from advnets.optimizers import laid_out_as
from advnets.training import Move, Step


def descend(
    losses: Mapping[str, Tensor], parameters: Mapping[str, Tensor], optimizer: Optimizer, *, player: str, step: int
) -> Step:
    """Descend the sum of the named losses.

    Args:
        losses: Parts of what is descended, () each, by name.
        parameters: Parameters that move, by name; those that no loss depends on stay as they are.
        optimizer: The optimizer of these parameters.
        player: Whose move it is, such as "layer 1".
        step: Number of the step.

    Returns:
        The step that was made.

    Raises:
        NonFinite: If a loss or a gradient is not finite, before anything has moved; it is named.
    """
    total = torch.stack(list(losses.values())).sum()
    own = torch.autograd.grad(total, list(parameters.values()), allow_unused=True)
    total, gradients = average_gradients(total, own)
    named = {name: gradient for name, gradient in zip(parameters, gradients, strict=True) if gradient is not None}
    suspects = {f"the loss {name!r}": loss for name, loss in losses.items()} | {"the sum of the losses": total}
    suspects |= {f"the gradient of {name}": gradient for name, gradient in named.items()}
    # A NaN or an Inf in a tensor is in its sum, one fast pass; finite tensors may overflow it, so look twice.
    if not torch.stack([suspect.sum() for suspect in suspects.values()]).isfinite().all():
        _refuse_non_finite(suspects, player, step)
    for theta, gradient in zip(parameters.values(), gradients, strict=True):
        theta.grad = laid_out_as(theta, gradient)
    optimizer.step()
    return Step(step, (Move(step, player, {name: loss.detach() for name, loss in losses.items()}, {}),))


def _refuse_non_finite(suspects: Mapping[str, Tensor], player: str, step: int) -> None:
    for name, tensor in suspects.items():
        if not tensor.isfinite().all():
            kind = "NaN" if tensor.isnan().any() else "Inf"
            raise NonFinite(
                f"{kind} in {name} of {player} at step {step}. The run stops here; its last checkpoint is finite."
            )
