"""Convolutions with cheap second derivatives: the same numbers as torch's, to every order that training takes."""

import pytest
import torch
from torch.nn import functional

from advnets.networks.layers.twice_differentiable import Conv2d, conv2d, input_slopes_only

GEOMETRIES = [(1, 1, 3), (2, 1, 4), (1, 0, 4)]


def tensors(kernel: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    shapes = (2, 3, 8, 8), (4, 3, kernel, kernel), (4,)
    x, weight, bias = (torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes)
    return x, weight, bias


@pytest.mark.parametrize(("stride", "padding", "kernel"), GEOMETRIES)
def test_first_and_second_derivatives_are_those_of_finite_differences(stride: int, padding: int, kernel: int) -> None:
    def convolve(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return conv2d(x, weight, bias, stride=stride, padding=padding)

    assert torch.autograd.gradcheck(convolve, tensors(kernel))
    assert torch.autograd.gradgradcheck(convolve, tensors(kernel))


@pytest.mark.parametrize(("stride", "padding", "kernel"), GEOMETRIES)
def test_the_gradient_of_a_penalty_is_that_of_torch(stride: int, padding: int, kernel: int) -> None:
    x, weight, bias = tensors(kernel)
    found = []
    for convolve in (conv2d, functional.conv2d):
        y = convolve(x, weight, bias, stride=stride, padding=padding)
        with input_slopes_only():
            (slope,) = torch.autograd.grad(y.pow(3).sum(), x, create_graph=True)
        found.append(torch.autograd.grad(slope.pow(2).sum(), (weight, bias)))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


def test_gradients_of_weights_are_left_out_where_only_slopes_are_wanted() -> None:
    x, weight, bias = tensors(3)
    y = conv2d(x, weight, bias, padding=1).sum()
    with input_slopes_only():
        slope, left_out = torch.autograd.grad(y, (x, weight), create_graph=True, allow_unused=True)
    assert slope is not None
    assert left_out is None
    assert torch.autograd.grad(conv2d(x, weight, padding=1).sum(), weight, create_graph=True)[0] is not None


def test_the_layer_is_torchs_layer() -> None:
    torch.manual_seed(0)
    layer, x = Conv2d(3, 5, 4, 2, 1), torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(layer(x), functional.conv2d(x, layer.weight, layer.bias, stride=2, padding=1))
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16


def test_gradients_of_weights_that_read_zeros_alone_are_zero_in_bfloat16() -> None:
    """torch 2.13 leaves them unset: what lies there is made of large numbers first."""
    torch.manual_seed(0)
    x, weight = torch.randn(16, 24, 1, 1), torch.randn(48, 24, 5, 5, requires_grad=True)
    for _ in range(5):
        rubbish = [torch.full((48, 24, 5, 5), 3e38, dtype=kind) for kind in (torch.float32, torch.bfloat16) * 4]
        del rubbish
        with torch.autocast("cpu", torch.bfloat16):
            y = conv2d(x, weight, stride=2, padding=2)
        (gradient,) = torch.autograd.grad(y.float().sum(), weight)
        expected = torch.zeros_like(weight)
        expected[:, :, 2, 2] = x.sum((0, 2, 3))
        assert torch.allclose(gradient, expected, atol=0.1)
