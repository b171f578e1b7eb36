"""How far samples of exported ONNX files lie from torch's, for every generator of NETWORKS at its published widths.

    OMP_NUM_THREADS=1 python benchmarks/onnx_parity.py [ROW ...]

Each row is built for images of 3 x 32 x 32, with labels of 10 classes and without where it takes both, and exported by
`advnets.experiment`'s exporter. onnxruntime then makes samples in [0, 1] of the same inputs as torch, in batches of 1
and 17. Weights are drawn so that values spread through all layers as those of trained nets do: N(0, 1 / fan-in), gains
around 1, and the running moments of batch normalisation are those that the net has. Beside the largest difference
stands torch's own distance from the same net in float64. Given images are noise. The bound is 1e-5, or four times that
distance.
"""

import argparse
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import onnxruntime
import torch
from machine import describe
from torch import nn

from advnets.averaging import copy_deeply, prepare_sampling
from advnets.errors import AdvnetsError
from advnets.experiment import EXPORTERS, Model
from advnets.experiment.exports.plain_generator import PlainGenerator, draw_trial_inputs, input_names
from advnets.experiment.sampling.translation import lasting_dropout
from advnets.networks import NETWORKS, GeneratorRow, Sizes
from advnets.recipes import to_json
from advnets.runs import Card, DataCard

SHAPE = (3, 32, 32)
LATENT, CLASSES = 100, 10
BATCHES, SEEDS = (1, 17), (0, 1)
BOUND, TIMES = 1e-5, 4
GIVENS = (None, "labels", "images")
ROWS = [name for name, row in NETWORKS.items() if issubclass(row, GeneratorRow)]


@dataclass(frozen=True)
class Parity:
    """What was measured of one batch.

    Attributes:
        difference: The largest between onnxruntime's samples and torch's.
        own: The largest between torch's samples and those in float64.
        spread: Deviation of torch's samples.
    """

    difference: float
    own: float
    spread: float

    @property
    def holds(self) -> bool:
        """Whether the bound is kept."""
        return self.difference <= max(BOUND, TIMES * self.own)


def givens_of(row: GeneratorRow, shape: tuple[int, ...] = SHAPE) -> list[str | None]:
    """What a generator can be given: it is built and run with each."""
    return [given for given in GIVENS if build_model(row, given, 0, shape) is not None]


def build_model(row: GeneratorRow, given: str | None, seed: int, shape: tuple[int, ...] = SHAPE) -> Model | None:
    """The model of a row with weights as trained nets have them; None where it cannot be given this."""
    torch.manual_seed(seed)
    images, classes = given == "images", CLASSES if given == "labels" else None
    sizes = Sizes(shape, 0 if images else LATENT, classes, shape if images else None, mean=torch.full(shape, 0.5))
    try:
        network = row.build(sizes)
    except AdvnetsError:
        return None
    data = DataCard("noise", "", shape, CLASSES, given_shape=sizes.given_shape)
    transform = "unit" if any(isinstance(layer, nn.Sigmoid) for layer in network.modules()) else "symmetric"
    card = Card(to_json(row), "gaussian", sizes.latent_size, transform, data, "none", 0, "", given=given)
    model = Model(f"{seed}", network, card)
    try:
        settle(model)
    except TypeError:  # a network that always sees labels
        return None
    return model if given is None or len(input_names(model)) == 2 or images else None


@torch.no_grad()
def settle(model: Model) -> None:
    """Draw weights, and let batch normalisation take the moments of the values that they make."""
    for layer in model.network.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.momentum = None  # the mean of all batches
    for theta in model.network.parameters():
        if theta.ndim >= 2:
            theta.normal_(0, fan_in(theta) ** -0.5)
        else:
            theta.add_(0.1 * torch.randn_like(theta))
    plain = PlainGenerator(model)
    for seed in range(3):
        plain.train()(*draw_trial_inputs(model.card, plain.names, 16, seed))
    prepare_sampling(model.network)


def fan_in(weight: torch.Tensor) -> int:
    """What an output reads, but for strides; maps and tables of classes are read one at a time."""
    return math.prod(weight.shape[1:]) if weight.ndim in (2, 4) else 1


def path_of(model: Model, folder: Path) -> Path:
    """Where the file of a model is written."""
    return folder / f"{model.card.generator['row']}-{model.card.given}-{model.name}.onnx"


def compare(model: Model, folder: Path) -> Iterator[tuple[int, Parity]]:
    """Export a model, and compare its samples in batches of each size."""
    path = path_of(model, folder)
    EXPORTERS[".onnx"].write(path, model)
    reader = EXPORTERS[".onnx"].read
    assert reader is not None
    network = reader(path).network
    seed = int(model.name)
    with lasting_dropout(model.network, is_on=False), torch.no_grad():
        plain = PlainGenerator(model).eval()
        exact = PlainGenerator(replace(model, network=copy_deeply(model.network).double())).eval()
        for n in BATCHES:
            inputs = draw_trial_inputs(model.card, plain.names, n, 100 + seed)
            torchs, found = plain(*inputs), network(*inputs)
            wanted = exact(*(one.double() if one.is_floating_point() else one for one in inputs))
            difference, own = ((one - torchs).abs().max().item() for one in (found, wanted))
            yield n, Parity(difference, own, torchs.std().item())


def main(names: list[str]) -> None:
    lines, worst = [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            row = NETWORKS[name]()
            assert isinstance(row, GeneratorRow)
            for given in givens_of(row):
                for seed in SEEDS:
                    model = build_model(row, given, seed)
                    assert model is not None
                    for n, found in compare(model, Path(folder)):
                        verdict = "yes" if found.holds else "**no**"
                        numbers = f"{found.difference:.1e} | {found.own:.1e} | {found.spread:.2f}"
                        lines.append(f"| `{name}` | {given or ''} | {n} | {seed} | {numbers} | {verdict} |")
                        worst = max(worst, found.difference)
                        print(lines[-1], flush=True)
    if names == ROWS:
        page(lines, worst)


def page(lines: list[str], worst: float) -> None:
    head = "| row | given | batch | seed | difference | torch from float64 | deviation | within |"
    machine = f"{date.today()}. {describe()} onnxruntime {onnxruntime.__version__}."
    text = f"""# ONNX files against torch

`OMP_NUM_THREADS=1 python benchmarks/onnx_parity.py`, {machine}

Every generator of NETWORKS at its published widths, exported for images of 3 x 32 x 32 and run by onnxruntime.
Differences are the largest of any value of samples in [0, 1], where a level of a pixel is 3.9e-3; the deviation is that
of the samples. The bound is 1e-5, or four times torch's own distance from the same net in float64. The largest
difference is {worst:.1e}.

{head}
| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |
"""
    Path(__file__).with_suffix(".md").write_text(text + "\n".join(lines) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", default=ROWS)
    main(parser.parse_args().rows)
