"""An ONNX model as the network of a generator, run by onnxruntime."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from advnets.errors import BadInput, Unsupported, first_line
from advnets.experiment.exports.plain_generator import IMAGE, LABELS, NOISES, SAMPLES, shape_of_input
from advnets.extractors import Session
from advnets.runs import Card

TYPES = {NOISES: "tensor(float)", LABELS: "tensor(int64)", IMAGE: "tensor(float)"}
"""Of each input, as onnxruntime calls it."""


class OnnxNetwork(nn.Module):
    """A generator that onnxruntime runs on the CPU; it has no parameters and no gradients.

    Args:
        session: What runs the model.
        card: What the generator is.

    Raises:
        BadInput: If the model's inputs and its output are not those that the card says.
    """

    def __init__(self, session: Session, card: Card) -> None:
        super().__init__()
        self.session, self.shape = session, tuple(card.data.shape)
        self.names = _expect_ports(session, card)

    def forward(self, first: Tensor, given: Tensor | None = None) -> Tensor:
        """Make samples (n, *shape) of noises or images, and of labels or images beside noises.

        Args:
            first: Noises (n, latent_size), or the images of a generator that takes no noise, float32.
            given: Labels (n,) int64, or images beside noises, float32; None where there are none.

        Returns:
            The samples, float32, on the CPU.

        Raises:
            Unsupported: If a gradient of the samples would be needed.
            BadInput: If onnxruntime refuses the inputs, or the samples are of another shape.
        """
        inputs = [first, *([] if given is None else [given])][: len(self.names)]
        if torch.is_grad_enabled() and any(one.requires_grad for one in inputs):
            raise Unsupported(
                "found a gradient asked of an ONNX file, which has none: onnxruntime computes samples alone. Open the "
                "run or a share file, FILE.safetensors."
            )
        feeds = {name: one.detach().cpu().contiguous().numpy() for name, one in zip(self.names, inputs, strict=True)}
        try:
            (samples,) = self.session.run([SAMPLES], feeds)
        except Exception as error:  # onnxruntime has a dozen kinds of them, without a common root of its own
            raise BadInput(f"onnxruntime cannot run the file ({first_line(error)}). Export it again.") from error
        if samples.shape != (len(first), *self.shape):
            raise BadInput(
                f"the file makes samples of shape {samples.shape} of {len(first)} inputs, expected "
                f"{(len(first), *self.shape)}, as its card says. Export it again."
            )
        return torch.from_numpy(samples)


def _expect_ports(session: Session, card: Card) -> tuple[str, ...]:
    """The names of the inputs, noises first, after a check of all types and shapes."""
    given = {"labels": LABELS, "images": IMAGE}.get(card.given or "")
    names = [name for name in (NOISES if card.latent_size else None, given) if name]
    found = {port.name: (port.type, _free(port.shape)) for port in session.get_inputs()}
    if names == [NOISES, LABELS] and LABELS not in found:  # a network need not see them
        names.remove(LABELS)
    expected = {name: (TYPES[name], (None, *shape_of_input(card, name))) for name in names}
    if found != expected:
        raise BadInput(f"found the inputs {found}, expected {expected}, as the card says. Export it again.")
    outputs = {port.name: (port.type, _free(port.shape)) for port in session.get_outputs()}
    wanted = {SAMPLES: ("tensor(float)", (None, *card.data.shape))}
    if outputs != wanted:
        raise BadInput(f"found the outputs {outputs}, expected {wanted}, as the card says. Export it again.")
    return tuple(names)


def _free(shape: Sequence[Any]) -> tuple[int | None, ...]:
    """A port's shape, with None where any size will do."""
    return tuple(side if isinstance(side, int) else None for side in shape)
