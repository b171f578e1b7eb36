"""Samples in Python: by seeds, nearer to the middle, on the way from seed to seed, and written block by block."""

import io
import zipfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from advnets import figures
from advnets.assessment import Progress
from advnets.errors import BadInput, CannotWrite, NonFinite, TooBig, Unsupported
from advnets.experiment import Model, SamplePlan, Samples, find_model
from advnets.experiment.sampling import blocks, draw_noises, inputs
from advnets.latents import LATENTS
from advnets.runs import Card, DataCard


class Mirror(nn.Module):
    """z as an image of one row, so that samples show their noises; it draws a level of its own beside it."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        own = torch.rand(len(z), 1)
        return torch.cat([z.div(10).add(0.5).clamp(0, 1), own], 1).reshape(len(z), 1, 1, -1)


def mirror(latent: str = "gaussian", size: int = 40, **more: Any) -> Model:
    card = Card({"row": "own"}, latent, size, "unit", DataCard("none", "", (1, 1, size + 1), None), "none", 0, "0")
    return Model("mirror", Mirror(), replace(card, **more))


@pytest.fixture(scope="module")
def shipped() -> Model:
    return find_model("paper-mnist")


def read_pngs(path: Path) -> np.ndarray[Any, Any]:
    """The images of FILE.zip or FOLDER/, by name."""
    if path.is_dir():
        found = {file.name: file.read_bytes() for file in path.iterdir()}
    else:
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            found = {name: archive.read(name) for name in archive.namelist()}
    return np.stack([np.asarray(Image.open(io.BytesIO(found[name]))) for name in sorted(found)])


def test_a_seed_of_a_list_draws_what_it_draws_alone(shipped: Model) -> None:
    for model in (shipped, mirror()):
        listed = model.sample(seeds=[3, 2**63 - 1, 3]).values
        alone = [model.sample(1, seed=seed).values[0] for seed in (3, 2**63 - 1, 3)]
        assert np.array_equal(listed, alone)
        assert not np.array_equal(listed[0], listed[1])


def test_labels_of_seeds_are_those_that_each_draws_alone() -> None:
    card = mirror(given="labels", data=DataCard("none", "", (1, 1, 41), 3, frequencies=(0.2, 0.3, 0.5))).card
    plan = SamplePlan(seeds=range(30))
    drawn = inputs.choose_inputs(nn.Identity(), card, "mine", plan, streamed=False).given
    alone = [inputs.choose_given(card, "mine", 1, seed, None) for seed in range(30)]
    assert drawn is not None
    assert drawn.tolist() == [int(one) for one in alone if one is not None]
    assert set(drawn.tolist()) == {0, 1, 2}


@pytest.mark.parametrize("latent", LATENTS)
def test_truncation_multiplies_z_and_changes_no_direction(latent: str) -> None:
    """Variance psi^2 a coordinate: of 40,000 coordinates the estimate has a relative error of .7 % or less."""
    card = mirror(latent).card
    whole, half = draw_noises(card, 1000, 5), draw_noises(card, 1000, 5, truncation=0.5)
    assert whole is not None
    assert half is not None
    assert float(half.var()) == pytest.approx(0.25, rel=0.04)
    assert torch.equal(half, whole / 2)
    assert np.array_equal(mirror(latent).sample(9, truncation=1).values, mirror(latent).sample(9).values)


@pytest.mark.parametrize("frames", [0, 4])
def test_a_way_leads_through_the_samples_of_its_seeds(frames: int, shipped: Model) -> None:
    for model in (shipped, mirror(), mirror("uniform")):
        way = model.interpolate([3, 7, 3], frames=frames, truncation=0.7)
        assert len(way) == 3 + 2 * frames
        assert np.array_equal(way.values[:: frames + 1], model.sample(seeds=[3, 7, 3], truncation=0.7).values)
        assert frames == 0 or len({image.tobytes() for image in way.values[: frames + 2]}) == frames + 2


def test_a_gaussian_way_stays_on_the_sphere_and_a_uniform_one_in_the_cube() -> None:
    p, q = torch.randn(2, 500, generator=torch.Generator().manual_seed(0))
    q = q * p.norm() / q.norm()
    shares = torch.linspace(0, 1, 9, dtype=torch.float64)
    arc = LATENTS["gaussian"](500).interpolate(p, q, shares)
    assert torch.allclose(arc.norm(dim=1), p.norm().expand(9), rtol=1e-5)
    angles = [float(torch.dot(a, b) / a.norm() / b.norm()) for a, b in pairwise(arc)]
    assert max(angles) - min(angles) < 1e-5  # equal steps
    line = LATENTS["uniform"](500).interpolate(p, q, shares)
    assert torch.allclose(line[4], (p + q) / 2, atol=1e-6)
    assert float(line[4].norm()) < 0.8 * float(p.norm())


@pytest.mark.parametrize("factor", [1.0, -1.0])
def test_a_way_between_noises_of_one_line_is_finite(factor: float) -> None:
    p = torch.tensor([1.0, 2.0])
    way = LATENTS["gaussian"](2).interpolate(p, factor * p, torch.tensor([0.0, 0.5, 1.0]).double())
    assert torch.equal(way, torch.stack([p, (1 + factor) / 2 * p, factor * p]))


@pytest.mark.parametrize("out", ["x.npz", "x.zip", "x/"])
def test_what_is_streamed_is_what_is_drawn_whatever_the_block(
    out: str, shipped: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 7)
    for number, model in enumerate((mirror(), shipped)):
        whole, told = model.sample(30, seed=4).values, list[Progress]()
        path = model.save_samples(f"{number}{out}", SamplePlan(30, 4), told.append)
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as held:
                assert list(held) == ["images"]
                assert held["images"].dtype == np.uint8
                found = held["images"]
        else:
            found = read_pngs(path)[..., None]
        assert np.array_equal(found, whole)
        assert [one.share for one in told] == [7 / 30, 14 / 30, 21 / 30, 28 / 30, 1.0]


def test_large_images_are_made_in_smaller_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    model, made = mirror(size=4, data=DataCard("none", "", (3, 256, 512), None)), list[int]()
    monkeypatch.setattr(model.network, "forward", lambda z: made.append(len(z)) or torch.zeros(len(z), 1, 2, 2))
    model.sample(25)
    assert made == [10, 10, 5]


def test_the_same_samples_make_the_same_bytes(shipped: Model, tmp_path: Path) -> None:
    for ending in ("npz", "zip"):
        files = shipped.save_samples(f"a.{ending}", SamplePlan(20)), shipped.sample(20).save(f"b.{ending}")
        assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.npz", "a.zip"])
def test_a_cell_that_is_run_again_may_overwrite_its_file(name: str, shipped: Model, tmp_path: Path) -> None:
    first, second = shipped.sample(4, seed=0), shipped.sample(4, seed=1)
    first.save(name)
    before = Path(name).read_bytes()
    with pytest.raises(BadInput, match=r"is there already and is not overwritten\..* overwrite=True"):
        second.save(name)
    assert Path(name).read_bytes() == before
    assert second.save(name, overwrite=True) == Path(name)
    second.save(f"new-{name}", overwrite=True)
    assert Path(name).read_bytes() == Path(f"new-{name}").read_bytes() != before
    assert {path.name for path in Path().iterdir()} == {name, f"new-{name}"}


def test_overwriting_is_whole_or_not_at_all_and_never_over_a_folder(
    shipped: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = shipped.sample(4, seed=0)
    for name in ("folder.npz", "folder"):
        Path(name).mkdir()
        Path(name, "mine.txt").write_text("mine")
        with pytest.raises(BadInput, match="is there already"):
            samples.save(name, overwrite=True)
        assert [path.name for path in Path(name).iterdir()] == ["mine.txt"]
    samples.save("a.npz")
    before = Path("a.npz").read_bytes()

    def fail(*_: Any) -> None:
        raise OSError("no room")

    with monkeypatch.context() as patched:
        patched.setattr("numpy.lib.format.write_array_header_1_0", fail)
        with pytest.raises(CannotWrite):
            samples.save("a.npz", overwrite=True)
    assert Path("a.npz").read_bytes() == before
    Path("link.npz").symlink_to("a.npz")
    shipped.sample(4, seed=1).save("link.npz", overwrite=True)
    assert Path("a.npz").read_bytes() == before
    assert not Path("link.npz").is_symlink()
    assert not list(Path().glob(".tmp-*"))


def test_samples_say_how_many_they_are_in_one_line() -> None:
    assert str(Samples(np.zeros((500, 2), np.float32))) == repr(Samples(np.zeros((500, 2), np.float32)))
    told = {
        "500 samples of 2 coordinates": np.zeros((500, 2), np.float32),
        "1 sample of 1 coordinate": np.zeros((1, 1), np.float32),
        "16 images of 8 x 8, 1 channel, uint8": np.zeros((16, 8, 8, 1), np.uint8),
        "1 image of 4 x 6, 3 channels, uint8": np.zeros((1, 4, 6, 3), np.uint8),
    }
    assert {words: str(Samples(values)) for words, values in told.items()} == {words: words for words in told}
    values = np.zeros((500, 2), np.float32)
    assert Samples(values, 3, None) != Samples(values, 4, None)
    assert Samples(values, 3) == Samples(values, 3)


def test_a_network_that_fails_in_the_middle_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 10)
    model, made = mirror(), []

    def fail(z: torch.Tensor) -> torch.Tensor:
        made.append(len(z))
        return torch.full((len(z), 1, 1, 41), float("nan") if len(made) == 3 else 0.0)

    monkeypatch.setattr(model.network, "forward", fail)
    for out in ("x.zip", "x.npz", "x/"):
        made.clear()
        with pytest.raises(NonFinite):
            model.save_samples(out, SamplePlan(50))
    assert list(tmp_path.iterdir()) == []


def test_memory_limits_what_is_held_and_not_what_is_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "physical_memory", lambda: 100_000)
    wide = mirror(size=4, data=DataCard("none", "", (1, 40, 40), None))
    monkeypatch.setattr(wide.network, "forward", lambda z: torch.zeros(len(z), 1, 40, 40))
    with pytest.raises(TooBig, match=r"has memory for 31 samples at once.*FILE.zip as they come"):
        wide.sample(100)
    assert len(read_pngs(wide.save_samples("x.zip", SamplePlan(100)))) == 100
    with pytest.raises(TooBig, match="has memory for 240 samples"):
        wide.save_samples("y.zip", SamplePlan(300))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (5, 3), (64, 48)])
def test_pngs_are_read_back_without_loss(channels: int, size: tuple[int, int]) -> None:
    images = np.random.default_rng(channels).integers(0, 256, (3, *size, channels), dtype=np.uint8)
    for image, content in zip(images, figures.encode_pngs(images), strict=True):
        found = Image.open(io.BytesIO(content))
        assert found.mode == {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
        assert np.array_equal(np.asarray(found).reshape(image.shape), image)


def test_an_animation_has_a_frame_a_sample_without_loss(shipped: Model, tmp_path: Path) -> None:
    way = shipped.interpolate([3, 7], frames=2)
    with Image.open(way.save("way.webp")) as film:
        assert (film.n_frames, film.info["loop"]) == (4, 0)
        for number, image in enumerate(way.values):
            film.seek(number)
            film.load()
            assert film.info["duration"] == 50
            assert np.array_equal(np.asarray(film.convert("L"))[::5, ::5], image[..., 0])
    assert way.picture().size == (4 * 58 + 2, 60)  # one row, from seed to seed


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"n": 3, "seeds": [1]}, "n is given beside seeds"),
        ({"seed": 0, "seeds": [1]}, "seed is given beside seeds"),
        ({"seeds": []}, "found 0 of them, expected 1 or more"),
        ({"seeds": [1, -1]}, "seeds: found -1, expected a whole number from 0"),
        ({"seeds": [2**63]}, "seeds: found 9223372036854775808"),
        ({"seeds": [1.5]}, "seeds: found 1.5"),
        ({"seed": -1}, "seed: found -1"),
        ({"truncation": 0.0}, "truncation is 0.0; expected a number above 0 and at most 1"),
        ({"truncation": 1.1}, "truncation is 1.1"),
        ({"truncation": float("nan")}, "truncation is nan"),
        ({"seeds": [1], "frames": 3}, "found 1 of them, expected 2 or more"),
        ({"seeds": [1, 2], "frames": -1}, "frames is -1"),
        ({"frames": 3}, "no seeds are given"),
    ],
)
def test_plans_that_cannot_be_are_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        SamplePlan(**asked)


def test_what_a_model_cannot_do_is_refused_by_name() -> None:
    unmoved = mirror(size=0, given="images", latent_size=0)
    with pytest.raises(Unsupported, match="mirror takes no noises, so that there is no truncation of them"):
        unmoved.sample(2, truncation=0.5, given=torch.zeros(2, 1, 1, 1))
    labelled = mirror(given="labels", data=DataCard("none", "", (1, 1, 41), 3))
    with pytest.raises(BadInput, match="samples of an interpolation are of one class"):
        labelled.interpolate([1, 2])
    chain = type("Chain", (nn.Module,), {"burn_in": 1, "passes_per_step": 1, "walk": iter})()
    with pytest.raises(Unsupported, match=r"Markov chains, which forget .* interpolation is not seen"):
        replace(mirror(), network=chain).interpolate([1, 2])
    points = mirror(data=DataCard("none", "", (2,), None))
    for out in ("x.zip", "x.webp", "x/"):
        with pytest.raises(Unsupported, match=r"points are not pictures .* use FILE.npz or FILE.png"):
            points.save_samples(out, SamplePlan(3))
