"""The parts of benchmarks/gpu.py, on a CPU: what they do there is what they do on a GPU, but for the recordings."""

from dataclasses import replace

import gpu
import pytest
import torch
from operations import Operations
from torch import nn

import tiny
from advnets.games import AdversarialRow

SMALL = ["--device", "cpu", "--seconds", "0.01", "--recipes", "paper-adam"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.main([]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "found none" in said.err


def test_the_limits_leave_room_within_nine_minutes() -> None:
    assert set(gpu.LIMITS) == set(gpu.PARTS)
    assert sum(gpu.LIMITS.values()) <= 540 - 20


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("rates", "| paper-adam, 100 | 3.57 | bfloat16 | recorded |"),
        ("equality", "recorded turns differ from played ones by 0, played ones from themselves by 0"),
        ("nccl", "are right; three steps of paper-adam within the group differ by 0"),
        ("cifar10", "| seconds of training |"),
        pytest.param("resume", "the same state, bit for bit", marks=pytest.mark.slow),
    ],
)
def test_each_part_runs(
    part: str, told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "FEATURE_SAMPLES", 200)
    assert gpu.main([*SMALL, "--part", part]) == 0
    said = capsys.readouterr().out
    assert told in said
    assert "failed" not in said


@pytest.mark.slow
def test_rates_of_every_recipe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Narrow nets and small batches: what is left is whether each can be built, played and recorded on these shapes."""
    games = {name: recipe for name, recipe in gpu.RECIPES.items() if isinstance(recipe.learner, AdversarialRow)}
    small = {name: replace(tiny.narrow(recipe, 2), batch_size=4) for name, recipe in games.items()}
    small["infogan"] = replace(tiny.narrow_infogan(), batch_size=4)  # its noise has to hold its code
    monkeypatch.setattr(gpu, "RECIPES", small)
    monkeypatch.setitem(gpu.LIMITS, "rates", 3000)  # a processor is no GPU
    assert gpu.main(["--device", "cpu", "--seconds", "0.001", "--part", "rates"]) == 0
    said = capsys.readouterr().out
    assert all(said.count(f"| {name}, 4 |") == 4 for name in games), said
    assert "failed" not in said


def test_a_part_that_hangs_is_ended(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(gpu.LIMITS, "rates", 0.2)
    said, good = gpu.run_part("rates", SMALL)
    assert not good
    assert "ended with code -9" in said


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("layer", [nn.Conv2d, nn.ConvTranspose2d])
def test_operations_of_a_convolution(layer: type[nn.Module], groups: int) -> None:
    """2 n h w of the smaller maps, times the weights: once forward, twice back."""
    net, x = layer(4, 6, 4, 2, 1, groups=groups), torch.randn(3, 4, 8, 8, requires_grad=True)
    with Operations() as operations:
        y = net(x)
        small = min(x.shape[-1], y.shape[-1])
        y.sum().backward()
    assert operations.count == 3 * 2 * 3 * small**2 * net.weight.numel()


def test_operations_of_products() -> None:
    net, x = nn.Linear(5, 7), torch.randn(3, 5)
    with Operations() as operations:
        net(x).sum().backward()
    assert operations.count == 2 * 2 * 3 * 5 * 7  # forward, and the gradient of the weights
