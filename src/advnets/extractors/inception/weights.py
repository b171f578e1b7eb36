"""The published weights of the Inception network: found, verified byte for byte, and only then read."""

import hashlib
import io
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from advnets.data import cache_folder, fetch
from advnets.disk import open_regular_file
from advnets.errors import BadInput, Damaged, Missing, TooBig, Unsupported
from advnets.extractors.extractor import describe_tensor

FILENAME = "pt_inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
"""SHA-256 of the file as published; its name has the first 8 digits."""

BYTES = 95_628_359
"""Number of bytes of the file as published."""

LARGEST = 2**28
"""Most bytes of a file that is read: almost three times the published one's."""

MIRRORS = ("https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/",)


def fetch_weights() -> Path:
    """Return the published file in the cache's folder "weights"; it is downloaded (91 MiB) if it is not there.

    Returns:
        The file's path.

    Raises:
        Missing: If it cannot be downloaded.
        Damaged: If what is downloaded is not the published file.
    """
    return fetch(FILENAME, SHA256, MIRRORS, size=BYTES, folder=cache_folder() / "weights")


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read the weights in a file: the published .pth, or a .safetensors made from it.

    A .pth is a pickle, which can run any code when it is read. So its SHA-256 must be the published one, and even then
    torch's restricted reader is used. A .safetensors can run nothing, and is known by the SHA-256 of its weights, which
    is in the extractor's id.

    Args:
        path: The file.

    Returns:
        The weights, by name.

    Raises:
        Missing: If the file cannot be read.
        TooBig: If it has more than LARGEST bytes.
        Damaged: If its bytes are not those published, or it is no whole .safetensors.
        Unsupported: If its ending is another.
    """
    try:
        with open_regular_file(path) as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read() if size <= LARGEST else b""
    except OSError as error:
        raise Missing(f"{path}: cannot be read ({error.strerror}). Give the path of {FILENAME}.") from error
    if size > LARGEST:
        raise TooBig(f"{path}: found {size} bytes, expected at most {LARGEST}. Give {FILENAME}.")
    if path.suffix == ".safetensors":
        return _read_safetensors(content, path)
    if path.suffix != ".pth":
        raise Unsupported(f"{path}: found a file named *{path.suffix}, expected {FILENAME}, or a *.safetensors of it.")
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise Damaged(
            f"{path}: found sha256 {found}, expected {SHA256}, that of {FILENAME} as published at {MIRRORS[0]}. "
            "Download it again; other weights give other distances."
        )
    weights: dict[str, Tensor] = dict(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))
    return weights


def _read_safetensors(content: bytes, path: Path) -> dict[str, Tensor]:
    try:
        weights: dict[str, Tensor] = load(content)
    except SafetensorError as error:
        raise Damaged(f"{path}: found no whole safetensors file ({error}). Convert {FILENAME} again.") from error
    return weights


def expect_inception_weights(weights: Mapping[str, Tensor], wanted: Mapping[str, Tensor], whose: str) -> None:
    """Raise BadInput unless weights are those of the Inception network.

    Args:
        weights: The weights, by name.
        wanted: Tensors of the names, shapes and types that they must have.
        whose: What to call the weights in an error.

    Raises:
        BadInput: If names, shapes or types differ, or a number is not finite.
    """
    names, found_names = drop_batch_counts(wanted).keys(), drop_batch_counts(weights).keys()
    if names != found_names:
        missing, extra = sorted(names - found_names)[:3], sorted(found_names - names)[:3]
        found = f"{extra or 'no names'} beyond those of the network, and {missing or 'no names'} missing"
        raise BadInput(f"{whose}: found {found}, expected exactly its names. {_advice()}")
    for name in sorted(names):
        tensor = weights[name]
        if tensor.shape != wanted[name].shape or tensor.dtype != torch.float32 or not bool(tensor.isfinite().all()):
            found = describe_tensor(tensor)
            expected = f"finite float32 of shape {tuple(wanted[name].shape)}"
            raise BadInput(f"{whose}: found {name} {found}, expected {expected}. {_advice()}")


def drop_batch_counts(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights without batch normalisation's counts of batches, which evaluation does not use.

    Args:
        weights: The weights, by name.

    Returns:
        The others, by name.
    """
    return {name: tensor for name, tensor in weights.items() if not name.endswith("num_batches_tracked")}


def _advice() -> str:
    return f"Give {FILENAME}, the weights of the network whose features define FID, or a conversion of it."
