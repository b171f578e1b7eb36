"""ONNX files as another program, or somebody with bad intentions, would make them: with right hashes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import onnx
from onnx import TensorProto, helper

from advnets.experiment.exports.sealed_onnx import KEY, seal, unseal
from advnets.runs import Card


def body_of(content: bytes) -> Any:
    """The model in a file, without its card."""
    model = onnx.load_from_string(content)
    assert model.metadata_props[-1].key == KEY.decode()
    del model.metadata_props[-1]
    return model


def forge(content: bytes, change: Callable[[Any], object], **card: Any) -> bytes:
    """A file whose model and card are changed, and whose hashes are right."""
    model = body_of(content)
    change(model)
    return seal(model.SerializeToString(), replace(unseal(content), **card))


def put_external_data(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def put_loop(model: Any) -> None:
    body = helper.make_graph(
        [helper.make_node("Identity", ["going"], ["on"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, [])],
    )
    model.graph.initializer.append(helper.make_tensor("yes", TensorProto.BOOL, [], [True]))
    model.graph.node.append(helper.make_node("Loop", ["", "yes"], [], body=body))


def put_domain(model: Any) -> None:
    model.graph.node[0].domain = "com.microsoft"


def put_function(model: Any) -> None:
    identity = helper.make_node("Identity", ["x"], ["y"])
    model.functions.append(helper.make_function("own", "f", ["x"], ["y"], [identity], [helper.make_opsetid("", 18)]))


def rename_input(model: Any) -> None:
    node = next(node for node in model.graph.node if "z" in node.input)
    node.input[list(node.input).index("z")] = "x"
    model.graph.input[0].name = "x"


def double_side(model: Any) -> None:
    """The output as declared stays; what is computed is twice as high."""
    last = model.graph.node[-1]
    name = model.graph.output[0].name
    last.output[0] = "half_of_it"
    model.graph.node.append(helper.make_node("Concat", ["half_of_it", "half_of_it"], [name], axis=2))
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    for _ in range(4):
        model.graph.output[0].type.tensor_type.shape.dim.add()
    for dim, size in zip(model.graph.output[0].type.tensor_type.shape.dim, ("n", 1, 16, 8), strict=True):
        dim.dim_param, dim.dim_value = (size, 0) if isinstance(size, str) else ("", size)
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "n"


def leave_as_it_is(model: Any) -> None:
    """Nothing is changed in the model."""


FORGERIES: Mapping[str, tuple[Callable[[Any], object], Mapping[str, Any], str]] = {
    "tensors elsewhere": (put_external_data, {}, "found tensors in the other file '/etc/passwd'"),
    "loop": (put_loop, {}, "found a loop or a branch"),
    "other operators": (put_domain, {}, "found an operator of the domain 'com.microsoft'"),
    "functions": (put_function, {}, "functions of its own"),
    "another input": (rename_input, {}, "found the inputs .*'x'"),
    "another shape": (double_side, {}, "found the outputs .*16"),
    "noises of another size": (leave_as_it_is, {"latent_size": 5}, "found the inputs .*expected .*5"),
    "labels that are not read": (leave_as_it_is, {"given": "images"}, "found the inputs"),
    "no such latent": (leave_as_it_is, {"latent": "cauchy"}, "unknown latent 'cauchy'"),
    "a huge latent": (leave_as_it_is, {"latent_size": 10**9}, "expected numbers of 1 to"),
}
"""By name: the change of the model, that of the card, and what the error says."""

__all__ = ["FORGERIES", "Card", "body_of", "forge", "leave_as_it_is"]
