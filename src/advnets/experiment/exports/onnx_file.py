"""Generators as ONNX files, for programs that know no torch, and read back by onnxruntime."""

import math
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from advnets import runs
from advnets.baselines import is_chain
from advnets.disk import open_regular_file
from advnets.errors import AdvnetsError, BadInput, Missing, NonFinite, TooBig, Unsupported
from advnets.experiment.exports.exporter import Notes
from advnets.experiment.exports.onnx_graph import (
    OPSET,
    describe_graph,
    expect_packages,
    export_graph,
    store_halves,
)
from advnets.experiment.exports.onnx_network import OnnxNetwork
from advnets.experiment.exports.plain_generator import (
    IMAGE,
    LABELS,
    NOISES,
    SAMPLES,
    PlainGenerator,
    card_of_plain,
    describe_mode,
    draw_trial_inputs,
)
from advnets.experiment.exports.sealed_onnx import seal, unseal
from advnets.experiment.model import Model
from advnets.experiment.sampling.translation import lasting_dropout
from advnets.extractors import open_session
from advnets.randomness import Streams
from advnets.runs import Card

LARGEST = 2**31
"""Bytes of a file: Protocol Buffers hold no more."""
CLOSE = 1e-4
"""How far samples in [0, 1] may lie from torch's when a file is written: a fortieth of a level of a pixel."""
TRIALS = (1, 5)
"""Sizes of the batches for which that is checked; the file is exported by one of another size."""


def write_onnx_file(path: Path, model: Model) -> Notes:
    """Write a model as an ONNX file, after onnxruntime has drawn what torch draws.

    Args:
        path: The file, which must not be there.
        model: The model.

    Returns:
        How dropout and normalisation are fixed, and how far onnxruntime's samples lie from torch's.

    Raises:
        BadInput: If the place is taken.
        Unsupported: For chains, whose random numbers other programs draw otherwise; for a network that cannot be
            exported, or draws other samples there; and without the extra `onnx`.
        NonFinite: If a number of the network is not finite, or is not in half precision.
        TooBig: If the card is too long.
        CannotWrite: If the disk fails or is full.
    """
    runs.expect_new(path)
    expect_packages()
    if is_chain(model.network):
        raise Unsupported(
            f"{path}: {model.name} draws by a Markov chain, whose random numbers other programs draw otherwise: the "
            "same z would be another sample. Name a FILE.safetensors."
        )
    _refuse_non_finite(path, model.network)
    card, mode = card_of_plain(model.card), describe_mode(model.network)
    with lasting_dropout(model.network, is_on=False), Streams(0, torch.device("cpu")).as_defaults():
        plain = PlainGenerator(model).eval()
        content, difference = _export_and_compare(path, plain, card, _properties(card, plain.names, mode))
    runs.write_new(path, content)
    read_onnx_file(path)
    half = " with weights in half precision" if card.half else ""
    return (*mode, f"onnxruntime's samples{half} lie within {difference:.0e} of torch's (opset {OPSET}).")


def read_onnx_file(path: Path) -> Model:
    """Return the model in an ONNX file that `write_onnx_file` wrote, to be run by onnxruntime.

    Args:
        path: The file.

    Returns:
        The model. Its network has no parameters and no gradients.

    Raises:
        Missing: If there is no such file.
        Unsupported: If it is of another kind, or onnxruntime is not installed.
        TooBig: If it is over the limits.
        Damaged: If a byte is not the one that was written.
        BadInput: If its card cannot be, or says what the graph is not.
    """
    try:
        with open_regular_file(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > LARGEST:
                raise TooBig(f"{path}: found {size:,} bytes, expected at most {LARGEST:,} of an ONNX file")
            content = file.read(LARGEST)
    except FileNotFoundError:
        raise Missing(f"{path} is not there; expected an ONNX file, as `advnets export` writes it") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    try:
        card = unseal(content)
        runs.check_card(card)
    except AdvnetsError as error:
        raise type(error)(f"{path}: {error}") from error
    session = open_session(content, path, {})
    try:
        return Model(path.name, OnnxNetwork(session, card).eval(), card, path.name)
    except BadInput as error:
        raise type(error)(f"{path}: {error}") from error


def _refuse_non_finite(path: Path, network: nn.Module) -> None:
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise NonFinite(f"{path}: NaN or Inf in tensor {name}; expected finite numbers")


def _export_and_compare(path: Path, plain: PlainGenerator, card: Card, words: Mapping[str, str]) -> tuple[bytes, float]:
    """The bytes of the file, and how far onnxruntime's samples lie from torch's."""
    examples = dict(zip(plain.names, draw_trial_inputs(card, plain.names, 3, 0), strict=True))
    about = f"A generator, trained by the recipe {card.recipe} on {card.data.name} to step {card.step}."
    graph = export_graph(plain, examples, SAMPLES)
    content = seal(describe_graph(graph, about, words), card)
    difference = _largest_difference(plain, OnnxNetwork(open_session(content, path, {}), card), card)
    if not difference <= CLOSE:  # a NaN is not
        raise Unsupported(
            f"{path}: found samples of onnxruntime that lie {difference:.0e} from torch's, expected at most "
            f"{CLOSE:.0e}: the network draws random numbers of its own, or is exported as another one. Name a "
            "FILE.safetensors."
        )
    if card.half:
        store_halves(graph)
        content = seal(describe_graph(graph, about, words), card)
        difference = _largest_difference(plain, OnnxNetwork(open_session(content, path, {}), card), card)
    return content, difference


def _largest_difference(plain: PlainGenerator, network: OnnxNetwork, card: Card) -> float:
    """The largest difference between torch's samples and onnxruntime's, in units of their size beyond 1."""
    largest = []
    for n in TRIALS:
        inputs: list[Tensor] = draw_trial_inputs(card, plain.names, n, n)
        with torch.no_grad():
            wanted, found = plain(*inputs), network(*inputs)
        largest.append(float((found - wanted).abs().max() / wanted.abs().max().clamp(min=1)))
    return max(largest, key=lambda one: math.inf if math.isnan(one) else one)


def _properties(card: Card, names: tuple[str, ...], mode: list[str]) -> dict[str, str]:
    """Words for whoever opens the file in another program, by name."""
    sides = partial(str.join, ", ")
    given = sides(map(str, card.data.given_shape or ()))
    inputs = {
        NOISES: f"z: float32 (n, {card.latent_size}), drawn from the distribution {card.latent!r}",
        LABELS: f"labels: int64 (n,), from 0 to {(card.data.classes or 1) - 1}",
        IMAGE: f"image: float32 (n, {given}), in [0, 1]",
    }
    shape = sides(map(str, card.data.shape))
    units = {"unit": ", in [0, 1] but for rounding: clip them, and 255 times them are levels", "identity": ""}
    words = {
        "inputs": "; ".join(inputs[name] for name in names),
        "outputs": f"samples: float32 (n, {shape}){units.get(card.transform, f', in units of {card.transform!r}')}",
        "mode": " ".join(["Evaluation.", *mode]),
        "licence": card.licence,
        "notes": card.notes,
    }
    return {name: text for name, text in words.items() if text}
