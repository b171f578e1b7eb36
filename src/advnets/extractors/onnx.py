"""An ONNX file as an extractor: a network from any framework, run by onnxruntime."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from advnets.disk import open_regular_file
from advnets.errors import BadInput, Missing, Unsupported
from advnets.extractors.external_data import external_names, read_external
from advnets.extractors.extractor import expect_features, run_in_parts
from advnets.extractors.image_preprocessing import Preprocessing
from advnets.extractors.onnx_session import Port, Session, open_session

PART = 32
"""Images that are run at once, if the file does not fix their number."""


@dataclass(frozen=True, eq=False)
class OnnxExtractor:
    """The extractor of an ONNX file, with the preprocessing of its images.

    Attributes:
        session: What runs the file.
        sha256: SHA-256 of the file; where it keeps tensors in others, of all of them.
        output: Name of the output whose values are the features.
        preprocessing: The map from bytes to floats.
        beside: Bytes of the files that the file keeps tensors in, by name; the session may read them where they lie.
    """

    session: Session
    sha256: str
    output: str
    preprocessing: Preprocessing
    beside: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def id(self) -> str:
        """The output's name, the preprocessing, and the SHA-256 of the file, with those that it keeps tensors in."""
        return f"onnx {self.output}; {self.preprocessing}; sha256 {self.sha256}"

    def features(self, values: Tensor) -> Tensor:
        """Compute the output of images.

        A file that fixes the number of images is run on so many at a time, and the last ones are padded.

        Args:
            values: Images, (n, c, h, w) uint8.

        Returns:
            Features, (n, d) float32.

        Raises:
            BadInput: If these are not such images, if the file does not take their size, or if the output is not (n,
                d).
            NonFinite: If there is a NaN or an Inf.
        """
        self.preprocessing.expect_images(values)
        port = self.session.get_inputs()[0]
        fixed = port.shape[0] if len(port.shape) and isinstance(port.shape[0], int) else None

        def run(part: Tensor) -> Tensor:
            prepared = self.preprocessing(part.cpu()).contiguous()
            try:
                features = self.session.run([self.output], {port.name: prepared.numpy()})[0]
            except Exception as error:  # see open_session
                found = f"floats {tuple(prepared.shape)} given to {port.name}, of shape {list(port.shape)}"
                raise BadInput(f"onnx: found {found}: {error}. Prepare images as the file expects them.") from error
            return expect_features(torch.tensor(features), len(part), self.output)

        return run_in_parts(run, values, fixed or PART, full=fixed is not None)


def onnx_extractor(
    path: Path,
    preprocessing: Preprocessing | None = None,
    *,
    output: str | None = None,
    session: Session | None = None,
) -> OnnxExtractor:
    """Return the extractor of an ONNX file, on the CPU.

    Args:
        path: The file. Its bytes are read once, and so are those of the files that it keeps tensors in (external
            data); the id has their SHA-256.
        preprocessing: How bytes become the file's one input, float32. None gives images in [0, 1], of the size and
            channels that the file fixes.
        output: Name of the output that is (n, d); it may be None if there is only one.
        session: What runs the file in place of onnxruntime.

    Returns:
        The extractor.

    Raises:
        Missing: If the file cannot be read, or one that it keeps tensors in.
        Unsupported: If onnxruntime is not installed or does not read the file, if that is a pipe or a device, or if
            tensors lie outside of its folder.
        BadInput: If there is more than one input, or no such output.
    """
    try:
        with open_regular_file(path) as file:
            content = file.read()
    except OSError as error:
        raise Missing(f"{path}: cannot be read ({error.strerror}). Give the path of an ONNX file.") from error
    beside = _read_beside(content, path)
    session = session or open_session(content, path, beside)
    inputs, outputs = session.get_inputs(), [port.name for port in session.get_outputs()]
    if len(inputs) != 1:
        raise BadInput(f"{path}: found the inputs {[port.name for port in inputs]}, expected one. Export images only.")
    if output is None and len(outputs) != 1:
        raise BadInput(f"{path}: found the outputs {outputs}, expected one. Name it by `output`.")
    chosen = output or outputs[0]
    if chosen not in outputs:
        raise BadInput(f"{path}: found the outputs {outputs}, expected {chosen!r} among them. Give one of these.")
    return OnnxExtractor(
        session, _hash_all(content, beside), chosen, preprocessing or _default_preprocessing(inputs[0]), beside
    )


def _read_beside(content: bytes, path: Path) -> dict[str, bytes]:
    """The files that a model keeps tensors in, by the names that it gives them."""
    try:
        names = external_names(content)
    except ValueError:  # onnxruntime says what is wrong; what it reads nevertheless would be no part of the id
        open_session(content, path, {})
        raise Unsupported(
            f"{path}: found no ONNX model whose parts can be told, so that it may need other files. Export it as .onnx."
        ) from None
    return {name: read_external(path, name) for name in names}


def _hash_all(content: bytes, beside: Mapping[str, bytes]) -> str:
    """The SHA-256 of a file; where there are others, of the SHA-256 of each, with its name."""
    alone = hashlib.sha256(content).hexdigest()
    if not beside:
        return alone
    named = sorted((name, hashlib.sha256(held).hexdigest()) for name, held in beside.items())
    return hashlib.sha256(json.dumps([alone, named]).encode()).hexdigest()


def _default_preprocessing(port: Port) -> Preprocessing:
    """Return the preprocessing to [0, 1], of the size and channels that an input (n, c, h, w) fixes."""
    if len(port.shape) != 4:
        found = f"the input {port.name} of shape {list(port.shape)}"
        raise BadInput(f"onnx: found {found}, expected images (n, c, h, w). Export a network of images.")
    _, channels, *sides = (side if isinstance(side, int) else None for side in port.shape)
    height, width = sides
    return Preprocessing(size=None if height is None or width is None else (height, width), channels=channels)
