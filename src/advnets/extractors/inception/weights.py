"""The published weights of the Inception network: found, verified byte for byte, and only then read."""

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from advnets.data import cache_folder, fetch
from advnets.errors import BadInput, Damaged, Missing, TooBig, Unsupported

FILENAME = "pt_inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
"""Of the file as published; its name holds the first 8 digits."""

LARGEST = 2**28
"""Bytes of a file that is read at all: almost three times the published one's 95,628,359."""

MIRRORS = ("https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/",)


def fetch_weights() -> Path:
    """The published file in the cache's folder "weights", downloaded (91 MiB) if it is not there; raises as `fetch`."""
    return fetch(FILENAME, SHA256, MIRRORS, folder=cache_folder() / "weights")


def read_weights(path: Path) -> dict[str, Tensor]:
    """The weights in a file, by name: the published .pth, or a .safetensors made from it.

    A .pth is a pickle, which can do anything to whom reads it: its SHA-256 must be the published one, and even then
    torch's restricted reader is used. A .safetensors can do nothing, and is known by the SHA-256 of its weights, which
    the extractor's id holds. Raises Missing, TooBig, Damaged for other bytes than published, Unsupported for another
    ending.
    """
    try:
        size, content = path.stat().st_size, b""
        if size <= LARGEST:
            content = path.read_bytes()
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
    """Raise BadInput unless the weights have the names, shapes and kind of number of those wanted, and are finite."""
    names = {name for name in wanted if not name.endswith("num_batches_tracked")}
    given = {name for name in weights if not name.endswith("num_batches_tracked")}
    if names != given:
        missing, extra = sorted(names - given)[:3], sorted(given - names)[:3]
        raise BadInput(f"{whose}: found {extra or 'nothing'} too much and {missing or 'nothing'} missing, " + _advice())
    for name in sorted(names):
        tensor = weights[name]
        if tensor.shape != wanted[name].shape or tensor.dtype != torch.float32 or not bool(tensor.isfinite().all()):
            found = f"{tensor.dtype} of shape {tuple(tensor.shape)}"
            expected = f"finite float32 of shape {tuple(wanted[name].shape)}"
            raise BadInput(f"{whose}: found {name} {found}, expected {expected}, " + _advice())


def _advice() -> str:
    return f"that of the network whose features define FID. Give {FILENAME}, or a conversion of it."
