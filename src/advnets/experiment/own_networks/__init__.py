"""What holds for networks of one's own alone: code by its name, a model out of a module, weights as a plain state dict.

Inside of the room a file imports only from those before it: code, own_model, own_weights.
"""

from advnets.experiment.own_networks.code import load_game, load_own
from advnets.experiment.own_networks.own_model import own_model
from advnets.experiment.own_networks.own_weights import export_own_weights

__all__ = ["export_own_weights", "load_game", "load_own", "own_model"]
