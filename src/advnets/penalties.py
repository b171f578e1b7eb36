"""Differentiable terms added to the discriminator's loss: each reads the slope of the critic in its input.

A penalty is given the pass that the loss is made of: inputs, and logits that are a differentiable function of them. So
the discriminator runs once, and dropout and augmentation are drawn once. Each logit must be a function of its own
sample only: a critic that mixes samples (batch normalisation in training, minibatch standard deviation) also leaks
their cross terms into the gradient. Images are (batch, c, h, w), points (batch, d). A penalty has shape (batch,):
squares are summed over c, h, w, never averaged. Its gradient reaches the critic's parameters and stops at the samples,
so that no generator feels it. A penalty is not a constraint, which moves parameters after a step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from advnets import distributed
from advnets.errors import BadInput
from advnets.networks.layers.twice_differentiable import input_slopes_only

__all__ = ["PENALTIES", "gradient_penalty", "r1", "r1_finite", "r2", "r2_finite"]

Critic = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Pass:
    """One pass of the discriminator over real and fake samples.

    Attributes:
        real: x, (batch, ...), which requires a gradient.
        fake: G(z), (batch, ...), which requires a gradient.
        real_logits: The logits at x, (batch,) or (batch, patches), differentiable in `real`.
        fake_logits: The logits at G(z), alike, differentiable in `fake`.
        real_critic: Samples -> logits, judged as the real samples are: with what is given with them, and through the
            same draw of the augmentation.
        fake_critic: Samples -> logits, judged as the fake samples are.
        joint: Whether slopes are wanted at both, which one backward pass then takes.
    """

    real: Tensor
    fake: Tensor
    real_logits: Tensor
    fake_logits: Tensor
    real_critic: Critic
    fake_critic: Critic
    joint: bool = False

    @cached_property
    def slopes(self) -> tuple[Tensor, Tensor]:
        """The slopes at real and at fake samples, each (batch, d), as `input_gradient` has them, by one pass."""
        expect_rows(self.real_logits, self.real)
        expect_rows(self.fake_logits, self.fake)
        total = mean_of_patches(self.real_logits).sum() + mean_of_patches(self.fake_logits).sum()
        with input_slopes_only():
            real, fake = torch.autograd.grad(total, (self.real, self.fake), create_graph=True)
        return real.flatten(1), fake.flatten(1)

    @property
    def real_slope(self) -> Tensor:
        """The slope of the critic at each real sample, (batch, d)."""
        return self.slopes[0] if self.joint else input_gradient(self.real_logits, self.real)

    @property
    def fake_slope(self) -> Tensor:
        """The slope of the critic at each fake sample, (batch, d)."""
        return self.slopes[1] if self.joint else input_gradient(self.fake_logits, self.fake)


Penalty = Callable[[Pass], Tensor]


def judge(critic: Critic, real: Tensor, fake: Tensor) -> Pass:
    """Run a critic over real and fake samples, so that penalties can be taken.

    Args:
        critic: Samples -> logits, (batch,) or (batch, patches).
        real: x, (batch, ...); a detached copy is judged.
        fake: G(z), (batch, ...); a detached copy is judged.

    Returns:
        The pass.
    """
    real, fake = (samples.detach().requires_grad_() for samples in (real, fake))
    return Pass(real, fake, critic(real), critic(fake), critic, critic)


def input_gradient(logits: Tensor, x: Tensor) -> Tensor:
    """Return the slope of the critic at each sample, itself differentiable in the critic's parameters.

        grad_x D(x)

    Where D gives a logit a patch, D(x) is their mean.

    Args:
        logits: D(x), (batch,) or (batch, patches), each sample's a function of that sample alone.
        x: The samples that the logits are of, (batch, ...), requiring a gradient.

    Returns:
        The slope of each sample, flattened, (batch, d).

    Raises:
        BadInput: If there are not as many rows of logits as samples.
    """
    expect_rows(logits, x)
    # The i-th logit reads only the i-th sample: the gradient of their sum is each one's own gradient.
    with input_slopes_only():
        (gradient,) = torch.autograd.grad(mean_of_patches(logits).sum(), x, create_graph=True)
    return gradient.flatten(1)


def expect_rows(logits: Tensor, x: Tensor) -> None:
    """Expect one logit, or one row of patches, for each sample.

    Args:
        logits: D(x), as a critic gave it.
        x: The samples, (batch, ...).

    Raises:
        BadInput: If logits are neither (batch,) nor (batch, patches).
    """
    if logits.ndim not in (1, 2) or len(logits) != len(x):
        raise BadInput(
            f"the critic gave logits of shape {tuple(logits.shape)} for {len(x)} samples: expected (batch,) or "
            "(batch, patches). Let it return one logit, or one row of patches, for each sample."
        )


def mean_of_patches(logits: Tensor) -> Tensor:
    """Return one logit a sample, the mean of its patches where there are several.

    Args:
        logits: (batch,) or (batch, patches).

    Returns:
        (batch,).
    """
    return logits if logits.ndim == 1 else logits.mean(1)


def r1(seen: Pass) -> Tensor:
    """Return the zero-centred gradient penalty on real samples; its weight is the papers' gamma.

        1/2 ||grad_x D(x)||^2,        x ~ p_data

    Mescheder, Geiger, Nowozin, Which Training Methods for GANs do actually Converge?, 2018, equation 9. D is the logit,
    not its sigmoid. Not R2, which is the same on fake samples. The 1/2 is here: programs that leave it out have half
    the weight.

    Args:
        seen: The pass; its fake side is not read.

    Returns:
        The penalty of each real sample, (batch,), 0 or more.

    Raises:
        BadInput: As `input_gradient` does.
    """
    return 0.5 * seen.real_slope.square().sum(1)


def r2(seen: Pass) -> Tensor:
    """Return the zero-centred gradient penalty on fake samples; its weight is the papers' gamma.

        1/2 ||grad_x D(x)||^2,        x = G(z)

    Mescheder, Geiger, Nowozin, Which Training Methods for GANs do actually Converge?, 2018, section 4.1. Not R1, which
    is the same on real samples.

    Args:
        seen: The pass; its real side is not read.

    Returns:
        The penalty of each fake sample, (batch,), 0 or more.

    Raises:
        BadInput: As `input_gradient` does.
    """
    return 0.5 * seen.fake_slope.square().sum(1)


def interpolate(real: Tensor, fake: Tensor) -> Tensor:
    """Draw a uniform point of the segment between each real sample and its fake one.

        xhat = eps x + (1 - eps) G(z),        eps ~ U[0, 1]

    eps is one number a SAMPLE, shape (batch, 1, ..., 1). One a pixel (`rand_like(real)`, a common bug) draws from the
    box spanned by the two samples: xhat is then a noisy blend off the segment, about which the theory says nothing.

    Args:
        real: x, (batch, ...).
        fake: G(z), (batch, ...).

    Returns:
        The points, (batch, ...).

    Raises:
        BadInput: If the shapes differ.
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


def gradient_penalty(seen: Pass) -> Tensor:
    """Return the one-centred gradient penalty between real and fake samples; its weight is the paper's lambda, 10.

        (||grad_xhat D(xhat)||_2 - 1)^2,        xhat = eps x + (1 - eps) G(z),        eps ~ U[0, 1] per sample

    Gulrajani et al., Improved Training of Wasserstein GANs, 2017, equation 3. Two-sided: slopes under 1 cost too. No
    factor 1/2. Not R1, whose target slope is 0. eps is drawn for the global batch, as z is, and xhat needs a pass of
    its own, in which it is judged as the fake samples are.

    Args:
        seen: The pass; the critic of the fake samples judges the points between.

    Returns:
        The penalty of each pair, (batch,), 0 or more.

    Raises:
        BadInput: As `interpolate` and `input_gradient` do.
    """
    xhat = interpolate(seen.real.detach(), seen.fake.detach()).requires_grad_()
    slope: Tensor = torch.linalg.vector_norm(input_gradient(seen.fake_critic(xhat), xhat), dim=1)
    return (slope - 1) ** 2


SCALE = 0.01
"""s, the deviation of the noise between whose ends finite differences are taken."""


def finite_slope(critic: Critic, x: Tensor, logits: Tensor) -> Tensor:
    """Return the difference quotient of the critic between each sample and one beside it.

        (D(x + s n) - D(x)) / s,        n ~ N(0, I),        s = .01

    n is drawn for the global batch, as z is. No gradient in x is taken, so that nothing is differentiated twice.

    Args:
        critic: Samples -> logits, judged as x was.
        x: Samples, (batch, ...).
        logits: D(x), (batch,) or (batch, patches).

    Returns:
        (batch,).

    Raises:
        BadInput: If there are not as many rows of logits as samples.
    """
    expect_rows(logits, x)

    def draw_normal(every: int, shared: torch.Generator | None) -> Tensor:
        return torch.randn(every, *x.shape[1:], generator=shared, dtype=x.dtype, device=x.device)

    beside = critic(x.detach() + SCALE * distributed.draw_global(draw_normal, len(x)))
    return mean_of_patches(beside - logits) / SCALE


def r1_finite(seen: Pass) -> Tensor:
    """Return R1 by finite differences; its weight is that of `r1`.

        1/2 ((D(x + s n) - D(x)) / s)^2,        x ~ p_data,        n ~ N(0, I),        s = .01

    Its mean over n is `r1` for s -> 0, and differs from it by a part of order s^2 where D is curved,
    and of order s beside a kink of D. One draw a sample makes
    it noisy: for a D that is linear its deviation is 1.41 of its mean. Hyun, Lee, Heo, Scalable GANs with Transformers,
    2025, arXiv:2509.24935; Lin et al., Diffusion adversarial post-training, 2025. The 1/2 is here, as in `r1`.

    D must be the same function in both passes: with dropout or noise of its own, or in bfloat16, the difference is that
    of their chances, over s.

    Args:
        seen: The pass; its fake side is not read.

    Returns:
        The penalty of each real sample, (batch,), 0 or more.

    Raises:
        BadInput: As `finite_slope` does.
    """
    return 0.5 * finite_slope(seen.real_critic, seen.real, seen.real_logits).square()


def r2_finite(seen: Pass) -> Tensor:
    """Return R2 by finite differences; its weight is that of `r2`; see `r1_finite`.

        1/2 ((D(x + s n) - D(x)) / s)^2,        x = G(z),        n ~ N(0, I),        s = .01

    Args:
        seen: The pass; its real side is not read.

    Returns:
        The penalty of each fake sample, (batch,), 0 or more.

    Raises:
        BadInput: As `finite_slope` does.
    """
    return 0.5 * finite_slope(seen.fake_critic, seen.fake, seen.fake_logits).square()


PENALTIES: dict[str, Penalty] = {
    "r1": r1,
    "r2": r2,
    "gradient_penalty": gradient_penalty,
    "r1_finite": r1_finite,
    "r2_finite": r2_finite,
}
FINITE: tuple[Penalty, ...] = (r1_finite, r2_finite)
"""Those that take no slope: they need no gradient in the samples, and one draw of the augmentation in both passes."""
