"""Every generator of NETWORKS as an ONNX file: onnxruntime draws what torch draws, in batches of 1 and 17."""

from pathlib import Path

import numpy as np
import pytest
import torch
from onnx_parity import ROWS, SEEDS, build_model, compare, givens_of

import tiny
from advnets import experiment
from advnets.experiment import EXPORTERS, Model
from advnets.networks import NETWORKS, GeneratorRow

SHAPE = (1, 26, 26)
"""Small, cropped out of a frame, and a size that nets without padding make."""
REPRESENTATIVE = [("resnet_generator", "labels"), ("modern_generator", None), ("pix2pix_generator", "images")]


def narrow_row(name: str) -> GeneratorRow:
    row = tiny.narrow(NETWORKS[name]())
    assert isinstance(row, GeneratorRow)
    return row


def exported(model: Model, path: Path) -> Model:
    EXPORTERS[".onnx"].write(path, model)
    return experiment.open_model(path)


def expect_parity(name: str, given: str | None, seeds: tuple[int, ...], folder: Path) -> None:
    for seed in seeds:
        model = build_model(narrow_row(name), given, seed, SHAPE)
        assert model is not None
        for n, found in compare(model, folder):
            assert found.holds, (n, found)
            assert found.spread > 0.01, (n, found)


@pytest.mark.parametrize(("name", "given"), REPRESENTATIVE)
def test_onnxruntime_draws_what_torch_draws(name: str, given: str | None, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    expect_parity(name, given, SEEDS[:1], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_onnxruntime_draws_what_torch_draws_of_every_row(name: str, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    givens = givens_of(narrow_row(name), SHAPE)
    assert givens
    for given in givens:
        expect_parity(name, given, SEEDS, tmp_path)


def test_a_class_is_drawn_by_the_file_as_by_the_model(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    model = build_model(narrow_row("dcgan_generator"), "labels", 0, (1, 8, 8))
    assert model is not None
    file = exported(model, tmp_path / "G.onnx")
    for asked in ({"n": 20, "given": 3}, {"n": 20}, {"seeds": [3, 4]}):
        ours, theirs = (one.sample(**asked).values.astype(int) for one in (model, file))  # type: ignore[arg-type]
        assert np.abs(ours - theirs).max() <= 1
    threes, fours = (file.sample(20, given=label).values for label in (3, 4))
    assert (threes != fours).any()


def test_images_are_translated_by_the_file_as_without_dropout(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    model = build_model(narrow_row("pix2pix_generator"), "images", 0, (1, 8, 8))
    assert model is not None
    path = tmp_path / "G.onnx"
    notes = EXPORTERS[".onnx"].write(path, model)
    assert "Dropout, the noise of pix2pix, is off, so that an image has one translation." in notes
    images = torch.randint(0, 256, (3, 1, 11, 7), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    file = experiment.open_model(path)
    ours, theirs = model.translate(images, dropout=False), file.translate(images)
    assert np.abs(ours.values.astype(int) - theirs.values.astype(int)).max() <= 1
    with_noise = model.translate(images)
    assert np.abs(with_noise.values.astype(int) - theirs.values.astype(int)).max() > 1
    assert all(layer.is_on for layer in model.network.modules() if hasattr(layer, "is_on"))
    with pytest.raises(ValueError, match="has no noise, and makes one translation"):
        file.translate(images, n=2)
