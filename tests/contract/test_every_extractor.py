"""What every extractor has to keep: one battery over the whole table."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

import inceptions
from advnets import data, extractors
from advnets.data import Dataset
from advnets.errors import BadInput
from advnets.extractors import Extractor, Judge
from reference import onnx_file

ROWS = list(extractors.EXTRACTORS)
ANY_SIZE = {"pixels", "inception", "onnx"}
JUDGES = {"classifier", "inception"}


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return data.load("digits")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Random weights of the Inception network, for the published ones are not needed to keep the contract."""
    random = inceptions.saved(tmp_path_factory.mktemp("weights") / "random.safetensors")
    return {"inception": random, "onnx": onnx_file.FILE}


@pytest.fixture(scope="module")
def found(digits: Dataset, weights: dict[str, Path]) -> dict[str, Extractor]:
    torch.set_num_threads(1)
    return {name: made(name, digits, weights) for name in ROWS}


def made(name: str, digits: Dataset, weights: dict[str, Path]) -> Extractor:
    return extractors.build_extractor(name, digits, weights.get(name))


def some(name: str, digits: Dataset) -> Tensor:
    """Images, few where each takes long."""
    return digits.validation.values[: 2 if name == "inception" else 37]


@pytest.mark.parametrize("name", ROWS)
def test_features_are_rows_of_finite_floats_and_do_not_depend_on_the_batch(
    name: str, digits: Dataset, found: dict[str, Extractor]
) -> None:
    images = some(name, digits)
    before = images.clone()
    whole = found[name].features(images)
    assert whole.dtype == torch.float32
    assert whole.ndim == 2
    assert len(whole) == len(images)
    assert whole.device.type == "cpu"
    assert not whole.requires_grad
    assert bool(whole.isfinite().all())
    assert torch.equal(images, before)
    bound = 1e-5 * float(whole.abs().max())
    parts = [1, len(images) - 1]
    turned = images.flip(0)
    parted = torch.cat([found[name].features(part) for part in turned.split_with_sizes(parts)]).flip(0)
    torch.testing.assert_close(parted, whole, rtol=0, atol=bound)


@pytest.mark.parametrize("name", ROWS)
def test_the_id_is_the_same_again_and_another_for_each(
    name: str, digits: Dataset, weights: dict[str, Path], found: dict[str, Extractor]
) -> None:
    assert made(name, digits, weights).id == found[name].id
    assert len({extractor.id for extractor in found.values()}) == len(found)
    assert name == "pixels" or len(found[name].id.rsplit("sha256 ", 1)[1]) == 64


@pytest.mark.parametrize("name", ROWS)
def test_features_leave_the_random_numbers_of_the_program_alone(
    name: str, digits: Dataset, found: dict[str, Extractor]
) -> None:
    state = torch.get_rng_state()
    found[name].features(digits.test.values[:1])
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", ROWS)
def test_constant_images_have_finite_features(name: str, found: dict[str, Extractor]) -> None:
    grey = torch.full((1, 1, 8, 8), 7, dtype=torch.uint8)
    assert bool(found[name].features(grey).isfinite().all())


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize(
    "wrong",
    [
        torch.zeros(3, 1, 8, 8),
        torch.zeros(3, 1, 8, 8, dtype=torch.int64),
        torch.zeros(3, 8, 8, dtype=torch.uint8),
        torch.zeros(0, 1, 8, 8, dtype=torch.uint8),
        torch.zeros(3, 0, 8, 8, dtype=torch.uint8),
    ],
    ids=["floats", "wide integers", "no channels", "none", "empty"],
)
def test_what_are_no_images_is_refused(name: str, wrong: Tensor, found: dict[str, Extractor]) -> None:
    with pytest.raises(BadInput, match="found"):
        found[name].features(wrong)


@pytest.mark.parametrize("name", [name for name in ROWS if name not in ANY_SIZE])
@pytest.mark.parametrize("shape", [(1, 9, 8), (3, 8, 8), (1, 28, 28)])
def test_images_of_another_size_than_the_data_are_refused(
    name: str, shape: tuple[int, ...], found: dict[str, Extractor]
) -> None:
    with pytest.raises(BadInput, match="expected"):
        found[name].features(torch.zeros(2, *shape, dtype=torch.uint8))


def test_those_with_classes_are_judges(digits: Dataset, found: dict[str, Extractor]) -> None:
    assert {name for name, extractor in found.items() if isinstance(extractor, Judge)} == JUDGES
    for name, classes in (("classifier", 10), ("inception", 1008)):
        judge = found[name]
        assert isinstance(judge, Judge)
        images = digits.test.values[:2]
        logits = judge.logits(images)
        assert (logits.dtype, logits.shape) == (torch.float32, (2, classes))
        alone = judge.logits(images[1:])
        torch.testing.assert_close(alone, logits[1:], rtol=0, atol=1e-5 * float(logits.abs().max()))


@pytest.mark.parametrize("name", [name for name in ROWS if name not in extractors.READS_WEIGHTS])
def test_weights_that_a_row_does_not_read_are_not_ignored(name: str, digits: Dataset, weights: dict[str, Path]) -> None:
    with pytest.raises(BadInput, match="only inception and onnx read any"):
        extractors.build_extractor(name, digits, weights["onnx"])


@pytest.mark.parametrize("name", sorted(extractors.NEEDS_WEIGHTS))
def test_weights_that_a_row_cannot_do_without_are_asked_for(name: str, digits: Dataset) -> None:
    with pytest.raises(BadInput, match=f"found none for the extractor {name}, expected the path of its file"):
        extractors.build_extractor(name, digits)
