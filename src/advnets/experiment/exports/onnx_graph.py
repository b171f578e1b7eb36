"""From a network to the bytes of an ONNX model, by torch's exporter.

The exporter notes lines and paths of the machine that it ran on; they are left out, so that a generator has the same
bytes wherever it is exported with the same versions.
"""

import contextlib
import logging
import math
import warnings
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from advnets.errors import NonFinite, Unsupported, first_line

OPSET = 18
"""Version of the operators: the one that torch's exporter writes without a conversion."""

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
"""What the extra `onnx` installs."""

LEAST_HALVED = 64
"""Numbers of a tensor below which half precision saves nothing, for the cast takes as many bytes."""


def expect_packages() -> None:
    """Raise Unsupported if a package of the extra `onnx` is not installed."""
    absent = [name for name in PACKAGES if find_spec(name) is None]
    if absent:
        raise Unsupported(
            f"found no {', no '.join(absent)}, which write and check ONNX files. Install the extra: "
            "pip install 'advnets[onnx]'."
        )


def export_graph(network: nn.Module, examples: Mapping[str, Tensor], output: str) -> Any:
    """Return a network as an ONNX model with its weights inside, for batches of any size.

    Args:
        network: In evaluation mode; it takes the examples in order.
        examples: An example of each input by its name, of a batch of 2 or more.
        output: Name of the output.

    Returns:
        The model, an onnx.ModelProto.

    Raises:
        Unsupported: If torch cannot export the network.
    """
    with _quiet_exporter(), torch.no_grad():
        try:
            program: Any = torch.onnx.export(
                network,
                tuple(examples.values()),
                dynamo=True,
                external_data=False,
                dynamic_shapes=(tuple({0: torch.export.Dim("n")} for _ in examples),),
                input_names=list(examples),
                output_names=[output],
                opset_version=OPSET,
                verbose=False,
            )
        except Exception as error:  # the exporter has kinds of its own, and hands on those of the network
            raise Unsupported(
                f"torch cannot export the generator as ONNX for batches of any size ({_reason(error)}). Name a "
                "FILE.safetensors, or change the network."
            ) from error
        model = program.model_proto
    _drop_traces(model)
    _expect_any_batch(model)
    return model


def describe_graph(model: Any, about: str, properties: Mapping[str, str]) -> bytes:
    """Write into a model what it is, and return its bytes.

    Args:
        model: The model, which is changed.
        about: What it is, for whoever opens it.
        properties: Further words about it by name.

    Returns:
        Its bytes.
    """
    model.producer_name, model.doc_string = "advnets", about
    model.producer_version = f"{version('advnets')} with torch {torch.__version__}"
    del model.metadata_props[:]
    for name, words in properties.items():
        model.metadata_props.add(key=name, value=words)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _expect_any_batch(model: Any) -> None:
    """Expect that no size of a batch is fixed: the exporter fixes it in silence where the network does."""
    for port in (*model.graph.input, *model.graph.output):
        if not port.type.tensor_type.shape.dim[0].dim_param:
            raise Unsupported(
                f"torch cannot export the generator as ONNX for batches of any size: {port.name} has a fixed one. Let "
                "the network reshape by -1 in place of a number, or name a FILE.safetensors."
            )


def _reason(error: BaseException) -> str:
    """What went wrong first: the exporter wraps it, in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return first_line(error) if isinstance(error, Exception) else type(error).__name__


@contextlib.contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Keep what torch's exporter says about itself away from the user's terminal."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _drop_traces(model: Any) -> None:
    """Leave out what the exporter notes of its own code."""
    graph = model.graph
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]
        part.ClearField("doc_string")


def store_halves(model: Any) -> None:
    """Store the tensors of a model in half precision, each with a cast to the single precision of all products.

    Args:
        model: An onnx.ModelProto, which is changed.

    Raises:
        NonFinite: If a number is beyond half precision.
    """
    from onnx import TensorProto, helper, numpy_helper  # type: ignore[import-not-found,import-untyped,unused-ignore]

    graph, casts = model.graph, []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or math.prod(tensor.dims) < LEAST_HALVED:
            continue
        name = tensor.name
        with np.errstate(over="ignore"):
            halves = numpy_helper.to_array(tensor).astype(np.float16)
        if not np.isfinite(halves).all():
            raise NonFinite(
                f"NaN or Inf in tensor {name} in half precision, which ends at 65,504; expected finite numbers"
            )
        tensor.CopyFrom(numpy_helper.from_array(halves, f"{name}.half"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    later = [type(node).FromString(node.SerializeToString()) for node in graph.node]
    del graph.node[:]
    graph.node.extend([*casts, *later])
