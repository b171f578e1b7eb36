"""A generator out of what its card says, and its weights."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from advnets.averaging import prepare_sampling
from advnets.baselines import Baseline
from advnets.errors import AdvnetsError, BadInput
from advnets.networks import GeneratorRow, Sizes
from advnets.recipes import lower_from_json, maker_from_json
from advnets.runs import Card


def build_on_meta(card: Card) -> nn.Module:
    """Build a card's generator without its numbers, on the meta device. Raises BadInput if it cannot be built."""
    return build_row_on_meta(maker_from_json(card.generator), card)


def build_row_on_meta(row: GeneratorRow | Baseline, card: Card) -> nn.Module:
    """Build a generator without its numbers, on the meta device.

    Args:
        row: The generator's row.
        card: What it is sized by, and the layers of later stages.

    Returns:
        The network.

    Raises:
        BadInput: If it cannot be built.
    """
    data = card.data
    classes = data.classes if card.given == "labels" else None
    sizes = Sizes(data.shape, card.latent_size, classes, data.given_shape, card.code)
    try:
        with torch.device("meta"):
            return with_lower_layers(row.build(sizes), card)
    except AdvnetsError:
        raise
    except (ArithmeticError, AssertionError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise BadInput(f"the generator cannot be built of {row}: {error}") from error


def with_lower_layers(network: nn.Module, card: Card) -> nn.Module:
    """Return the generator with the layers of the card's later stages before it."""
    for layers in card.below:
        network = nn.Sequential(lower_from_json(layers).build(Sizes(card.data.shape, card.latent_size)), network)
    return network


def with_weights(network: nn.Module, tensors: Mapping[str, Tensor]) -> nn.Module:
    """Return the network with copies of these tensors as its own, to be sampled. Raises BadInput if they do not fit."""
    # Copies lie as torch aligns them: products of matrices that lie otherwise may differ in their last bit.
    aligned = {name: tensor.clone() for name, tensor in tensors.items()}
    try:
        network.load_state_dict(aligned, assign=True)
    except RuntimeError as error:
        raise BadInput(f"the checkpoint is of other networks than these: {error}") from error
    # A product with a tensor without numbers may raise nothing, and read what lies in memory.
    assert not any(tensor.is_meta for tensor in (*network.parameters(), *network.buffers())), "a buffer of no state"
    return prepare_sampling(network)
