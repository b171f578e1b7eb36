"""The framework's example as benchmarks/ has it: its nets and its step are those of the recipe `dcgan`."""

import copy
from collections.abc import Iterator
from pathlib import Path

import framework_dcgan
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from advnets.algorithm import Algorithm1
from advnets.games import Game
from advnets.latents import gaussian
from advnets.networks import DcganDiscriminator, DcganGenerator, Sizes
from advnets.objectives import OBJECTIVES
from advnets.optimizers import Adam, set_numbers
from advnets.training import Batch


def reals(n: int) -> Iterator[Tensor]:
    rng = torch.Generator().manual_seed(1)
    while True:
        yield torch.rand(n, 3, 32, 32, generator=rng, dtype=torch.float64) * 2 - 1


def test_sizes_are_the_published_ones() -> None:
    """3,576,704 and 2,765,568 are the numbers of parameters of the example's nets."""
    nets = framework_dcgan.generator(64), framework_dcgan.discriminator(64)
    assert [sum(map(Tensor.numel, net.parameters())) for net in nets] == [3_576_704, 2_765_568]


def test_three_steps_are_three_of_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framework_dcgan, "MAPS", 4)
    theirs = [build(32).double() for build in (framework_dcgan.generator, framework_dcgan.discriminator)]
    sizes = Sizes((3, 32, 32), framework_dcgan.LATENT)
    mine = [row.build(sizes).double() for row in (DcganGenerator(width=4), DcganDiscriminator(width=4))]
    for a, b in zip(theirs, mine, strict=True):
        for theta, copied in zip(a.parameters(), b.parameters(), strict=True):
            copied.data.copy_(theta.data)
    game = Game(*mine, OBJECTIVES["non_saturating"], latent=gaussian(framework_dcgan.LATENT))
    optimizers = {name: Adam(framework_dcgan.BETAS).build(list(net.parameters())) for name, net in game.players.items()}
    for optimizer in optimizers.values():
        set_numbers(optimizer, lr=framework_dcgan.RATE)
    before = copy.deepcopy([*theirs[0].parameters()])
    torch.set_default_dtype(torch.float64)
    try:
        for steps in (
            framework_dcgan.steps(*theirs, reals(4)),
            Algorithm1(share_fakes=True).steps(game, (Batch(real) for real in reals(4)), optimizers),
        ):
            torch.manual_seed(0)
            for _ in range(3):
                next(steps)
    finally:
        torch.set_default_dtype(torch.float32)
    assert not any(map(torch.equal, before, theirs[0].parameters()))
    for a, b in zip(theirs, mine, strict=True):
        for theta, copied in zip(a.parameters(), b.parameters(), strict=True):
            torch.testing.assert_close(copied, theta, rtol=1e-7, atol=1e-9)


def test_a_short_run_writes_its_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framework_dcgan, "SAMPLES", 10)
    monkeypatch.setattr(framework_dcgan, "MAPS", 4)
    monkeypatch.setattr(framework_dcgan, "CHECKPOINTS", (0.00005, 5.0))
    (tmp_path / "photos" / "inner").mkdir(parents=True)
    for number, sides in enumerate([(40, 50), (90, 32), (32, 32)]):
        Image.new("RGB", sides, (255, 0, 128)).save(tmp_path / "photos" / "inner" / f"{number}.png")
    numbers = {"minutes": 0.0001, "size": 32, "seed": 0, "device": "cpu"}
    framework_dcgan.train(tmp_path / "photos", tmp_path / "out", **numbers)
    for name in ("minutes-5e-05", "minutes-0.0001"):
        images = np.load(tmp_path / "out" / f"{name}.npz")["images"]
        assert (images.shape, images.dtype) == ((10, 32, 32, 3), np.uint8)


def test_images_are_resized_cut_and_shifted(tmp_path: Path) -> None:
    image = Image.new("RGB", (8, 16), (255, 0, 0))
    image.paste((0, 0, 255), (0, 0, 8, 4))  # above the middle
    image.save(tmp_path / "a.png")
    found = framework_dcgan.Pictures(tmp_path, 8)[0]
    assert torch.equal(found, torch.tensor([1.0, -1.0, -1.0])[:, None, None].expand(3, 8, 8))


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="found no images"):
        framework_dcgan.Pictures(tmp_path, 8)
