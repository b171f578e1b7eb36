"""Extractors: their ids, their independence of batches, and the classifier's training, accuracy and cache."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from advnets import data, distributed, extractors
from advnets.data import Dataset, Split
from advnets.disk import Folder
from advnets.errors import BadInput, Unsupported
from advnets.extractors import ClassifierSettings, Pixels, fit_pca, train_classifier
from advnets.extractors.classifier import shift_images, triangular_rate
from advnets.extractors.pca import EXACT
from advnets.metrics import coverage
from advnets.runs import state_fingerprint

BRIEF = ClassifierSettings(widths=(4, 8), hidden=16, fewest_steps=12, passes=1)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return data.load("digits")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that is empty."""
    monkeypatch.setenv("ADVNETS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def images(n: int, *, shape: tuple[int, int, int] = (1, 8, 8), seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, *shape), dtype=torch.uint8, generator=rng)


def labelled(n: int, shape: tuple[int, int, int], classes: int) -> Dataset:
    """Noise whose class is told by its brightness."""
    labels = torch.arange(n) % classes
    values = (images(n, shape=shape) // classes) + (labels * (256 // classes)).to(torch.uint8)[:, None, None, None]
    split = Split(values, labels)
    return Dataset("noise", split, split, split, classes, "here")


def test_an_unknown_extractor_is_refused(digits: Dataset) -> None:
    with pytest.raises(BadInput, match="Did you mean 'pca'"):
        extractors.build_extractor("pcs", digits)


def test_pixels_are_bytes_over_255_and_points_themselves() -> None:
    some = images(3)
    assert torch.equal(Pixels().features(some), (some.flatten(1).double() / 255).float())
    points = torch.randn(4, 2)
    assert torch.equal(Pixels().features(points), points)


@pytest.mark.parametrize(
    "values", [torch.zeros(3, 8, 8, dtype=torch.uint8), torch.zeros(3, 1, 8, 8), torch.zeros(0, 2)]
)
def test_what_is_neither_images_nor_points_is_refused(values: torch.Tensor) -> None:
    with pytest.raises(BadInput, match=r"expected uint8 images \(n, c, h, w\) or float points"):
        Pixels().features(values)


@pytest.mark.parametrize(("n", "shape"), [(90, (1, 8, 8)), (20, (3, 9, 7)), (EXACT + 60, (3, 20, 20))])
def test_pca_is_numpys_singular_value_decomposition(n: int, shape: tuple[int, int, int]) -> None:
    """Exact with few pixels, exact with few images, and by a random subspace where both are many."""
    rank = 12
    rng = np.random.default_rng(0)
    loads = rng.normal(size=(n, rank)) * 0.7 ** np.arange(rank)
    smooth = loads @ rng.normal(size=(rank, int(np.prod(shape))))
    values = torch.from_numpy((127 + 20 * smooth).clip(0, 255).astype(np.uint8)).view(n, *shape)
    pca = fit_pca(Split(values), 8)
    x = values.flatten(1).double().numpy() / 255
    _, singular, vectors = np.linalg.svd(x - x.mean(0), full_matrices=False)
    np.testing.assert_allclose(pca.variances, singular[:8] ** 2 / (n - 1), rtol=1e-6)
    np.testing.assert_allclose(np.abs((pca.basis.numpy() * vectors[:8]).sum(1)), 1, atol=1e-6)
    np.testing.assert_allclose(pca.basis @ pca.basis.T, np.eye(8), atol=1e-10)
    expected = (x - x.mean(0)) @ pca.basis.numpy().T
    np.testing.assert_allclose(pca.features(values), expected, atol=1e-6)


def test_pca_is_the_same_again_and_its_id_tells_the_basis(digits: Dataset) -> None:
    first, again = fit_pca(digits.train, 10), fit_pca(digits.train, 10)
    assert torch.equal(first.basis, again.basis)
    assert first.id == again.id
    others = [fit_pca(digits.train, 11), fit_pca(digits.validation, 10)]
    assert len({first.id, *(other.id for other in others)}) == 3


def test_pca_in_parts_is_pca(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 100 images, exact and by a random subspace."""
    whole = fit_pca(digits.train, 10)
    monkeypatch.setattr("advnets.extractors.pca.PART", 100)
    for most, bound in ((EXACT, 1e-9), (32, 1e-4)):
        monkeypatch.setattr("advnets.extractors.pca.EXACT", most)
        torch.testing.assert_close(fit_pca(digits.train, 10).basis, whole.basis, rtol=0, atol=bound)


def test_pca_has_no_more_components_than_there_are(digits: Dataset) -> None:
    assert fit_pca(Split(digits.train.values[:5]), 64).basis.shape == (4, 64)
    with pytest.raises(BadInput, match="at least 1"):
        fit_pca(Split(digits.train.values[:1]))
    with pytest.raises(BadInput, match="expected 64"):
        fit_pca(digits.train, 3).features(images(2, shape=(1, 9, 9)))


def test_the_same_seed_gives_the_same_weights_and_disturbs_nobody(digits: Dataset, cache: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    first = train_classifier(digits, BRIEF)
    assert torch.equal(torch.rand(2), expected)
    (folder,) = (cache / "classifiers").iterdir()
    folder.rename(cache / "aside")
    again = train_classifier(digits, BRIEF)
    assert again.id == first.id
    assert state_fingerprint(again.network.state_dict()) == state_fingerprint(first.network.state_dict())


def test_it_is_trained_where_the_caller_has_switched_gradients_off(digits: Dataset, cache: Path) -> None:
    with torch.no_grad():
        trained = train_classifier(digits, BRIEF)
    assert trained.id == train_classifier(digits, BRIEF).id
    assert trained.accuracy > 0


def test_other_data_settings_or_seeds_are_other_classifiers(digits: Dataset, cache: Path) -> None:
    swapped = replace(digits, train=digits.validation, validation=digits.train)
    made = [
        train_classifier(digits, BRIEF),
        train_classifier(digits, replace(BRIEF, seed=1)),
        train_classifier(digits, replace(BRIEF, smoothing=0.0)),
        train_classifier(digits, replace(BRIEF, widths=(4, 9))),
        train_classifier(swapped, BRIEF),
    ]
    assert len({classifier.id for classifier in made}) == len(made)
    assert len(list((cache / "classifiers").iterdir())) == len(made)


def test_what_the_cache_holds_is_not_trained_again(
    digits: Dataset, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not extractors.is_cached(digits, BRIEF)
    first = train_classifier(digits, BRIEF)
    assert extractors.is_cached(digits, BRIEF)
    monkeypatch.delattr("advnets.extractors.classifier._train_network")
    again = train_classifier(digits, BRIEF)
    assert (again.id, again.accuracy, again.seconds) == (first.id, first.accuracy, first.seconds)
    some = digits.test.values[:9]
    assert torch.equal(again.logits(some), first.logits(some))


@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json", "MANIFEST.json"])
def test_a_flipped_bit_in_the_cache_is_told_and_trained_anew(name: str, digits: Dataset, cache: Path) -> None:
    first = train_classifier(digits, BRIEF)
    (path,) = cache.rglob(name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert not extractors.is_cached(digits, BRIEF)
    with pytest.warns(UserWarning, match="cannot be read and is trained again.*SHA-256 is not that of the manifest"):
        again = train_classifier(digits, BRIEF)
    assert again.id == first.id
    assert extractors.is_cached(digits, BRIEF)


def test_what_the_killed_left_in_the_cache_is_removed(digits: Dataset, cache: Path) -> None:
    """Also what they left of a classifier that nobody asks for again; one that is being stored is locked, and stays."""
    for name in ("killed", "busy"):
        (cache / "classifiers" / name / ".tmp-1-abc").mkdir(parents=True)
    with Folder.open(cache / "classifiers" / "busy") as busy:
        assert busy.lock()
        train_classifier(digits, BRIEF)
    (left,) = cache.rglob(".tmp-*")
    assert left.parent.name == "busy"
    assert len(list((cache / "classifiers").iterdir())) == 2


def test_a_classifier_laid_in_the_place_of_another_is_not_taken(digits: Dataset, cache: Path) -> None:
    train_classifier(digits, BRIEF)
    (mine,) = (cache / "classifiers").iterdir()
    mine.rename(cache / "mine")
    other = replace(BRIEF, seed=1)
    expected = train_classifier(digits, other).id
    (place,) = (cache / "classifiers").iterdir()
    place.rename(cache / "aside")
    (cache / "mine").rename(place)
    with pytest.warns(UserWarning, match="of other data or settings"):
        assert train_classifier(digits, other).id == expected


def test_a_cache_that_cannot_be_written_is_told_and_done_without(digits: Dataset, cache: Path) -> None:
    cache.write_text("no folder")
    with pytest.warns(UserWarning, match="not cached"):
        assert train_classifier(digits, BRIEF).accuracy > 0.1


@pytest.mark.parametrize(
    ("shape", "classes"),
    [((1, 1, 1), 2), ((1, 5, 3), 2), ((3, 8, 8), 3), ((1, 17, 40), 4), ((3, 64, 64), 2), ((4, 32, 32), 30)],
)
def test_images_of_every_size_and_number_of_classes_are_learnt(
    shape: tuple[int, int, int], classes: int, cache: Path
) -> None:
    dataset = labelled(60, shape, classes)
    classifier = train_classifier(dataset, replace(BRIEF, fewest_steps=3))
    assert classifier.features(dataset.test.values).shape == (60, 16)
    assert classifier.logits(dataset.test.values).shape == (60, classes)


def test_brightness_is_learnt_from_few_images(cache: Path) -> None:
    dataset = labelled(40, (1, 6, 6), 4)
    assert train_classifier(dataset, replace(BRIEF, fewest_steps=100)).accuracy == 1


def test_constant_images_do_not_divide_by_zero(cache: Path) -> None:
    split = Split(torch.full((20, 1, 8, 8), 7, dtype=torch.uint8), torch.arange(20) % 2)
    classifier = train_classifier(Dataset("grey", split, split, split, 2, "here"), BRIEF)
    assert bool(classifier.features(split.values).isfinite().all())


def test_what_cannot_be_learnt_is_refused(digits: Dataset) -> None:
    bare = Split(digits.train.values)
    with pytest.raises(Unsupported, match="without labels"):
        train_classifier(Dataset("bare", bare, bare, bare, None, "here"))
    with pytest.raises(Unsupported, match="points"):
        train_classifier(data.load("ring-8"))


def test_images_of_another_kind_are_refused(digits: Dataset, cache: Path) -> None:
    classifier = train_classifier(digits, BRIEF)
    for wrong in (images(2, shape=(1, 9, 8)), images(2).float(), images(2)[:0]):
        with pytest.raises(BadInput, match="expected uint8"):
            classifier.classify(wrong)


def test_classes_are_those_of_the_features(digits: Dataset, cache: Path) -> None:
    classifier = train_classifier(digits, BRIEF)
    some = digits.test.values[:50]
    classes = classifier.classify_features(classifier.features(some))
    assert torch.equal(classes, classifier.classify(some))
    assert torch.equal(classes, classifier.logits(some).argmax(1))


def test_the_rate_rises_and_falls_and_steps_have_bounds() -> None:
    assert [triangular_rate(share) for share in (0, 0.125, 0.25, 0.625, 1)] == [0, 0.5, 1, 0.5, 0]
    settings = ClassifierSettings(batch_size=100, images=10_000, passes=20, fewest_steps=30)
    assert [settings.steps(n) for n in (10**6, 200, 10)] == [100, 40, 30]


def test_shifts_move_by_whole_pixels_and_evenly() -> None:
    """A single bright pixel lands on each of the nine places around it, none twice as often as another."""
    one = torch.zeros(9000, 1, 8, 8, dtype=torch.uint8)
    one[:, 0, 4, 4] = 200
    torch.manual_seed(0)
    moved = shift_images(one)
    assert bool((moved.flatten(1).sum(1) == 200).all())
    places = (moved.sum(0)[0] / 200).flatten()
    assert int((places > 0).sum()) == 9
    assert float(places[places > 0].min()) > 850
    assert float(moved[:, 0, 3:6, 3:6].float().sum()) == 9000 * 200
    edge = torch.zeros(200, 1, 28, 28, dtype=torch.uint8)
    edge[:, :, 0, :] = 9
    assert set(shift_images(edge).flatten(1).sum(1).tolist()) <= {0, *(9 * (28 - move) for move in range(3))}


def test_digits_are_known(digits: Dataset) -> None:
    """The figure to show is 98 %: 245 of the 250 that it has not seen."""
    classifier = train_classifier(digits)
    assert classifier.accuracy >= 0.97
    assert extractors.accuracy(classifier, digits.test) >= 0.98


def test_real_digits_cover_real_digits_about_as_their_expectation_says(digits: Dataset) -> None:
    """Neither split was trained on, so that the features of both have one distribution, but for writers and luck."""
    classifier = train_classifier(digits)
    found = coverage(classifier.features(digits.test.values), classifier.features(digits.validation.values))
    assert found.floor is not None
    assert abs(found.value - found.floor) < 4 * max(found.error, 0.01)


@pytest.mark.slow
def test_mnist_is_known(mnist: Dataset) -> None:
    classifier = train_classifier(mnist)
    assert extractors.accuracy(classifier, mnist.test) >= 0.992


def test_one_of_several_processes_trains_the_classifier_that_a_process_alone_does(
    digits: Dataset, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = train_classifier(digits, BRIEF)
    shutil.rmtree(cache)
    monkeypatch.setattr(distributed, "world_size", lambda: 2)
    monkeypatch.setattr(distributed, "rank", lambda: 1)
    assert train_classifier(digits, BRIEF).id == alone.id
