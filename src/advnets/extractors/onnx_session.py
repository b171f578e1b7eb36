"""Sessions of onnxruntime, which run ONNX models."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from numpy.typing import NDArray

from advnets.errors import Unsupported


class Port(Protocol):
    """An input or an output of a session.

    Attributes:
        name: Its name.
        type: Its type, such as "tensor(float)".
        shape: Its shape, with None or a word where any size will do.
    """

    name: str
    type: str
    shape: Sequence[Any]


class Session(Protocol):
    """The part of onnxruntime.InferenceSession that is used here."""

    def get_inputs(self) -> Sequence[Port]:
        """Return the inputs, in order.

        Returns:
            The name, the type and the shape of each.
        """

    def get_outputs(self) -> Sequence[Port]:
        """Return the outputs, in order.

        Returns:
            The name, the type and the shape of each.
        """

    def run(self, names: Sequence[str], feeds: Mapping[str, NDArray[Any]]) -> Sequence[NDArray[Any]]:
        """Run the network.

        Args:
            names: Names of the outputs to compute.
            feeds: Values of the inputs, by name.

        Returns:
            The outputs of those names.
        """


def open_session(content: bytes, path: Path, beside: Mapping[str, bytes]) -> Session:
    """Let onnxruntime read a model, to be run on the CPU with as many threads as torch has.

    Args:
        content: Bytes of the model.
        path: Its path, for errors.
        beside: Bytes of the files that it keeps tensors in, by name; nothing else is read from the disk.

    Returns:
        What runs it.

    Raises:
        Unsupported: If onnxruntime is not installed, or does not read the model.
    """
    try:
        import onnxruntime  # type: ignore[import-not-found,import-untyped,unused-ignore]  # of the extra `onnx`
    except ImportError as error:
        raise Unsupported(
            f"{path}: found no onnxruntime, which reads ONNX files. Install the extra: pip install 'advnets[onnx]'."
        ) from error
    options = onnxruntime.SessionOptions()
    if beside and not hasattr(options, "add_external_initializers_from_files_in_memory"):
        raise Unsupported(
            f"{path}: found tensors in other files ({', '.join(beside)}), which onnxruntime {onnxruntime.__version__} "
            "does not take from memory. Take a newer one, or export the model as one file."
        )
    options.intra_op_num_threads = torch.get_num_threads()
    # Bytes with a certain word in a certain place would be read in another format, and not be what was looked at.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        if beside:  # the very bytes that were hashed, wherever the files lie
            names, contents = list(beside), list(beside.values())
            options.add_external_initializers_from_files_in_memory(names, contents, [len(held) for held in contents])
        session: Session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a dozen kinds of them, without a common root of its own
        raise Unsupported(f"{path}: onnxruntime does not read it ({error}). Export it again.") from error
    return session
