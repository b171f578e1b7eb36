"""What an algorithm asks of a game, and how the networks of a game are called."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from advnets.errors import BadInput
from advnets.networks import Judged
from advnets.training import Batch, Moment

PRECISIONS: dict[str, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Terms(NamedTuple):
    """What a player's move is made of.

    Attributes:
        losses: Named parts, () tensors; the player descends their sum.
        scores: What is only watched, detached () tensors.
    """

    losses: dict[str, Tensor]
    scores: dict[str, Tensor]


class Draw(NamedTuple):
    """What the fakes of a turn are made of, and which lazy penalties the turn pays.

    Attributes:
        z: The noises, (batch, latent_size); None where the generator takes no noise.
        given: Labels (batch,) or images (batch, c, h, w) that the networks are given, or None.
        due: Names of the lazy penalties that are paid in this turn; of a cycle with their way, as in "there/r1".
        kept: Where the discriminator's turn leaves its fakes, with the graph that made them, for a generator's turn on
            the same draw: {"": fakes}, of a cycle {"there": ..., "back": ...}. None where each turn makes its own.
    """

    z: Tensor | None
    given: Tensor | None = None
    due: tuple[str, ...] = ()
    kept: dict[str, Tensor] | None = None

    def tensors(self) -> dict[str, Tensor]:
        """Return the draw's tensors by name.

        Returns:
            {"z": ..., "given": ...}, without those that are None.
        """
        named = {"z": self.z, "given": self.given}
        return {name: tensor for name, tensor in named.items() if tensor is not None}


def fakes_to_judge(draw: Draw, make: Callable[[Draw], Tensor], way: str = "") -> Tensor:
    """Make the fakes of a discriminator's turn, of which no gradient is taken.

    Args:
        draw: What they are made of; its `kept` keeps them for the generator, if it may.
        make: What makes them.
        way: "" of a game; "there" or "back" of a cycle.

    Returns:
        The fakes, (batch, ...).
    """
    if draw.kept is None:
        with torch.no_grad():
            return make(draw)
    draw.kept[way] = make(draw)
    return draw.kept[way].detach()


def fakes_to_improve(draw: Draw, make: Callable[[Draw], Tensor], way: str = "") -> Tensor:
    """Return the fakes of a generator's turn: those that the discriminator's turn has kept, or new ones.

    The generator has not moved since they were made, so that their gradient is that of new ones, for one pass less.

    Args:
        draw: What they are made of.
        make: What makes them.
        way: "" of a game; "there" or "back" of a cycle.

    Returns:
        The fakes, (batch, ...), a function of the generator's parameters.
    """
    kept = None if draw.kept is None else draw.kept.pop(way, None)
    return make(draw) if kept is None else kept


class Playable(Protocol):
    """All that an algorithm asks of a game."""

    @property
    def players(self) -> Mapping[str, nn.Module]:
        """Those that learn, always "discriminator" and "generator", in the order in which they move.

        A player may hold several networks, and buffers for what it remembers between steps.
        """

    @property
    def makers(self) -> Mapping[str, nn.Module]:
        """The networks that are sampled: {"": G}; of a cycle {"there": G, "back": F}."""

    def draw(self, batch: Batch, movers: Sequence[str]) -> Draw:
        """Draw what the fakes of a turn are made of; called once a turn, outside of what is recorded.

        Args:
            batch: The real samples of the turn.
            movers: The players that move in it.

        Returns:
            The draw; its `given` is the batch's own unless the game says otherwise.
        """

    def terms(self, movers: Sequence[str], batch: Batch, draw: Draw, step: int) -> dict[str, Terms]:
        """Return what each mover descends: alone, or, if there are several, from one graph.

        It may write buffers of the players, such as image pools and spectral norm's u: what only looks uses copies.

        Args:
            movers: The players that move in this turn, all from the same parameters.
            batch: The real samples.
            draw: What `draw` returned for them.
            step: Number of the step, from 0.

        Returns:
            The terms of each mover, by player.
        """

    def wants_fresh_batch(self, player: str) -> bool:
        """Return whether a player's move takes real samples that no other move has seen.

        Args:
            player: The player that moves.

        Returns:
            True where it takes a fresh batch, False where it moves on that of the move before.
        """

    def constrain(self, player: str) -> None:
        """Project a player's parameters back into their bounds, after its move.

        Args:
            player: The player that has moved; its parameters are changed in place.
        """

    def schedule(self, moment: Moment) -> None:
        """Set the weights that change with the run to their values at a moment.

        Args:
            moment: Where the run stands.
        """


def takes_given(network: nn.Module) -> bool:
    """Return whether a network's forward takes a second argument, which is what it is given.

    Args:
        network: Any network.

    Returns:
        True for forward(x, given), also where `given` has a default; False for forward(x).
    """
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    compiled_from = getattr(network, "_orig_mod", network)  # torch.compile hides what a forward takes
    parameters = inspect.signature(compiled_from.forward).parameters.values()
    return sum(parameter.kind in kinds for parameter in parameters) > 1


def make(maker: nn.Module, z: Tensor | None, given: Tensor | None) -> Tensor:
    """Let a generator make samples of noises, of what it is given, or of both.

    Args:
        maker: The generator.
        z: Noises (n, latent_size), or None.
        given: Labels (n,), images (n, c, h, w), or None.

    Returns:
        The samples, as the network emits them.

    Raises:
        BadInput: If it returns anything but a tensor, such as a tuple or a dict.
    """
    sees_both = z is not None and given is not None and takes_given(maker)
    made = maker(z, given) if sees_both else maker(given if z is None else z)
    if not isinstance(made, Tensor):
        raise BadInput(
            f"the generator returned a {type(made).__name__}; expected a tensor of samples, (batch, ...). Let it "
            "return the samples alone."
        )
    return made


def judged_of(found: Any) -> Judged:
    """Return what a discriminator returned as `Judged`.

    Args:
        found: A tensor of logits, or `Judged`.

    Returns:
        The logits as they are, and the heads.

    Raises:
        BadInput: If it is neither, such as a tuple or a dict.
    """
    logits, heads = found if isinstance(found, Judged) else (found, {})
    advice = "A discriminator that tells more beside them returns advnets.Judged(logits, {name: tensor})."
    if not isinstance(logits, Tensor):
        raise BadInput(
            f"the discriminator returned a {type(logits).__name__}; expected a tensor of logits, (batch,) or (batch, "
            f"patches). {advice}"
        )
    if not isinstance(heads, Mapping):
        raise BadInput(f"the discriminator returned heads as a {type(heads).__name__}; expected a mapping. {advice}")
    return Judged(logits, heads)


def logits_of(found: Tensor, n: int) -> Tensor:
    """Return a discriminator's output as logits.

    Args:
        found: What it returned, with n first.
        n: The number of samples, or of packs, that it was shown.

    Returns:
        (n,), or (n, patches) where it gave more than one number a sample.

    Raises:
        BadInput: If there is not one row a sample.
    """
    if found.ndim == 0 or len(found) != n:
        raise BadInput(
            f"the discriminator gave {tuple(found.shape)} for {n} samples; expected (batch,), (batch, 1) or patches "
            "(batch, ...). Let it keep the batch as its first axis."
        )
    if found.ndim == 1:
        return found
    flat = found.flatten(1)
    return flat.squeeze(1) if flat.shape[1] == 1 else flat


@contextmanager
def frozen_parameters(*networks: nn.Module) -> Iterator[None]:
    """Let gradients pass through networks to their inputs, while none is computed for their parameters.

    Args:
        networks: The networks; what did not require gradients before does not afterwards.

    Yields:
        Nothing.
    """
    moving = [theta for network in networks for theta in network.parameters() if theta.requires_grad]
    for theta in moving:
        theta.requires_grad_(False)
    try:
        yield
    finally:
        for theta in moving:
            theta.requires_grad_(True)
