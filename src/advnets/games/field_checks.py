"""Checks of what a game is made of: each error says what was found, what was expected and what to write instead."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from advnets.errors import BadInput, unknown
from advnets.latents import Latent
from advnets.networks import Dropout, Noise
from advnets.objectives import OBJECTIVES, Objective

CHANCE_LAYERS = (Dropout, Noise, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)


def expect_network(player: str, found: Any) -> None:
    """Expect a network whose layers have their sizes.

    Args:
        player: What errors call it, "generator" or "discriminator".
        found: What stands in its place.

    Raises:
        BadInput: If it is no nn.Module, or has lazy layers that have not seen an input yet.
    """
    if isinstance(found, type):
        raise BadInput(f"{player}: found the class {found.__name__}, expected an nn.Module. Write {found.__name__}().")
    if not isinstance(found, nn.Module):
        raise BadInput(f"{player}: found {_brief(found)}, expected an nn.Module. Give the network itself.")
    for name, layer in found.named_modules():
        if any(is_lazy(tensor) for tensor in _own_tensors(layer)):
            raise BadInput(
                f"{player}: found the lazy layer {name or type(layer).__name__!r}, which has no size yet; expected "
                "layers that have theirs, for a run begins with their weights. Call the network once before you give "
                f"it, as in {_first_call(player)}."
            )


def expect_objective(found: Any) -> None:
    """Expect an objective; a text is told which name to write. Raises BadInput for anything else.

    Args:
        found: What stands in its place.

    Raises:
        BadInput: If it is no Objective.
    """
    if isinstance(found, Objective):
        return
    if isinstance(found, str) and found in OBJECTIVES:
        written = f"expected an Objective, such as advnets.{found}. Write it without quotes."
        raise BadInput(f"objective: found {_brief(found)}; {written}")
    near = f" {unknown('objective', found, OBJECTIVES)}." if isinstance(found, str) else ""
    raise BadInput(
        f"objective: found {_brief(found)}; expected an Objective, such as advnets.hinge.{near} One of your own is "
        "advnets.Objective(discriminator=..., generator=...)."
    )


def expect_latent(found: Any) -> None:
    """Expect what draws z, or None.

    Args:
        found: What stands in its place.

    Raises:
        BadInput: If it is no Latent.
    """
    if found is None or isinstance(found, Latent):
        return
    size = found if type(found) is int and found > 0 else 64
    raise BadInput(
        f"latent: found {_brief(found)}; expected a Latent, such as advnets.gaussian({size}), or None. Write "
        f"latent=advnets.gaussian({size})."
    )


def expect_by_function(name: str, found: Any, *, what: str, example: str, number: str = "weight") -> None:
    """Expect a mapping of functions.

    Args:
        name: The field's name.
        found: What stands in its place.
        what: What one of the functions is, such as "penalty".
        example: What could be written.
        number: What the mapping has for each.

    Raises:
        BadInput: If it is no mapping, or one of its keys cannot be called.
    """
    expected = f"expected a mapping {{{what}: {number}}}. Write {name}={{advnets.{example}}}."
    if not isinstance(found, Mapping):
        raise BadInput(f"{name}: found {_brief(found)}; {expected}")
    for function in found:
        if not callable(function):
            raise BadInput(f"{name}: found the key {_brief(function)}, which is no function; {expected}")


def expect_by_player(name: str, found: Any, *, players: tuple[str, ...], what: str, example: str, number: str) -> None:
    """Expect a mapping {player: {function: number}}.

    Args:
        name: The field's name.
        found: What stands in its place.
        players: The players there are.
        what: What one of the functions is, such as "tie".
        example: What could be written for a player.
        number: What the inner mappings have for each function.

    Raises:
        BadInput: If it is another.
    """
    if not isinstance(found, Mapping):
        raise BadInput(
            f"{name}: found {_brief(found)}; expected a mapping {{player: {{{what}: {number}}}}}. Write "
            f'{name}={{"{players[-1]}": {{advnets.{example}}}}}.'
        )
    for player, inner in found.items():
        if player not in players:
            raise unknown("player", str(player), players)
        expect_by_function(f"{name} of the {player}", inner, what=what, example=example, number=number)


def expect_callable(name: str, found: Any) -> None:
    """Expect a function, a module, or None.

    Args:
        name: The field's name.
        found: What stands in its place.

    Raises:
        BadInput: If it cannot be called.
    """
    if found is not None and (not callable(found) or isinstance(found, type)):
        raise BadInput(f"{name}: found {_brief(found)}; expected a function of samples, an nn.Module, or None")


def expect_precision(found: Any) -> None:
    """Expect a type of torch's numbers.

    Args:
        found: What stands in its place.

    Raises:
        BadInput: If it is none.
    """
    if not isinstance(found, torch.dtype):
        raise BadInput(f"precision: found {_brief(found)}; expected a torch.dtype. Write torch.bfloat16.")


def expect_same_in_two_passes(discriminator: nn.Module, draws_once: bool) -> None:
    """Expect a discriminator that is the same function in two passes, which finite differences compare.

    Args:
        discriminator: The network.
        draws_once: Whether its augmentation is drawn once for both.

    Raises:
        BadInput: If it has dropout or noise, or the augmentation is drawn for each pass.
    """
    for name, layer in discriminator.named_modules():
        if isinstance(layer, CHANCE_LAYERS) and any(getattr(layer, name, 0) for name in ("p", "deviation")):
            raise BadInput(
                f"penalties by finite differences compare two passes of the discriminator, and {name or 'it'!r} is "
                f"{type(layer).__name__}, which draws for each: expected none. Take r1 and r2, or leave that layer out."
            )
    if not draws_once:
        raise BadInput(
            "penalties by finite differences compare two passes of the discriminator: found an augment= that may draw "
            "for each, expected an Augmentation, or a module with draw(n) -> parameters and forward(x, parameters). "
            "Take r1 and r2, or give it these."
        )


def expect_arguments(player: str, network: nn.Module, names: tuple[str, ...]) -> None:
    """Expect that a network can be called with what the game has for it.

    Args:
        player: What errors call it.
        network: The network.
        names: What it is called with, as errors call it: ("z",), ("x", "labels").

    Raises:
        BadInput: If its forward needs more.
    """
    needed = _needed_arguments(network.forward)
    if len(needed) > len(names):
        raise BadInput(
            f"the {player}'s forward takes {', '.join(needed)}, and the game has {', '.join(names)} for it. A network "
            "that also sees labels or images is given them by Game(..., given='labels') or given='images', as the "
            "second argument; anything else must have a default."
        )


def _needed_arguments(forward: Callable[..., Any]) -> list[str]:
    """Names of the positional arguments without a default; none where Python does not tell."""
    try:
        parameters = inspect.signature(forward).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [one.name for one in parameters if one.kind in kinds and one.default is inspect.Parameter.empty]


def _own_tensors(layer: nn.Module) -> Iterator[Tensor]:
    yield from layer.parameters(recurse=False)
    yield from layer.buffers(recurse=False)


def _first_call(player: str) -> str:
    seen = "torch.randn(2, latent_size)" if player == "generator" else "torch.zeros(2, channels, height, width)"
    return f"{player}({seen})"


def _brief(found: Any) -> str:
    """A value and its type, in a few words."""
    text = repr(found)
    return f"{text if len(text) <= 60 else f'{text[:57]}...'} ({type(found).__name__})"
