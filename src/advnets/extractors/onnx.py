"""An ONNX file as an extractor: a network from any framework, run by onnxruntime."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from advnets.errors import BadInput, Missing, Unsupported
from advnets.extractors.extractor import expect_features, in_parts
from advnets.extractors.image_preprocessing import Preprocessing

PART = 32
"""Images that go through at once, where the file does not fix how many."""


class Port(Protocol):
    """An input or an output of a session: its name, and its shape, with None or a word where any size will do."""

    name: str
    shape: Sequence[Any]


class Session(Protocol):
    """What is used of onnxruntime.InferenceSession."""

    def get_inputs(self) -> Sequence[Port]:
        """Inputs, in order."""

    def get_outputs(self) -> Sequence[Port]:
        """Outputs, in order."""

    def run(self, names: Sequence[str], feeds: Mapping[str, NDArray[np.float32]]) -> Sequence[NDArray[Any]]:
        """The outputs of those names."""


@dataclass(frozen=True, eq=False)
class OnnxExtractor:
    """A session, and how images are prepared for it.

    sha256: of the file. output: the name of the output that the features are. preprocessing: from bytes to floats.
    """

    session: Session
    sha256: str
    output: str
    preprocessing: Preprocessing

    @property
    def id(self) -> str:
        """The output's name, the preprocessing, and the SHA-256 of the file."""
        return f"onnx {self.output}; {self.preprocessing}; sha256 {self.sha256}"

    def features(self, values: Tensor) -> Tensor:
        """(n, c, h, w) uint8 -> (n, d) float32.

        A file that fixes the number of images is given so many at a time, the last ones filled up.
        Raises BadInput for what are not such images, for those of a size that the file does not take, and for an
        output that is not (n, d); NonFinite for NaN or Inf.
        """
        self.preprocessing.expect_images(values)
        port = self.session.get_inputs()[0]
        fixed = port.shape[0] if len(port.shape) and isinstance(port.shape[0], int) else None

        def way(part: Tensor) -> Tensor:
            prepared = self.preprocessing(part.cpu()).contiguous()
            try:
                made = self.session.run([self.output], {port.name: prepared.numpy()})[0]
            except Exception as error:  # see _session
                found = f"floats {tuple(prepared.shape)} given to {port.name}, of shape {list(port.shape)}"
                raise BadInput(f"onnx: found {found}: {error}. Prepare images as the file expects them.") from error
            return expect_features(torch.tensor(made), len(part), self.output)

        return in_parts(way, values, fixed or PART, full=fixed is not None)


def onnx_extractor(
    path: Path,
    preprocessing: Preprocessing | None = None,
    *,
    output: str | None = None,
    session: Session | None = None,
) -> OnnxExtractor:
    """The extractor that an ONNX file is, on the CPU.

    path: the file; its bytes are read once, and are those that the id tells of. preprocessing: how bytes become what
    its one input takes, float32; None is images in [0, 1], of the size and channels that the file fixes.
    output: the name of the output that is (n, d); None if there is only one. session: what runs the file in place of
    onnxruntime.
    Raises Missing for a file that cannot be read; Unsupported where onnxruntime is not installed or does not read the
    file; BadInput for more than one input, or an output that is not there.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Missing(f"{path}: cannot be read ({error.strerror}). Give the path of an ONNX file.") from error
    session = session or _open_session(content, path)
    inputs, outputs = session.get_inputs(), [port.name for port in session.get_outputs()]
    if len(inputs) != 1:
        raise BadInput(f"{path}: found the inputs {[port.name for port in inputs]}, expected one. Export images only.")
    if output is None and len(outputs) != 1:
        raise BadInput(f"{path}: found the outputs {outputs}, expected one. Say which by `output`.")
    chosen = output or outputs[0]
    if chosen not in outputs:
        raise BadInput(f"{path}: found the outputs {outputs}, expected {chosen!r} among them. Give one of these.")
    return OnnxExtractor(
        session, hashlib.sha256(content).hexdigest(), chosen, preprocessing or _default_preprocessing(inputs[0])
    )


def _default_preprocessing(port: Port) -> Preprocessing:
    """Images in [0, 1] of the size and channels that an input (n, c, h, w) fixes."""
    if len(port.shape) != 4:
        found = f"the input {port.name} of shape {list(port.shape)}"
        raise BadInput(f"onnx: found {found}, expected images (n, c, h, w). Export a network of images.")
    _, channels, *sides = (side if isinstance(side, int) else None for side in port.shape)
    height, width = sides
    return Preprocessing(size=None if height is None or width is None else (height, width), channels=channels)


def _open_session(content: bytes, path: Path) -> Session:
    try:
        import onnxruntime  # type: ignore[import-not-found,import-untyped,unused-ignore]  # of the extra `onnx`
    except ImportError as error:
        raise Unsupported(
            f"{path}: found no onnxruntime, which reads ONNX files. Install the extra: pip install 'advnets[onnx]'."
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        made: Session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a dozen kinds of them, without a common root of its own
        raise Unsupported(f"{path}: onnxruntime does not read it ({error}). Export it again.") from error
    return made
