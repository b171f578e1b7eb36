"""Images out of images: sizes, seeds, company, ways, files by their names, and what is refused."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import tiny
from advnets import experiment
from advnets.assessment import Progress
from advnets.cli.main import main
from advnets.data import Dataset, Split, load
from advnets.errors import AdvnetsError, BadInput
from advnets.experiment import Model, TranslationPlan
from advnets.experiment.exploration import LatentExplorer, describe_latents, translate_upload
from advnets.experiment.preparation.preview import join_rows
from advnets.experiment.sampling.translation import resize
from advnets.networks import LastingDropout
from advnets.recipes import RECIPES
from image_files import encoded, put, random

STEPS = 6


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of each recipe that translates digits to their negatives, and a run that translates nothing."""
    torch.set_num_threads(1)
    folder, values = tmp_path_factory.mktemp("runs"), load("digits").train.values
    for name in ("pix2pix", "cyclegan"):
        settings = tiny.settings(str(folder / name), steps=STEPS)
        run = experiment.start(tiny.narrow(RECIPES[name]), settings=settings, data=values, given=255 - values)
        for _ in run.carry_on():
            pass
    tiny.trained(str(folder / "plain"), steps=STEPS)
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture
def model(runs: dict[str, Path]) -> Model:
    return experiment.find_model(runs["pix2pix"])


def images(n: int, height: int = 8, width: int = 8) -> torch.Tensor:
    rng = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, 1, height, width), generator=rng, dtype=torch.uint8)


@pytest.mark.parametrize("size", [(8, 8), (31, 50), (5, 3)])
def test_an_image_keeps_its_size(size: tuple[int, int], model: Model) -> None:
    made = model.translate(images(2, *size)).values
    assert made.shape == (2, *size, 1)
    assert made.dtype == np.uint8


def test_another_size_goes_through_that_of_the_training(model: Model) -> None:
    """Scaled to 8 x 8, translated, scaled back: no other arithmetic."""
    large = images(1, 20, 12)
    small = torch.from_numpy(resize(large[0].permute(1, 2, 0).numpy(), 8, 8)).permute(2, 0, 1)[None]
    expected = resize(model.translate(small).values[0], 20, 12)
    assert np.array_equal(model.translate(large).values[0], expected)


def test_a_translation_depends_on_its_image_and_its_seed_alone(model: Model) -> None:
    many = images(4)
    made = model.translate(many, n=3, seed=5).values.reshape(4, 3, 8, 8, 1)
    torch.rand(3)  # whatever random numbers the program draws beside it
    for number, seed in ((0, 5), (2, 7)):
        alone = model.translate(many[3:], seed=seed).values[0]
        assert np.array_equal(made[3, number], alone)
    assert not np.array_equal(made[3, 0], made[3, 1])


def test_without_dropout_every_seed_makes_the_same(model: Model) -> None:
    silent = [model.translate(images(1), seed=seed, dropout=False).values for seed in (0, 1)]
    assert np.array_equal(*silent)
    assert all(layer.is_on for layer in model.network.modules() if isinstance(layer, LastingDropout))
    with pytest.raises(BadInput, match=r"has no noise, and makes one translation of each image\. Leave n out"):
        model.translate(images(1), n=2, dropout=False)


def test_both_ways_of_a_cycle_are_other_translations(runs: dict[str, Path]) -> None:
    there, back = (experiment.find_model(runs["cyclegan"], way=way) for way in ("there", "back"))
    one, other = (model.translate(images(2)).values for model in (there, back))
    assert not np.array_equal(one, other)
    assert np.array_equal(experiment.find_model(runs["cyclegan"]).translate(images(2)).values, one)
    with pytest.raises(BadInput, match="has no noise"):
        there.translate(images(1), n=2)


def test_ways_that_are_not_there_are_told(runs: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has one generator, and no way back; expected a run of a cycle"):
        experiment.find_model(runs["pix2pix"], way="back")
    with pytest.raises(AdvnetsError, match="Did you mean 'back'"):
        experiment.find_model(runs["cyclegan"], way="bak")
    shared = experiment.Run(runs["cyclegan"]).export(tmp_path / "G.safetensors")
    assert experiment.find_model(shared, way="there").card.way == "there"
    with pytest.raises(BadInput, match=r"found the way there, expected the way back\. Name the run"):
        experiment.find_model(shared, way="back")


def test_images_that_do_not_fit_are_told(model: Model, runs: dict[str, Path]) -> None:
    for wrong in (images(2)[:, 0], images(2).repeat(1, 3, 1, 1), images(2).float(), images(2)[:0]):
        with pytest.raises(BadInput, match=r"found (an image|images) of shape .*expected uint8 \("):
            model.translate(wrong)
    with pytest.raises(BadInput, match="plain draws from noise and takes no image; images are translated by runs"):
        experiment.find_model(runs["plain"]).translate(images(1))
    for wrong_plan in ({"n": 0}, {"seed": -1}, {"seed": 2**63 - 1, "n": 2}):
        with pytest.raises(BadInput, match="expected"):
            TranslationPlan(**wrong_plan)  # type: ignore[arg-type]


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_files_are_written_by_their_names(model: Model, tmp_path: Path) -> None:
    grey, photo = encoded(random(9, 7, 1)), encoded(random(8, 8, 1), "JPEG")
    put(tmp_path / "in", {"a.png": grey, "deep/b.jpg": photo, "x.txt": b""})
    seen: list[float] = []
    out = model.translate_files([tmp_path / "in"], tmp_path / "out", show=lambda progress: seen.append(progress.share))
    assert files(out) == ["a.png", "deep/b.png"]
    assert seen == [0.5, 1.0]
    with Image.open(out / "a.png") as image:
        assert (image.size, image.mode) == ((7, 9), "L")
        found = np.asarray(image)
    with Image.open(tmp_path / "in/a.png") as image:
        stored = torch.from_numpy(np.array(image))[None, None]
    assert np.array_equal(found, model.translate(stored).values[0, ..., 0])
    several = model.translate_files([tmp_path / "in/a.png"], tmp_path / "many", TranslationPlan(n=3))
    assert files(several) == ["a-0.png", "a-1.png", "a-2.png"]


def test_an_upload_is_translated_either_way_of_a_cycle(runs: dict[str, Path]) -> None:
    explorer = LatentExplorer(runs["cyclegan"])
    assert describe_latents(explorer.model())["way"] == "there"
    assert describe_latents(LatentExplorer(runs["pix2pix"]).model())["way"] == ""
    photo = encoded(random(8, 8, 1))
    there, back, first = (translate_upload(explorer.model(way), photo).values for way in ("there", "back", None))
    assert np.array_equal(there, first)
    assert not np.array_equal(there, back)
    with pytest.raises(BadInput, match="way"):
        explorer.model("sideways")


def test_either_way_of_a_cycle_is_exported(runs: dict[str, Path], tmp_path: Path) -> None:
    run, photo = str(runs["cyclegan"]), images(2)
    for ending in ("safetensors", "onnx"):
        assert main(["export", run, "--way", "back", "--out", f"back.{ending}"]) == 0
        model = experiment.find_model(f"back.{ending}")
        assert model.card.way == "back"
        own = experiment.find_model(run, way="back").translate(photo).values.astype(int)
        assert np.abs(model.translate(photo).values - own).max() <= (1 if ending == "onnx" else 0)
    for words in (
        [run, "--way", "up"],
        [str(runs["pix2pix"]), "--way", "back"],
        ["back.safetensors", "--way", "there"],
    ):
        assert main(["export", *words, "--out", "other.safetensors"]) == 2
    assert not Path("other.safetensors").exists()


def test_pairs_side_by_side_are_told(model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, {"pair.png": encoded(random(8, 16, 1)), "photo.png": encoded(random(8, 8, 1))})
    told: list[Progress] = []
    model.translate_files([tmp_path / "pair.png"], tmp_path / "one.png", show=told.append)
    model.translate_files([tmp_path / "pair.png", tmp_path / "photo.png"], tmp_path / "two", show=told.append)
    notes = [progress.what for progress in told if progress.note]
    assert [note.split(" have")[0] for note in notes] == ["1 of 1 images", "1 of 2 images"]
    assert all("cut out the half" in note for note in notes)
    model.translate_files([tmp_path / "photo.png"], tmp_path / "none.png", show=told.append)
    assert sum(progress.note for progress in told) == 2


def test_the_command_translates(runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, {"a.png": encoded(random(9, 7, 1))})
    run = str(runs["cyclegan"])
    assert main(["translate", run, "a.png", "--out", "there.png", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["way"] == "there"
    assert main(["translate", run, "a.png", "--out", "back/", "--way", "back"]) == 0
    assert files(tmp_path) == ["a.png", "back/a.png", "there.png"]
    assert (tmp_path / "there.png").read_bytes() != (tmp_path / "back/a.png").read_bytes()
    assert main(["translate", str(runs["pix2pix"]), "a.png", "--out", "two/", "-n", "2", "--seed", "3"]) == 0
    assert files(tmp_path / "two") == ["a-0.png", "a-1.png"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out", "o.png"], "found no image, expected an image file or a folder of them"),
        (["--out", "o"], "found no image, expected an image file or a folder of them"),
        (["missing.png", "--out", "o.png"], "missing.png: there is no such file or folder"),
        (["empty", "--out", "o"], "empty: found no images"),
        (["colour.png", "--out", "o.png"], "colour.png: found an image in colour, expected a grey one"),
        (["broken.png", "--out", "o.png"], "broken.png: the image is broken"),
        (["words.txt", "--out", "o.png"], "words.txt: not an image in PNG"),
        (["a.png", "a.jpg", "--out", "o"], "found the name 'a' twice"),
        (["a.png", "--out", "a.png"], "a.png"),
        (["a.png", "--out", "o.jpg"], "translations cannot be written as 'o.jpg'"),
        (["a.png", "-n", "2", "--out", "o.png"], "found 2 translations for one file; expected FOLDER/"),
        (["a.png", "--out", "full"], "full"),
    ],
)
def test_what_cannot_be_translated_ends_with_2(
    words: Sequence[str], message: str, runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grey = encoded(random(9, 7, 1))
    put(tmp_path, {"a.png": grey, "a.jpg": encoded(random(8, 8, 1), "JPEG"), "colour.png": encoded(random())})
    put(tmp_path, {"broken.png": grey[:60], "words.txt": b"words", "full/x.png": grey, "empty/x.txt": b""})
    before = files(tmp_path)
    assert main(["translate", str(runs["pix2pix"]), *words]) == 2
    assert message in capsys.readouterr().err
    assert files(tmp_path) == before


def test_a_cycle_of_unlike_channels_is_refused() -> None:
    grey, colour = torch.zeros(20, 1, 8, 8, dtype=torch.uint8), torch.zeros(20, 3, 8, 8, dtype=torch.uint8)
    split = Split(grey, None, colour, is_paired=False)
    dataset = Dataset("kinds", split, split, split, None, "")
    with pytest.raises(BadInput, match=r"found images of shape \(3, 8, 8\) and of \(1, 8, 8\); expected one shape"):
        experiment.start(tiny.narrow(RECIPES["cyclegan"]), settings=experiment.Settings(steps=1), data=dataset)


def test_a_cycle_resumes_bit_for_bit_on_images_without_pairs(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    split = Split(images(20), None, 255 - images(33), is_paired=False)
    data = Dataset("kinds", split, split, split, None, "")
    recipe = tiny.narrow(RECIPES["cyclegan"])
    whole = experiment.start(recipe, settings=tiny.settings("whole", steps=12), data=data)
    for _ in whole.carry_on():
        pass
    parted = experiment.start(recipe, settings=tiny.settings("parted", steps=12), data=data)
    next(parted.carry_on())
    assert parted.step < 12
    assert tiny.state_hash(experiment.resume("parted", data=data)) == tiny.state_hash(whole)


def test_directions_that_a_recipe_cannot_have_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, message in (
        (["paper-adam", "--direction", "AtoB"], "found a recipe that is given no images"),
        (["pix2pix", "--direction", "unpaired", "--data", "."], "expected AtoB or BtoA for this recipe"),
        (["cyclegan", "--direction", "AtoB", "--data", "."], "expected unpaired for this recipe"),
        (["pix2pix", "--direction", "BtoB", "--data", "."], "Did you mean 'BtoA'?"),
    ):
        assert main(["train", *words, "--steps", "1"]) == 2
        assert message in capsys.readouterr().err


def test_previews_show_what_is_given_above_what_is_made(runs: dict[str, Path]) -> None:
    """Digits and their negatives: the first 8 that are held out, in rows of given, made and, of pairs, target."""
    held_out, cell = Dataset.of(load("digits").train.values).validation.values[:8], 2
    for name, rows in (("pix2pix", 3), ("cyclegan", 4)):
        (path,) = (runs[name] / "previews").iterdir()
        with Image.open(path) as image:
            picture = np.asarray(image.convert("L"))
        side = (picture.shape[1] - cell) // 8
        assert picture.shape == (rows * side + cell, 8 * side + cell)
        scale = (side - cell) // 8
        first = [picture[i * side + cell : (i + 1) * side : scale, cell:side:scale] for i in range(rows)]
        assert np.array_equal(first[0], 255 - held_out[0, 0].numpy())
        assert np.array_equal(first[2], held_out[0, 0].numpy())


def test_a_preview_of_grey_and_colour_is_in_colour() -> None:
    grey, colour = np.full((2, 3, 3, 1), 7, np.uint8), np.zeros((2, 3, 3, 3), np.uint8)
    joined = join_rows([grey, colour])
    assert joined.shape == (4, 3, 3, 3)
    assert (joined[:2] == 7).all()


def pairs(n: int, side: int = 12) -> Dataset:
    """Noise that is given, and to be made its negative; the last given image is that of the first training pair."""
    given = images(n, side, side)
    given[-1] = given[0]
    train, test = (Split(255 - part, None, part) for part in (given[: n - 4], given[n - 4 :]))
    return Dataset("negatives", train, test, test, None, "")


class Negative(torch.nn.Module):
    """The very target, of images in [-1, 1]."""

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        return -given


def scores_of(network: torch.nn.Module, data: Dataset, model: Model) -> experiment.TranslationScores:
    shape = data.shape
    card = replace(model.card, data=replace(model.card.data, shape=shape, given_shape=shape))
    return experiment.score_translations(network, card, data)


def test_translations_are_scored_beside_what_needs_no_generator(model: Model) -> None:
    data = pairs(40)
    found = scores_of(Negative(), data, model)
    assert list(found.scores) == ["l1", "psnr", "ssim"]
    assert all(list(sides) == ["model", "nearest", "mean", "copy"] for sides in found.scores.values())
    assert found.mean("l1").value == 0
    assert found.mean("ssim").value == pytest.approx(1)
    assert found.scores["l1"]["nearest"][-1] == 0  # its very pair is among the training ones
    assert data.test.given is not None
    copied = (data.test.values.double() - data.test.given.double()).abs().flatten(1).mean(1) / 255
    np.testing.assert_allclose(found.scores["l1"]["copy"], copied)
    mean = data.train.values.double().mean(0).round()
    expected = (data.test.values.double() - mean).abs().flatten(1).mean(1) / 255
    np.testing.assert_allclose(found.scores["l1"]["mean"], expected)
    apart = found.difference("l1", "copy")
    assert apart.value == pytest.approx(-float(copied.mean()))
    assert apart.p_value is not None
    assert apart.p_value < 0.01
    assert "| l1 | copy | 0." in str(found)


def test_what_cannot_be_scored_is_told(model: Model) -> None:
    data = pairs(40)
    small = experiment.score_translations(model.network, model.card, pairs(40, 8))
    assert list(small.scores) == ["l1", "psnr"]
    with pytest.raises(BadInput, match="expected 1, for each image is scored once"):
        experiment.score_translations(model.network, model.card, data, plan=TranslationPlan(n=2))
    for split in (Split(images(20)), Split(images(20), None, images(7), is_paired=False)):
        other = Dataset("other", split, split, split, None, "")
        with pytest.raises(BadInput, match=r"other: found .*, expected pairs"):
            experiment.score_translations(model.network, model.card, other)


def test_the_command_describes_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path / "kinds", {f"{kind}/{i:02d}.png": encoded(random(8, 8, 1)) for kind in "AB" for i in range(20)})
    assert main(["data", "kinds", "--recipe", "pix2pix", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["given_shape"] == [1, 8, 8]
    assert "16 pairs to train, 2 to validate, 2 to test, by their names. Given: A. Made: B" in json.dumps(told)
