"""Share files: the weights of a row of NETWORKS in one safetensors file."""

from pathlib import Path

from advnets.experiment.exports.exporter import Notes
from advnets.experiment.model import Model
from advnets.experiment.preparation.build_model import build_on_meta, with_weights
from advnets.runs import expected_tensors, share


def write_share_file(path: Path, model: Model) -> Notes:
    """Write a model as a share file, and read it back.

    Args:
        path: The file, which must not be there.
        model: The model.

    Returns:
        No notes: it draws the very samples of the model, in half precision nearly.

    Raises:
        BadInput: As `share.write_generator` and `share.read_generator` do.
    """
    expected_tensors(model.card, build_on_meta)
    share.write_generator(path, model.card, model.network.state_dict())
    read_share_file(path)
    return ()


def read_share_file(path: Path) -> Model:
    """Return the model in a share file. Raises what `share.read_generator` does."""
    card, tensors = share.read_generator(path, lambda card: expected_tensors(card, build_on_meta))
    return Model(path.name, with_weights(build_on_meta(card), tensors), card, path.name)
