"""Every generator of NETWORKS as an ONNX file: onnxruntime draws what torch draws, in batches of 1 and 17."""

from pathlib import Path

import numpy as np
import pytest
import torch
from onnx_parity import ROWS, SEEDS, build_model, compare, givens_of, path_of

import tiny
from advnets import experiment
from advnets.experiment import EXPORTERS, Model
from advnets.experiment.exports.plain_generator import describe_mode
from advnets.networks import NETWORKS, GeneratorRow, LastingDropout

SHAPE = (1, 26, 26)
"""Small, cropped out of a frame, and a size that nets without padding make."""
REPRESENTATIVE = [("dcgan_generator", "labels"), ("modern_generator", None), ("pix2pix_generator", "images")]


def narrow_row(name: str) -> GeneratorRow:
    row = tiny.narrow(NETWORKS[name]())
    assert isinstance(row, GeneratorRow)
    return row


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where files lie that two tests read."""
    return tmp_path_factory.mktemp("onnx")


def exported(name: str, given: str | None, folder: Path) -> tuple[Model, Model]:
    """A model, and that of its file, which may be there already."""
    model = build_model(narrow_row(name), given, 0, SHAPE)
    assert model is not None
    path = path_of(model, folder)
    if not path.exists():
        EXPORTERS[".onnx"].write(path, model)
    return model, experiment.open_model(path)


def expect_parity(name: str, given: str | None, seeds: tuple[int, ...], folder: Path) -> None:
    for seed in seeds:
        model = build_model(narrow_row(name), given, seed, SHAPE)
        assert model is not None
        for n, found in compare(model, folder):
            assert found.holds, (n, found)
            assert found.spread > 0.01, (n, found)


@pytest.mark.parametrize(("name", "given"), REPRESENTATIVE)
def test_onnxruntime_draws_what_torch_draws(name: str, given: str | None, folder: Path) -> None:
    torch.set_num_threads(1)
    expect_parity(name, given, SEEDS[:1], folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_onnxruntime_draws_what_torch_draws_of_every_row(name: str, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    givens = givens_of(narrow_row(name), SHAPE)
    assert givens
    for given in givens:
        expect_parity(name, given, SEEDS, tmp_path)


def test_a_class_is_drawn_by_the_file_as_by_the_model(folder: Path) -> None:
    torch.set_num_threads(1)
    model, file = exported("dcgan_generator", "labels", folder)
    for asked in ({"n": 20, "given": 3}, {"n": 20}, {"seeds": [3, 4]}):
        ours, theirs = (one.sample(**asked).values.astype(int) for one in (model, file))  # type: ignore[arg-type]
        assert np.abs(ours - theirs).max() <= 1
    threes, fours = (file.sample(20, given=label).values for label in (3, 4))
    assert (threes != fours).any()


def test_images_are_translated_by_the_file_as_without_dropout(folder: Path) -> None:
    torch.set_num_threads(1)
    model, file = exported("pix2pix_generator", "images", folder)
    images = torch.randint(0, 256, (3, 1, 11, 7), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    ours, theirs = model.translate(images, dropout=False), file.translate(images)
    assert np.abs(ours.values.astype(int) - theirs.values.astype(int)).max() <= 1
    with_noise = model.translate(images)
    assert np.abs(with_noise.values.astype(int) - theirs.values.astype(int)).max() > 1
    with pytest.raises(ValueError, match="has no noise, and makes one translation"):
        file.translate(images, n=2)


def test_what_is_fixed_is_told(tmp_path: Path) -> None:
    model = build_model(narrow_row("pix2pix_generator"), "images", 0, SHAPE)
    assert model is not None
    assert describe_mode(model.network) == [
        "Normalisation takes the moments of each image alone.",
        "Dropout, the noise of pix2pix, is off, so that an image has one translation.",
    ]
    assert all(layer.is_on for layer in model.network.modules() if isinstance(layer, LastingDropout))
