"""Ties: what binds a player to data beside its objective. Each is a loss, (batch,), of what a move has seen.

A tie is not a penalty, which reads the slope of the critic, and not a constraint, which moves parameters.
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import cross_entropy

from advnets.errors import BadInput
from advnets.games.playable import Draw
from advnets.networks import Judged
from advnets.training import Batch


class View(NamedTuple):
    """What a player's move has seen.

    Attributes:
        player: The player that moves.
        batch: The real samples, and what was given with them.
        draw: What the fakes were made of.
        fake: The fakes, (batch, ...).
        judged_fake: What the discriminator returned for the fakes.
        judged_real: What it returned for the real samples; None in a move of the generator that does not look at them.
    """

    player: str
    batch: Batch
    draw: Draw
    fake: Tensor
    judged_fake: Judged
    judged_real: Judged | None = None


Tie = Callable[[View], Tensor]


def l1(seen: View) -> Tensor:
    """Return the mean absolute difference of each fake from its real sample, the target.

        |y - G(x, z)|_1 / (c h w)

    Isola et al., Image-to-image translation with conditional adversarial networks, 2017, equation 3. It only means
    something where the real samples belong to what is given.

    Args:
        seen: What the generator's move has seen.

    Returns:
        (batch,).
    """
    return (seen.fake - seen.batch.real).abs().flatten(1).mean(1)


def class_heads(seen: View) -> Tensor:
    """Return the cross-entropy of the discriminator's class logits, in nats.

        -log p(c | x) - log p(c | G(z, c)) for the discriminator,        -log p(c | G(z, c)) for the generator

    Odena, Olah, Shlens, Conditional image synthesis with auxiliary classifier GANs, 2017, equation 3.

    Args:
        seen: What the move has seen; the discriminator returns `Judged` with the head "classes", (batch, classes).

    Returns:
        (batch,).

    Raises:
        BadInput: If there are no labels, or the discriminator has no such head.
    """
    if seen.draw.given is None or seen.batch.given is None:
        raise BadInput("class_heads: found no labels; expected a game with given='labels'")
    loss = cross_entropy(_head(seen.judged_fake, "classes"), seen.draw.given, reduction="none")
    if seen.player == "discriminator" and seen.judged_real is not None:
        loss = loss + cross_entropy(_head(seen.judged_real, "classes"), seen.batch.given, reduction="none")
    return loss


def information(seen: View) -> Tensor:
    """Return how badly the discriminator's heads tell the code at the end of z, in nats.

        -E log q(c | G(z, c)),        minus a bound on the information of code and sample, up to a constant

    Chen et al., InfoGAN, 2016, equation 5: cross-entropy of the category; half the squared error of the continuous
    coordinates, whose q is a Gaussian of unit variance. The heads belong to the discriminator, whose optimizer moves
    them. Not `class_heads`, which needs labels.

    Args:
        seen: What the move has seen. The discriminator returns `Judged` with the head "categories", logits (batch,
            categories), or "continuous", means (batch, continuous), or both; in this order they are the code.

    Returns:
        (batch,), of the fakes.

    Raises:
        BadInput: If there is no noise, or the discriminator has neither head.
    """
    if seen.draw.z is None:
        raise BadInput("information: found no noise; expected a latent whose last coordinates are the code")
    heads = seen.judged_fake.heads
    told = {name: heads[name] for name in ("categories", "continuous") if name in heads}
    if not told:
        _head(seen.judged_fake, "categories")
    code = seen.draw.z[:, -sum(head.shape[1] for head in told.values()) :]
    loss = code.new_zeros(len(code))
    if "categories" in told:
        loss = cross_entropy(told["categories"], code[:, : told["categories"].shape[1]], reduction="none")
    if "continuous" in told:
        means = told["continuous"]
        loss = loss + 0.5 * (means - code[:, -means.shape[1] :]).square().sum(1)
    return loss


def _head(judged: Judged, name: str) -> Tensor:
    if name not in judged.heads:
        raise BadInput(
            f"the discriminator has no head {name!r}: found {', '.join(judged.heads) or 'none'}. Let it return "
            f"Judged(logits, {{{name!r}: ...}})."
        )
    return judged.heads[name]


TIES: dict[str, Tie] = {"l1": l1, "class_heads": class_heads, "information": information}
