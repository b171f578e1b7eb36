"""The tutorials' loop and ours take the same step: what the benchmark compares is the same mathematics."""

from collections.abc import Iterator

import pytest
import torch
import tutorials
from torch import Tensor, nn

from advnets.networks import UpsampledConv2d
from advnets.training import Batch


def mlp() -> tuple[nn.Module, nn.Module]:
    return tutorials.mlp_generator(), tutorials.mlp_discriminator()


def dcgan() -> tuple[nn.Module, nn.Module]:
    return tutorials.dcgan_generator(tutorials.upsample_and_convolve), tutorials.dcgan_discriminator(dropout=0.0)


def reals(shape: tuple[int, ...]) -> Iterator[Tensor]:
    rng = torch.Generator().manual_seed(1)
    while True:
        yield torch.rand(8, *shape, generator=rng, dtype=torch.float64) * 2 - 1


@pytest.mark.parametrize(("nets", "shape"), [(mlp, (1, 28, 28)), (dcgan, (1, 32, 32))])
def test_three_steps_of_the_tutorial_are_three_of_simultaneous(nets: object, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    theirs, mine = nets(), nets()  # type: ignore[operator]
    for a, b in zip(theirs, mine, strict=True):
        b.load_state_dict(a.state_dict())
        a.double(), b.double()
    torch.set_default_dtype(torch.float64)
    try:
        steps = {
            "theirs": tutorials.tutorial(theirs[0], nn.Sequential(theirs[1], nn.Sigmoid()), reals(shape)),
            "mine": tutorials.ours(*mine, (Batch(real) for real in reals(shape))),
        }
        for step in steps.values():
            torch.manual_seed(5)
            for _ in range(3):
                step()
    finally:
        torch.set_default_dtype(torch.float32)
    for a, b in zip(theirs, mine, strict=True):
        moved = {
            name: float((theta.detach() - b.state_dict()[name]).abs().max()) for name, theta in a.named_parameters()
        }
        assert max(moved.values()) < 1e-9, moved


def test_an_upsampled_convolution_is_upsampling_and_convolving() -> None:
    torch.manual_seed(0)
    fast = UpsampledConv2d(3, 5).double()
    slow = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(3, 5, 3, padding=1)).double()
    slow[1].load_state_dict(fast.state_dict())
    x = torch.randn(2, 3, 4, 6, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(fast(x), slow(x), atol=1e-12, rtol=0)
    ours, theirs = (
        torch.autograd.grad(net(x).square().sum(), [x, *net.parameters()], create_graph=True) for net in (fast, slow)
    )
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-9, rtol=0)
    again, torchs = (torch.autograd.grad(g[0].square().sum(), x)[0] for g in (ours, theirs))
    torch.testing.assert_close(again, torchs, atol=1e-7, rtol=1e-9)
