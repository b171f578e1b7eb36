"""What samples are made of: noises z, and what is given beside them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from advnets.baselines import is_chain
from advnets.errors import BadInput, TooBig, Unsupported
from advnets.experiment.sampling.plan import Given, SamplePlan
from advnets.latents import LATENTS, Latent
from advnets.networks import Code
from advnets.randomness import mix_seed
from advnets.runs import Card, physical_memory

STEPS = 10
"""Samples in a row of a sweep where nothing is said."""

BYTES_OF_A_FILE = 400
"""What the list of an archive's files holds in memory for each."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """What samples are made of.

    Attributes:
        z: Noises (n, latent_size), or None where the generator takes none.
        given: Labels (n,), or images as the network sees them, or None.
        seeds: Seed of what a network draws for itself, as chains do: one for all samples, or one for each, which is
            then made alone. How many are multiplied at once changes the last bits.
    """

    z: Tensor | None
    given: Tensor | None = None
    seeds: int | Sequence[int] = 0

    def __len__(self) -> int:
        return len(self.z if self.z is not None else self.given if self.given is not None else ())


def draw_noises(card: Card, n: int, seed: int, *, truncation: float = 1.0) -> Tensor | None:
    """Draw the noises of n samples; whatever z is made of is made here.

    Truncation draws samples nearer to the middle of p(z), which are more alike and often better. Here z' = psi z, so
    that each coordinate has variance psi^2, and psi = 1 changes nothing: the temperature of D. Kingma and P. Dhariwal,
    "Glow: generative flow with invertible 1x1 convolutions" (2018). A. Brock et al., "Large scale GAN training for high
    fidelity natural image synthesis" (2019), draw the coordinates of a Gaussian z beyond a threshold again. Of a
    uniform z both are the same distribution; and a seed's own direction is kept by the first alone, at each psi.

    All are held in memory at once, 4 bytes a coordinate: those of 50,000 samples of 100 coordinates take 20 MB. Drawn
    in blocks they would be other numbers.

    Args:
        card: What the generator is.
        n: How many.
        seed: Seed of the noises.
        truncation: psi, in (0, 1].

    Returns:
        z, (n, latent_size), whose code is drawn as in training; None where the generator takes no noises.
    """
    if not card.latent_size:
        return None
    z = latent_of(card)(n, torch.Generator().manual_seed(seed))
    z[:, : card.latent_size - card.code.size] *= truncation
    return z


def latent_of(card: Card) -> Latent:
    """Return what draws the noises of a generator that takes some."""
    return LATENTS[card.latent](card.latent_size, card.code)


def set_code(card: Card, name: str, z: Tensor | None, plan: SamplePlan) -> None:
    """Write what a plan says of the code into the end of z, in place.

    Args:
        card: What the generator is.
        name: How errors call it.
        z: Noises (n, latent_size), or None where the generator takes none.
        plan: Which samples are asked for.

    Raises:
        BadInput: For a category that is not there, and for other numbers than the code has.
    """
    code = card.code
    if plan.category is not None:
        if not 0 <= plan.category < code.categories:
            raise BadInput(f"category: found {plan.category} for {name}, expected {_what_code_has(code)}")
        assert z is not None
        z[:, z.shape[1] - code.size : z.shape[1] - code.continuous] = torch.eye(code.categories)[plan.category]
    if plan.continuous is not None:
        if not code.continuous or len(plan.continuous) != code.continuous:
            raise BadInput(f"continuous: found {len(plan.continuous)} for {name}, expected {_what_code_has(code)}")
        assert z is not None
        z[:, z.shape[1] - code.continuous :] = torch.tensor(plan.continuous)


def _what_code_has(code: Code) -> str:
    if not code.size:
        return "none, for it was trained without a code, which the recipe infogan has. Leave it out."
    categories = f"a category of 0 to {code.categories - 1}" if code.categories else "no category"
    return f"{categories}, and {code.continuous} continuous coordinates"


def sweep_code(card: Card, name: str, coordinate: int, steps: int, seed: int) -> Tensor:
    """Return noises in which a continuous coordinate of the code goes from -1 to 1.

    Args:
        card: What the generator is.
        name: How errors call it.
        coordinate: Which one, from 1 on.
        steps: Values of it, 2 or more.
        seed: Seed of all the other coordinates.

    Returns:
        z, (rows x steps, latent_size): a row for each category, or one where there is none; all rows have the same
        other coordinates.

    Raises:
        BadInput: If there is no such coordinate, or there are fewer than 2 steps.
    """
    if not 1 <= coordinate <= card.code.continuous:
        known = f"1 to {card.code.continuous}" if card.code.continuous else "none, for its code has no such coordinates"
        raise BadInput(f"sweep: found the continuous coordinate {coordinate} of {name}, expected {known}")
    if steps < 2:
        raise BadInput(f"sweep: found {steps} steps, expected 2 or more. Ask for more samples.")
    noises = draw_noises(card, 1, seed)
    assert noises is not None
    rows = max(card.code.categories, 1)
    z = noises.repeat(rows * steps, 1)
    begin = card.latent_size - card.code.size
    z[:, begin : begin + card.code.categories] = torch.eye(rows)[:, : card.code.categories].repeat_interleave(steps, 0)
    z[:, begin + card.code.categories + coordinate - 1] = torch.linspace(-1, 1, steps).repeat(rows)
    return z


def choose_inputs(network: nn.Module, card: Card, name: str, plan: SamplePlan, *, streamed: bool) -> Inputs:
    """Draw the noises of a plan, and choose what is given beside them.

    Args:
        network: The generator.
        card: What it is.
        name: How errors call it.
        plan: Which samples are asked for.
        streamed: Whether the samples are written while they are drawn, and not held in memory.

    Returns:
        What they are made of.

    Raises:
        BadInput: For classes that are not there, and where images or one class have to be given.
        Unsupported: For a truncation or a path of noises that there are not, or that chains forget.
        TooBig: If the machine has no memory for so many.
    """
    if plan.truncation < 1 or plan.frames is not None:
        _expect_lasting_noises(network, card, name, "truncation" if plan.truncation < 1 else "interpolation")
    _expect_memory(card, plan.count, streamed=streamed)
    if plan.seeds is None:
        seed = plan.seed or 0
        z = draw_noises(card, plan.count, seed, truncation=plan.truncation)
        set_code(card, name, z, plan)
        return Inputs(z, choose_given(card, name, plan.count, seed, plan.given), seed)
    each = [draw_noises(card, 1, seed, truncation=plan.truncation) for seed in plan.seeds]
    z = torch.cat([one for one in each if one is not None]) if card.latent_size else None
    set_code(card, name, z, plan)
    if plan.frames is None or z is None:
        return Inputs(z, _choose_for_seeds(card, name, plan), plan.seeds)
    given = _choose_for_path(card, name, plan)
    seeds = [seed for seed in plan.seeds[:-1] for _ in range(plan.frames + 1)]
    return Inputs(interpolate_noises(card, z, plan.frames), given, [*seeds, plan.seeds[-1]])


def interpolate_noises(card: Card, z: Tensor, frames: int) -> Tensor:
    """Return the noises z, with those on the way between each two neighbours.

    Args:
        card: What the generator is; its latent says what the way is, see `Latent.interpolate`.
        z: Noises (k, latent_size).
        frames: How many lie between two, 0 or more.

    Returns:
        (k + (k - 1) frames, latent_size), in which those of z stand bit for bit.
    """
    latent = latent_of(card)
    shares = torch.linspace(0, 1, frames + 2, dtype=torch.float64)[:-1]
    ways = [latent.interpolate(start, end, shares) for start, end in pairwise(z)]
    return torch.cat([*ways, z[-1:]])


def _choose_for_seeds(card: Card, name: str, plan: SamplePlan) -> Tensor | None:
    """What is given to the sample of each seed: that which it would be given alone."""
    assert plan.seeds is not None
    if plan.given is not None or card.given is None:
        return choose_given(card, name, plan.count, 0, plan.given)
    each = [choose_given(card, name, 1, seed, None) for seed in plan.seeds]
    return torch.cat([one for one in each if one is not None])


def _choose_for_path(card: Card, name: str, plan: SamplePlan) -> Tensor | None:
    """What is given to all samples of a path: one class."""
    if card.given == "images":
        raise BadInput(f"{name} is given images, and an interpolation is between noises alone. Sample it by seeds.")
    if card.given == "labels" and not isinstance(plan.given, str | int):
        raise BadInput(
            f"{name} is given labels, and the samples of an interpolation are of one class. Name it: --class NAME, in "
            "Python given=NAME."
        )
    return choose_given(card, name, plan.count, 0, plan.given)


def choose_given(card: Card, name: str, n: int, seed: int, given: Given) -> Tensor | None:
    """Return what is given beside noises, checked.

    Args:
        card: What the generator is.
        name: How errors call it.
        n: Number of samples.
        seed: Seed of the labels, where none are given: they are drawn by their shares in the training split.
        given: A class for all or n classes, by name or number; or n images as the network sees them; or None.

    Returns:
        Labels (n,) int64, images (n, c, h, w), or None where the generator is given nothing.

    Raises:
        BadInput: For classes that are not there, another number of them, and where images have to be given.
    """
    if card.given is None:
        if given is not None:
            raise BadInput(
                f"{name} was trained without labels and is given nothing beside its noises; expected a model "
                "that is given labels, as the recipe dcgan-classes trains one. Leave the class out."
            )
        return None
    if card.given == "images":
        if not isinstance(given, Tensor):
            raise BadInput(f"{name} is given images; expected them as given=. Use `advnets translate`, or translate()")
        if len(given) != n:
            raise BadInput(f"given: found {len(given)} images, expected {n}, one for each sample")
        return given
    classes = card.data.classes or 1
    if given is None:
        shares = torch.tensor(card.data.frequencies or [1.0] * classes)
        rng = torch.Generator().manual_seed(mix_seed("labels", seed))
        return torch.multinomial(shares, n, replacement=True, generator=rng)
    labels = _labels(card, given)
    labels = labels.expand(n) if labels.numel() == 1 else labels
    if len(labels) != n:
        raise BadInput(f"given: found {len(labels)} classes, expected one for all samples, or {n}, one for each")
    if not bool(((labels >= 0) & (labels < classes)).all()):
        wrong = int(labels[(labels < 0) | (labels >= classes)][0])
        raise BadInput(f"given: found class {wrong}, expected 0 to {classes - 1}. Name a class that is there.")
    return labels


def _labels(card: Card, given: Tensor | Sequence[int | str] | int | str) -> Tensor:
    """Numbers of classes that are given by name or number, (m,) int64."""
    named = [given] if isinstance(given, str) else given.tolist() if isinstance(given, np.ndarray) else given
    if isinstance(named, Sequence):
        named = [card.data.label_of(one) if isinstance(one, str) else one for one in named]
    return torch.as_tensor(named).long().reshape(-1)


def _expect_lasting_noises(network: nn.Module, card: Card, name: str, what: str) -> None:
    """Expect a generator whose samples depend on the z that it begins with."""
    if is_chain(network):
        raise Unsupported(
            f"{name} draws by Markov chains, which forget where in z they began, so that {what} is not seen in its "
            "samples. Leave it out."
        )
    if not card.latent_size:
        raise Unsupported(f"{name} takes no noises, so that there is no {what} of them. Leave it out.")


def _expect_memory(card: Card, n: int, *, streamed: bool) -> None:
    """Check that what is held of n samples fits in memory: noises, and samples, which are there twice when joined."""
    shape = card.data.shape
    held = BYTES_OF_A_FILE if streamed else 2 * math.prod(shape) * (1 if len(shape) == 3 else 4)
    most = physical_memory() // (held + 4 * card.latent_size)
    if n > most:
        advice = "Draw fewer of them." if streamed else "Draw fewer of them, or write them to FILE.zip as they come."
        raise TooBig(f"n is {n:,}; this machine has memory for {most:,} samples at once. {advice}")
