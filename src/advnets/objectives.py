"""What each player of an adversarial game wants: one loss a player, per sample.

A discriminator gives logits a, one real number a sample. Where the paper's D is a probability, D = sigmoid(a), and
every logarithm of it is written by softplus(t) = log(1 + exp(t)), which stays finite:

    -log sigmoid(a) = softplus(-a)        -log(1 - sigmoid(a)) = softplus(a)

All losses are descended. real_logits and fake_logits are a at x ~ p_data and at G(z). Both have shape (batch,), or
(batch, patches) where the discriminator judges patches of an image (Isola et al. 2017): a loss is then averaged over
the patches of a sample. A shape (batch, 1) beside (batch,) would broadcast two batches into a table, and is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from advnets.errors import BadInput

__all__ = [
    "OBJECTIVES", "Objective", "hinge", "least_squares", "minimax", "non_saturating", "non_saturating_halved",
    "relativistic", "wasserstein",
]  # fmt: skip

Real = TypeVar("Real", Tensor, Tensor | None)
DiscriminatorLoss = Callable[[Tensor, Tensor], Tensor]
GeneratorLoss = Callable[[Tensor | None, Tensor], Tensor]


def identity(logits: Tensor) -> Tensor:
    """Return logits as they are: the score of a critic whose output is no probability.

    Args:
        logits: f, (batch,) or (batch, patches).

    Returns:
        The logits themselves.
    """
    return logits


@dataclass(frozen=True)
class Objective:
    """What the discriminator and the generator descend.

    Attributes:
        discriminator: (real_logits, fake_logits) -> loss, (batch,).
        generator: (real_logits or None, fake_logits) -> loss, (batch,).
        generator_sees_real: Whether the generator's loss reads real_logits; where it is False they may be None.
        score: Logits -> what is shown as D(x), of the same shape. No loss reads it.
    """

    discriminator: DiscriminatorLoss
    generator: GeneratorLoss
    generator_sees_real: bool = False
    score: Callable[[Tensor], Tensor] = torch.sigmoid


def per_sample(loss: Callable[[Real, Tensor], Tensor]) -> Callable[[Real, Tensor], Tensor]:
    """Return the same loss with its logits checked and its patches averaged: one loss a sample.

    Args:
        loss: (real logits or None, fake logits) -> loss, elementwise.

    Returns:
        The loss of logits (batch,), or of patches (batch, patches), as (batch,). It raises BadInput unless both logits
        have one such shape.
    """

    @wraps(loss)
    def checked_loss(real_logits: Real, fake_logits: Tensor) -> Tensor:
        real = fake_logits if real_logits is None else real_logits
        if fake_logits.ndim not in (1, 2) or real.shape != fake_logits.shape:
            raise BadInput(
                f"real logits of shape {tuple(real.shape)} and fake logits of shape {tuple(fake_logits.shape)}: "
                "expected (batch,) or (batch, patches) twice. Let the discriminator return one of them, and draw as "
                "many fake samples as real ones."
            )
        found = loss(real_logits, fake_logits)
        return found if found.ndim == 1 else found.mean(1)

    return checked_loss


def halve(loss: DiscriminatorLoss) -> DiscriminatorLoss:
    """Return half a loss, which has the same optimum and half the step of plain gradient descent.

    Args:
        loss: (real_logits, fake_logits) -> loss, (batch,).

    Returns:
        (real_logits, fake_logits) -> 1/2 loss, (batch,).
    """

    @wraps(loss)
    def half(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return 0.5 * loss(real_logits, fake_logits)

    return half


@per_sample
def cross_entropy_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """What D descends both in the minimax and in the non-saturating game: -V(D, G).

        -log D(x) - log(1 - D(G(z)))

    Goodfellow et al., Generative Adversarial Nets, 2014, equation 1 and Algorithm 1. In nats; 2 log 2 at D = 1/2.

    Args:
        real_logits: a at x, (batch,) or (batch, patches).
        fake_logits: a at G(z), likewise.

    Returns:
        The loss of each sample in nats, (batch,), 0 or more.

    Raises:
        BadInput: If the logits' shapes differ, or are neither (batch,) nor (batch, patches).
    """
    # -log sigmoid(a) = softplus(-a); -log(1 - sigmoid(a)) = softplus(a)
    return softplus(-real_logits) + softplus(fake_logits)


@per_sample
def minimax_generator(real_logits: Tensor | None, fake_logits: Tensor) -> Tensor:
    """What G descends in the minimax game, and in Algorithm 1 as printed; in nats, never positive.

        log(1 - D(G(z)))                derivative in a: -D, which vanishes when D rejects G(z) (saturation)

    Goodfellow et al., Generative Adversarial Nets, 2014, equation 1. Not the non-saturating loss -log D(G(z)), which
    most programs compute under this name.

    Args:
        real_logits: Not read; None, or as many as the fake ones.
        fake_logits: a at G(z), (batch,) or (batch, patches).

    Returns:
        The loss of each sample in nats, (batch,), 0 or less.

    Raises:
        BadInput: If the logits' shapes differ, or are neither (batch,) nor (batch, patches).
    """
    # log(1 - sigmoid(a)) = -softplus(a)
    return -softplus(fake_logits)


@per_sample
def non_saturating_generator(real_logits: Tensor | None, fake_logits: Tensor) -> Tensor:
    """What G descends in the non-saturating game; in nats, never negative.

        -log D(G(z))                    derivative in a: -(1 - D), which is largest when D rejects G(z)

    Goodfellow et al., Generative Adversarial Nets, 2014, section 3, last paragraph. Not a value of the minimax game:
    the fixed point is shared, the sum of the players' losses is not zero.

    Args:
        real_logits: Not read; None, or as many as the fake ones.
        fake_logits: a at G(z), (batch,) or (batch, patches).

    Returns:
        The loss of each sample in nats, (batch,), 0 or more.

    Raises:
        BadInput: If the logits' shapes differ, or are neither (batch,) nor (batch, patches).
    """
    # -log sigmoid(a) = softplus(-a)
    return softplus(-fake_logits)


@per_sample
def least_squares_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Regression on the labels 1 (real) and 0 (fake).

        1/2 (D(x) - 1)^2 + 1/2 D(G(z))^2,        D = a, with no sigmoid

    Mao et al., Least Squares Generative Adversarial Networks, 2017, equation 9. Many programs leave the 1/2 out, which
    doubles the gradient.

    Args:
        real_logits: a at x, (batch,) or (batch, patches).
        fake_logits: a at G(z), likewise.

    Returns:
        The loss of each sample, (batch,), 0 or more.

    Raises:
        BadInput: If the logits' shapes differ, or are neither (batch,) nor (batch, patches).
    """
    return 0.5 * (real_logits - 1) ** 2 + 0.5 * fake_logits**2


@per_sample
def least_squares_generator(real_logits: Tensor | None, fake_logits: Tensor) -> Tensor:
    """Regression of the fake on the label 1.

        1/2 (D(G(z)) - 1)^2,        D = a, with no sigmoid

    Mao et al., Least Squares Generative Adversarial Networks, 2017, equation 9.

    Args:
        real_logits: Not read; None, or as many as the fake ones.
        fake_logits: a at G(z), (batch,) or (batch, patches).

    Returns:
        The loss of each sample, (batch,), 0 or more.

    Raises:
        BadInput: If the logits' shapes differ, or are neither (batch,) nor (batch, patches).
    """
    return 0.5 * (fake_logits - 1) ** 2


@per_sample
def wasserstein_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Minus the critic's estimate of the Wasserstein-1 distance, up to its Lipschitz constant.

        f(G(z)) - f(x),        f = a

    Arjovsky, Chintala, Bottou, Wasserstein GAN, 2017, equation 3. It means nothing without a bound on the critic's
    slope: `clip_weights` or `gradient_penalty`.

    Args:
        real_logits: f at x, (batch,) or (batch, patches).
        fake_logits: f at G(z), likewise.

    Returns:
        The loss of each sample, (batch,).

    Raises:
        BadInput: If the logits' shapes differ, or are neither (batch,) nor (batch, patches).
    """
    return fake_logits - real_logits


@per_sample
def critic_generator(real_logits: Tensor | None, fake_logits: Tensor) -> Tensor:
    """Raise the critic: the generator's loss of the Wasserstein game and of the hinge game.

        -f(G(z)),        f = a

    Arjovsky, Chintala, Bottou, Wasserstein GAN, 2017, Algorithm 1, line 10; Miyato et al., Spectral Normalization for
    Generative Adversarial Networks, 2018, equation 17.

    Args:
        real_logits: Not read; None, or as many as the fake ones.
        fake_logits: f at G(z), (batch,) or (batch, patches).

    Returns:
        The loss of each sample, (batch,).

    Raises:
        BadInput: If the logits' shapes differ, or are neither (batch,) nor (batch, patches).
    """
    return -fake_logits


@per_sample
def hinge_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """A margin of 1 on each side; samples beyond it are left alone.

        max(0, 1 - a(x)) + max(0, 1 + a(G(z)))

    Miyato et al., Spectral Normalization for Generative Adversarial Networks, 2018, equation 16; Lim, Ye, Geometric
    GAN, 2017. The generator's side has no hinge.

    Args:
        real_logits: a at x, (batch,) or (batch, patches).
        fake_logits: a at G(z), likewise.

    Returns:
        The loss of each sample, (batch,), 0 or more.

    Raises:
        BadInput: If the logits' shapes differ, or are neither (batch,) nor (batch, patches).
    """
    return relu(1 - real_logits) + relu(1 + fake_logits)


@per_sample
def relativistic_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The i-th real sample should look more real than the i-th fake one; in nats.

        -log sigmoid(a(x) - a(G(z)))

    Jolicoeur-Martineau, The relativistic discriminator: a key element missing from standard GAN, 2019, RSGAN; Huang et
    al., The GAN is dead; long live the GAN! A Modern Baseline GAN (R3GAN), 2024, equation 2. Pairs, not the
    relativistic average, which compares with the mean of the batch.

    Args:
        real_logits: a at x, (batch,) or (batch, patches).
        fake_logits: a at G(z), likewise.

    Returns:
        The loss of each sample in nats, (batch,), 0 or more.

    Raises:
        BadInput: If the logits' shapes differ, or are neither (batch,) nor (batch, patches).
    """
    # -log sigmoid(t) = softplus(-t)
    return softplus(-(real_logits - fake_logits))


@per_sample
def relativistic_generator(real_logits: Tensor | None, fake_logits: Tensor) -> Tensor:
    """The i-th fake sample should look more real than the i-th real one; in nats.

        -log sigmoid(a(G(z)) - a(x))

    Jolicoeur-Martineau, The relativistic discriminator: a key element missing from standard GAN, 2019, RSGAN; Huang et
    al., R3GAN, 2024, equation 2. The real batch is a fresh one. Not minus the discriminator's loss, which saturates.

    Args:
        real_logits: a at x, (batch,) or (batch, patches).
        fake_logits: a at G(z), likewise.

    Returns:
        The loss of each sample in nats, (batch,), 0 or more.

    Raises:
        BadInput: If real_logits is None, and for shapes that differ or are neither (batch,) nor (batch, patches).
    """
    if real_logits is None:
        raise BadInput("no real logits: the relativistic generator's loss compares fake with real, so give it both")
    # -log sigmoid(t) = softplus(-t)
    return softplus(-(fake_logits - real_logits))


minimax = Objective(cross_entropy_discriminator, minimax_generator)
non_saturating = Objective(cross_entropy_discriminator, non_saturating_generator)
# The code released in 2014 halves D's cross-entropy, not G's: half of D's step under plain SGD.
non_saturating_halved = replace(non_saturating, discriminator=halve(non_saturating.discriminator))
least_squares = Objective(least_squares_discriminator, least_squares_generator, score=identity)
wasserstein = Objective(wasserstein_discriminator, critic_generator, score=identity)
hinge = Objective(hinge_discriminator, critic_generator, score=identity)
relativistic = Objective(relativistic_discriminator, relativistic_generator, generator_sees_real=True)

OBJECTIVES: dict[str, Objective] = {
    "minimax": minimax,
    "non_saturating": non_saturating,
    "non_saturating_halved": non_saturating_halved,
    "least_squares": least_squares,
    "wasserstein": wasserstein,
    "hinge": hinge,
    "relativistic": relativistic,
}
