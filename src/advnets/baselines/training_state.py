"""What a checkpoint of every baseline holds: its network, its optimizer and its position in the data."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.optim import Optimizer

from advnets.data import Batches
from advnets.errors import BadInput


def training_state(network: nn.Module, optimizer: Optimizer, batches: Batches) -> dict[str, Any]:
    """Return the state of a baseline's training.

    Args:
        network: The network that is trained.
        optimizer: Its optimizer.
        batches: The batches that it is trained on.

    Returns:
        Their states under "network", "optimizer" and "batches".
    """
    return {
        "network": dict(network.state_dict()),
        "optimizer": optimizer.state_dict(),
        "batches": batches.state(),
    }


@contextmanager
def explain_other_network() -> Iterator[None]:
    """Turn what torch raises on the state of another network into an error that says so.

    Yields:
        Nothing; the state is loaded inside.

    Raises:
        BadInput: If the state does not fit.
    """
    try:
        yield
    except (RuntimeError, KeyError, IndexError, ValueError) as error:
        raise BadInput(
            f"the checkpoint is of another network than this one: {error}. Resume with the recipe that wrote it."
        ) from error
