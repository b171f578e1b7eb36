"""Differentiable terms added to the discriminator's loss: each reads the slope of the critic in its input.

critic(images) -> logits (batch,), one a sample, each a function of its own sample only: a critic that mixes samples
(batch norm in training, minibatch standard deviation) also leaks their cross terms into the gradient. Images are
(batch, c, h, w), points (batch, d). A penalty has shape (batch,): squares are summed over c, h, w, never averaged. Its
gradient reaches the critic's parameters and stops at the samples, so no generator feels it. Not a constraint, which
moves parameters after a step.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from advnets import distributed
from advnets.errors import BadInput

Critic = Callable[[Tensor], Tensor]
Penalty = Callable[[Critic, Tensor, Tensor], Tensor]


def input_gradient(critic: Critic, x: Tensor) -> Tensor:
    """The slope of the critic at each sample, itself differentiable in the critic's parameters.

        grad_x D(x)

    critic: images -> logits, (batch,). x: samples, (batch, ...); returned with each sample flattened, (batch, d).
    Raises BadInput unless the critic gives one logit a sample.
    """
    x = x.detach().requires_grad_()
    logits = critic(x)
    if logits.shape != x.shape[:1]:
        raise BadInput(f"the critic gave logits of shape {tuple(logits.shape)} for {len(x)} samples: expected (batch,)")
    # The i-th logit reads only the i-th sample: the gradient of their sum is each one's own gradient.
    (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return gradient.flatten(1)


def r1(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
    """Zero-centred gradient penalty on real samples; its weight is the papers' gamma.

        1/2 ||grad_x D(x)||^2,        x ~ p_data

    Mescheder, Geiger, Nowozin, Which Training Methods for GANs do actually Converge?, 2018, equation 9. D is the logit,
    not its sigmoid. Not R2, which is the same on fake samples. The 1/2 is here: programs that leave it out have half
    the weight.

    critic: images -> logits, (batch,). real: x, (batch, ...). fake: not read. Raises what `input_gradient` does.
    """
    return 0.5 * input_gradient(critic, real).square().sum(1)


def r2(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
    """Zero-centred gradient penalty on fake samples; its weight is the papers' gamma.

        1/2 ||grad_x D(x)||^2,        x = G(z)

    Mescheder, Geiger, Nowozin, Which Training Methods for GANs do actually Converge?, 2018, section 4.1. Not R1, which
    is the same on real samples.

    critic: images -> logits, (batch,). real: not read. fake: G(z), (batch, ...). Raises what `input_gradient` does.
    """
    return 0.5 * input_gradient(critic, fake).square().sum(1)


def interpolate(real: Tensor, fake: Tensor) -> Tensor:
    """A uniformly drawn point of the segment between each real sample and its fake one.

        xhat = eps x + (1 - eps) G(z),        eps ~ U[0, 1]

    eps is one number a SAMPLE, shape (batch, 1, ..., 1). One a pixel (`rand_like(real)`, a common bug) draws from the
    box spanned by the two samples: xhat is then a noisy blend off the segment, about which the theory says nothing.

    real, fake: x and G(z), (batch, ...). Raises BadInput if their shapes differ.
    """
    if real.shape != fake.shape:
        raise BadInput(
            f"real {tuple(real.shape)} and fake {tuple(fake.shape)}: expected one shape, to pair the samples"
        )

    def draw(every: int, shared: torch.Generator | None) -> Tensor:
        flat = [1] * (real.ndim - 1)
        return torch.rand(every, *flat, generator=shared, dtype=real.dtype, device=real.device)

    eps = distributed.draw_global(draw, len(real))
    return eps * real + (1 - eps) * fake


def gradient_penalty(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
    """One-centred gradient penalty between real and fake samples; its weight is the paper's lambda, 10.

        (||grad_xhat D(xhat)||_2 - 1)^2,        xhat = eps x + (1 - eps) G(z),        eps ~ U[0, 1] per sample

    Gulrajani et al., Improved Training of Wasserstein GANs, 2017, equation 3. Two-sided: slopes under 1 cost too. No
    factor 1/2. Not R1, whose target slope is 0. eps is drawn for the global batch, as z is.

    critic: images -> logits, (batch,). real, fake: x and G(z), (batch, ...). Raises what `interpolate` and
    `input_gradient` do.
    """
    xhat = interpolate(real, fake)
    slope: Tensor = torch.linalg.vector_norm(input_gradient(critic, xhat), dim=1)
    return (slope - 1) ** 2


PENALTIES: dict[str, Penalty] = {"r1": r1, "r2": r2, "gradient_penalty": gradient_penalty}
