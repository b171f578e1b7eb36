"""Writes tests/golden/pooled.onnx, a network that another framework might have made; needs onnx and onnxscript.

python tests/reference/onnx_file.py
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn

FILE = Path(__file__).parent.parent / "golden" / "pooled.onnx"


def network() -> nn.Module:
    """(n, 3, 16, 16) in [0, 1] -> (n, 4): a convolution with weights that no random generator decides, pooled."""
    convolution = nn.Conv2d(3, 4, 3, stride=2)
    with torch.no_grad():
        for weights in convolution.parameters():
            weights.copy_(torch.linspace(-1, 1, weights.numel()).sin().view(weights.shape))
    return nn.Sequential(convolution, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()


def without_traces(model: Any) -> Any:
    """The model without what exporting notes of its own code: lines and paths of the machine that it ran on."""
    for part in (model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output):
        del part.metadata_props[:]
        part.ClearField("doc_string")
    return model


if __name__ == "__main__":
    torch.onnx.export(
        network(),
        (torch.rand(2, 3, 16, 16),),
        FILE,
        input_names=["images"],
        output_names=["pooled"],
        dynamic_shapes=({0: torch.export.Dim("n")},),
        external_data=False,
        verbose=False,
    )
    import onnx

    onnx.save(without_traces(onnx.load(FILE)), FILE)
