"""Tiny generators of every row that draws images from noise, with weights that make every layer seen, and a browser."""

import base64
import json
import math
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from advnets.averaging import prepare_sampling
from advnets.experiment.model import Model
from advnets.experiment.preparation.build_model import with_lower_layers
from advnets.networks import (
    AcganGenerator,
    BatchNorm,
    CganGenerator,
    Code,
    Dcgan5x5Generator,
    DcganGenerator,
    DeconvGenerator,
    DenseGenerator,
    GeneratorRow,
    InfoganGenerator,
    LowerLayers,
    LsganGenerator,
    ModernGenerator,
    PacganGenerator,
    R3ganGenerator,
    ResnetGenerator,
    Sizes,
    WganDenseGenerator,
    WganGpGenerator,
)
from advnets.recipes import to_json
from advnets.runs import Card, DataCard

DENSE = DenseGenerator(hidden=(9, 11), activations=("relu", "sigmoid"), batch_norm=True)

CASES: dict[str, tuple[GeneratorRow, dict[str, Any]]] = {
    "dense_generator": (DENSE, {"shape": (1, 7, 9)}),
    "dense_generator after lower layers": (DENSE, {"below": (to_json(LowerLayers(hidden=(6,))),)}),
    "dense_generator of one number": (DENSE, {"latent_size": 1}),
    "deconv_generator": (DeconvGenerator(hidden=(10,), maps=4), {"shape": (3, 14, 11), "transform": "contrast"}),
    "dcgan_generator": (DcganGenerator(width=3), {"shape": (3, 28, 20), "latent_size": 100}),
    "dcgan_generator with labels": (DcganGenerator(width=3), {"shape": (4, 16, 16), "given": "labels"}),
    "modern_generator": (ModernGenerator(width=4, blocks=2), {"shape": (3, 32, 17)}),
    "modern_generator with labels": (ModernGenerator(width=4), {"shape": (2, 16, 16), "given": "labels"}),
    "r3gan_generator": (R3ganGenerator(width=8, blocks=1, group=4), {"shape": (3, 16, 16)}),
    "cgan_generator": (CganGenerator(7, 8, 9), {"shape": (1, 6, 5), "given": "labels", "transform": "unit"}),
    "dcgan_5x5_generator": (Dcgan5x5Generator(width=3), {"shape": (3, 16, 12)}),
    "wgan_dense_generator": (WganDenseGenerator((9, 8)), {"shape": (3, 5, 5)}),
    "wgan_gp_generator": (WganGpGenerator(3, batch_norm=True, output="tanh"), {"shape": (1, 28, 28)}),
    "lsgan_generator": (LsganGenerator(2), {"shape": (3, 40, 28)}),
    "resnet_generator": (ResnetGenerator(4), {"shape": (3, 16, 16)}),
    "resnet_generator with labels": (ResnetGenerator(4), {"shape": (3, 12, 16), "given": "labels"}),
    "acgan_generator": (AcganGenerator(width=3), {"shape": (3, 16, 16), "given": "labels"}),
    "infogan_generator": (
        InfoganGenerator(width=3, units=12),
        {"shape": (1, 12, 12), "code": Code(10, 2), "latent_size": 30, "latent": "uniform", "transform": "unit"},
    ),
    "pacgan_generator": (PacganGenerator(hidden=(9, 9), deviation=0.4), {"shape": (1, 4, 4), "latent": "uniform"}),
}
"""By name, the row, and what differs from the card below."""

CLASSES = ("cat", "a 'dog'", "</script><script>window.hurt = 1</script>", "ü")
LABELS = [0, 3, 2, 1]


def model_of(name: str, **facts: Any) -> Model:
    """The model of a case, whose samples differ and use many levels."""
    row, changed = CASES[name]
    kinds = {"shape": (1, 8, 8), "latent_size": 20, "latent": "gaussian", "transform": "symmetric", "code": Code()}
    told = {**kinds, "given": None, "below": (), **changed}
    data = DataCard("tests", "0" * 64, told.pop("shape"), len(CLASSES), class_names=CLASSES)
    rest = {"recipe": "tests", "step": 3, "advnets": "0.1.0", **told, **facts}
    card = Card(generator=to_json(row), data=data, **rest)
    torch.manual_seed(0)
    classes = len(CLASSES) if card.given else None
    network = with_lower_layers(row.build(Sizes(data.shape, card.latent_size, classes, code=card.code)), card)
    return Model(name, prepare_sampling(_with_contrast(network, card)), card)


@torch.no_grad()
def _with_contrast(network: nn.Module, card: Card) -> nn.Module:
    """Parameters and moments away from where they start, so that samples differ and use many levels."""
    for name, theta in network.named_parameters():
        around = 1.0 if name.endswith(("weight", "gain.weight")) and theta.ndim == 1 else 0.0
        deviation = 0.3 if theta.ndim == 1 else 2 / math.sqrt(theta[0].numel())
        theta.copy_(around + deviation * torch.randn_like(theta))
    z = torch.randn(50, card.latent_size)
    network.train()(z, *([torch.arange(50) % len(CLASSES)] if card.given else []))
    for layer in network.modules():
        if isinstance(layer, BatchNorm):
            assert layer.running_mean is not None
            assert layer.running_var is not None
            layer.running_mean.add_(0.1 * torch.randn_like(layer.running_mean))
            layer.running_var.mul_(0.5 + torch.rand_like(layer.running_var))
    return network


@contextmanager
def open_browser() -> Iterator[Any]:
    """Chromium, headless. Skips the test where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        names = ("chromium", "chromium-browser", "google-chrome")
        found = next(filter(None, map(shutil.which, names)), started.chromium.executable_path)
        if not Path(found).exists():
            pytest.skip("chromium is not installed: playwright install chromium")
        browser = started.chromium.launch(executable_path=found)
        yield browser
        browser.close()


def drawn_pixels(page: Any, text: str, n: int, seed: int, labels: list[int] | None = None) -> NDArray[np.int64]:
    """What the programs of the page that is open draw for the generator of another page's text, (n, h, w, 4)."""
    content, tensors = (re.search(f'id="{name}">(.*)</script>', text) for name in ("content", "tensors"))
    assert content is not None
    assert tensors is not None
    height, width, pixels = page.evaluate(DRAW, [json.loads(content[1]), tensors[1], n, seed, labels])
    return np.frombuffer(base64.b64decode(pixels), np.uint8).astype(np.int64).reshape(n, height, width, 4)


DRAW = """([content, tensors, n, seed, labels]) => {
  const generate = openGenerator(content, decode(tensors));
  const pixels = generate(drawNoises(content.latent, n, seed), labels);
  let letters = "";
  for (const byte of pixels) letters += String.fromCharCode(byte);
  return [content.shape[1], content.shape[2], btoa(letters)];
}"""


def expected_pixels(model: Model, n: int, seed: int, labels: list[int] | None = None) -> NDArray[np.int64]:
    """What `model.sample` draws, as a canvas holds it."""
    values = model.sample(n, seed=seed, given=labels).values.astype(np.int64)
    channels = values.shape[-1]
    colours = values[..., :1].repeat(3, -1) if channels < 3 else values[..., :3]
    alpha = values[..., -1:] if channels in (2, 4) else np.full_like(values[..., :1], 255)
    return np.concatenate([colours, alpha], -1)
